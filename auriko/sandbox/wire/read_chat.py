"""From the body of a chat completion to an `Inference`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auriko.sandbox.catalog.model import CHAT
from auriko.sandbox.engines.base import Prompt
from auriko.sandbox.replies import GatewayError
from auriko.sandbox.request import OPTIONAL_PARAMS, Inference, Notice, Requirement
from auriko.sandbox.validation import validate
from auriko.sandbox.wire import media
from auriko.sandbox.wire.chat_request import IGNORED_FIELDS, ChatRequest, NamedTool
from auriko.sandbox.wire.conversation import check_conversation


def read_chat(body: Mapping[str, Any]) -> Inference:
    """The request in this body.

    Raises:
        GatewayError: It is not a valid request.
    """
    body = _without_legacy_names(body)
    request = validate(ChatRequest, body)
    check_conversation(request.messages)
    messages: tuple[dict[str, Any], ...] = tuple(body["messages"])
    tools = tuple(body.get("tools") or ())
    choice = _tool_choice(request)
    response_format = body.get("response_format")
    sent = {name: body[name] for name in OPTIONAL_PARAMS if body.get(name) is not None}
    prompt = Prompt(
        messages=messages,
        tools=() if choice == "none" else tools,
        tool_choice="auto" if choice == "none" else choice,
        response_format=response_format,
        max_tokens=request.max_completion_tokens or request.max_tokens,
        stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
        temperature=request.temperature,
        seed=request.seed,
        parallel_tool_calls=request.parallel_tool_calls is not False,
    )
    return Inference(
        endpoint=CHAT,
        models=tuple(request.candidates),
        routing=request.gateway.routing,
        prompt=prompt,
        params=sent,
        n=request.n or 1,
        effort=request.reasoning_effort,
        show_reasoning=not (request.reasoning and request.reasoning.exclude),
        stream=bool(request.stream),
        modalities=_modalities(messages),
        needs=tuple(
            requirements(
                prompt,
                tools=bool(tools),
                stream=bool(request.stream),
                effort=request.reasoning_effort,
            )
        ),
        extensions=request.extensions,
        echoed={
            call["id"]: call.get("provider_signature")
            for message in messages
            for call in message.get("tool_calls") or ()
        },
        warnings=tuple(
            Notice("unsupported_field", f"{name}_ignored", f"{name} is accepted and not used.")
            for name in IGNORED_FIELDS
            if body.get(name) is not None
        ),
    )


def requirements(prompt: Prompt, *, tools: bool, stream: bool, effort: str | None) -> list[Requirement]:
    """What a provider must be capable of to serve this."""
    kind = (prompt.response_format or {}).get("type", "text")
    structured = kind in {"json_object", "json_schema"}
    table = (
        (tools, "tools", "tools_not_supported", "tools"),
        (
            prompt.tool_choice != "auto",
            "tool_choice_required",
            "tool_choice_required_not_supported",
            "a tool_choice that demands a call",
        ),
        (kind == "json_object", "json_mode", "json_mode_not_supported", "response_format json_object"),
        (
            kind == "json_schema",
            "structured_output",
            "structured_output_not_supported",
            "response_format json_schema",
        ),
        (
            tools and structured,
            "tools_with_structured_output",
            "tools_with_structured_output_not_supported",
            "tools together with a response_format",
        ),
        (effort not in {None, "off"}, "reasoning", "reasoning_not_supported", "reasoning_effort"),
        (stream, "streaming", "streaming_not_supported", "streams"),
        (not stream, "non_streaming", "non_streaming_not_supported", "replies that are not streams"),
    )
    return [Requirement(capability, code, what) for wanted, capability, code, what in table if wanted]


def _without_legacy_names(body: Mapping[str, Any]) -> dict[str, Any]:
    """`functions` and `function_call` under the names that replaced them."""
    modern = dict(body)
    functions = modern.pop("functions", None)
    if isinstance(functions, list):
        modern.setdefault("tools", [{"type": "function", "function": f} for f in functions])  # pyright: ignore[reportUnknownVariableType]
    call = modern.pop("function_call", None)
    if call is not None:
        modern.setdefault("tool_choice", call if isinstance(call, str) else {"type": "function", "function": call})
    return modern


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


def _modalities(messages: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The kinds of content in these messages, each part checked."""
    kinds = {"text"}
    for position, message in enumerate(messages):
        parts: list[dict[str, Any]] | str | None = message.get("content")
        if parts is not None and not isinstance(parts, str):
            kinds.update(
                media.check_part(part, f"messages[{position}].content[{index}]") for index, part in enumerate(parts)
            )
    return frozenset(kinds)
