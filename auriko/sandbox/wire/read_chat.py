"""From the body of a chat completion to an `InferenceRequest`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auriko.sandbox.catalog.model import CHAT
from auriko.sandbox.engines.base import Prompt
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.request import OPTIONAL_PARAMS, InferenceRequest, RoutingWarning
from auriko.sandbox.wire.base import validate
from auriko.sandbox.wire.chat_request import (
    IGNORED_FIELDS,
    AssistantMessage,
    ChatRequest,
    Message,
    NamedTool,
    ToolMessage,
)


def read_chat(body: Mapping[str, Any]) -> InferenceRequest:
    """The request in this body.

    Raises:
        GatewayError: It is not a valid request.
    """
    request = validate(ChatRequest, _with_modern_names(body))
    _check_conversation(request.messages)
    tools = tuple(tool.model_dump(exclude_unset=True) for tool in request.tools or ())
    choice = _tool_choice(request)
    form = request.response_format
    prompt = Prompt(
        messages=tuple(_as_prompted(message) for message in request.messages),
        tools=() if choice == "none" else tools,
        tool_choice="auto" if choice == "none" else choice,
        response_format=None if form is None else form.model_dump(exclude_unset=True, by_alias=True),
        max_tokens=request.max_completion_tokens or request.max_tokens,
        stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
        temperature=request.temperature,
        seed=request.seed,
        parallel_tool_calls=request.parallel_tool_calls is not False,
    )
    stream = bool(request.stream)
    return InferenceRequest(
        endpoint=CHAT,
        models=tuple(request.candidates),
        routing=request.gateway.routing,
        prompt=prompt,
        params={name: value for name in OPTIONAL_PARAMS if (value := getattr(request, name)) is not None},
        n=request.n or 1,
        effort=request.reasoning_effort,
        show_reasoning=not (request.reasoning and request.reasoning.exclude),
        stream=stream,
        modalities=_modalities(request.messages),
        needs=_needs(prompt, tools=bool(tools), stream=stream, effort=request.reasoning_effort),
        extensions=request.extensions,
        warnings=tuple(
            RoutingWarning("unsupported_field", f"{name}_ignored", f"{name} is accepted and not used.")
            for name in IGNORED_FIELDS
            if getattr(request, name) is not None
        ),
    )


def _check_conversation(messages: Sequence[Message]) -> None:
    """Checks that each tool call is answered once and right after it was made.

    Raises:
        GatewayError: A call without an answer, or an answer without a call.
    """
    open_calls: set[str] = set()
    for position, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in open_calls:
                raise GatewayError(
                    "invalid_request",
                    f"messages[{position}] answers the tool call {message.tool_call_id!r}, "
                    "which no message right before it makes.",
                    param=f"messages[{position}].tool_call_id",
                )
            open_calls.discard(message.tool_call_id)
            continue
        _refuse_open(open_calls, f"messages[{position}]")
        if isinstance(message, AssistantMessage):
            if not (message.content or message.tool_calls or message.refusal or message.function_call):
                raise GatewayError(
                    "invalid_parameter_value",
                    f"messages[{position}] has neither content nor tool calls.",
                    param=f"messages[{position}].content",
                )
            open_calls = {call.id for call in message.tool_calls or ()}
    _refuse_open(open_calls, "messages")


def _refuse_open(open_calls: set[str], param: str) -> None:
    if open_calls:
        raise GatewayError(
            "invalid_request",
            f"No tool message answers the tool call {min(open_calls)!r}.",
            param=param,
            suggestion='Add {"role": "tool", "tool_call_id": ..., "content": ...} right after the call.',
        )


def _with_modern_names(body: Mapping[str, Any]) -> dict[str, Any]:
    """`functions` and `function_call` under the names that replaced them."""
    modern = dict(body)
    functions = modern.pop("functions", None)
    if isinstance(functions, list):
        modern.setdefault("tools", [{"type": "function", "function": f} for f in functions])  # pyright: ignore[reportUnknownVariableType]
    call = modern.pop("function_call", None)
    if call is not None:
        modern.setdefault("tool_choice", call if isinstance(call, str) else {"type": "function", "function": call})
    return modern


def _needs(prompt: Prompt, *, tools: bool, stream: bool, effort: str | None) -> dict[str, str]:
    """The capabilities that a provider must have to serve this, each with what asks for it."""
    kind = (prompt.response_format or {}).get("type", "text")
    table = {
        "tools": (tools, "tools"),
        "tool_choice_required": (prompt.tool_choice != "auto", "a tool_choice that demands a call"),
        "json_mode": (kind == "json_object", "response_format json_object"),
        "structured_output": (kind == "json_schema", "response_format json_schema"),
        "tools_with_structured_output": (tools and kind != "text", "tools together with a response_format"),
        "reasoning": (effort not in {None, "off"}, "reasoning_effort"),
        "streaming": (stream, "streams"),
        "non_streaming": (not stream, "replies that are not streams"),
    }
    return {capability: what for capability, (is_needed, what) in table.items() if is_needed}


def _tool_choice(request: ChatRequest) -> Any:
    """The choice as engines take it, or "none"."""
    choice = request.tool_choice
    if choice is None or choice in {"auto", "none"}:
        return choice or "auto"
    if not request.tools:
        raise GatewayError(
            "invalid_request", "tool_choice demands a call, but there are no tools.", param="tool_choice"
        )
    if isinstance(choice, NamedTool):
        name = choice.function.name
        if name not in {tool.function.name for tool in request.tools}:
            raise GatewayError(
                "invalid_parameter_value",
                f"tool_choice names {name!r}, which is not among the tools.",
                param="tool_choice.function.name",
            )
        return {"name": name}
    return choice


def _as_prompted(message: Message) -> dict[str, Any]:
    """The message as it was sent, but for what only an assistant's has: nobody has looked at it."""
    foreign = set[str]() if isinstance(message, AssistantMessage) else {"tool_calls", "reasoning"}
    return message.model_dump(exclude_unset=True, exclude=foreign)


def _modalities(messages: Sequence[Message]) -> frozenset[str]:
    """The kinds of content in these messages."""
    contents = [message.content for message in messages]
    return frozenset({"text", *(part.modality for parts in contents if isinstance(parts, list) for part in parts)})
