"""From the body of a response's request to an `InferenceRequest`, by way of the chat completion that means the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from auriko.sandbox.catalog.model import RESPONSES
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.request import InferenceRequest
from auriko.sandbox.routing_options import RoutedRequest
from auriko.sandbox.wire.base import validate
from auriko.sandbox.wire.read_chat import read_chat
from auriko.sandbox.wire.responses_request import (
    FunctionCallItem,
    FunctionCallOutputItem,
    Item,
    JsonSchemaFormat,
    MessageItem,
    NamedTool,
    Part,
    ReasoningOptions,
    ResponsesRequest,
    TextOptions,
)

# Fields that mean the same in both; but for these, a response gives them back.
_SHARED = tuple(RoutedRequest.model_fields)
_NOT_ECHOED = {"model", "gateway", "extensions", "stream"}
_ECHOED = (
    *(name for name in _SHARED if name not in _NOT_ECHOED),
    *("instructions", "truncation", "reasoning", "text", "max_output_tokens", "max_tool_calls"),
)
_EFFORTS = {"none": "off", "minimal": "low"}
_LOGPROBS = "message.output_text.logprobs"  # by which `include` asks for them
_TEXTS = frozenset({"input_text", "output_text", "text"})


@dataclass(frozen=True, slots=True)
class ResponsesCall:
    """A request, and what its reply says beside the answer.

    Attributes:
        echo: Fields that a response repeats.
        shows_summary: Whether a reasoning summary was asked for.
        shows_encrypted: Whether `encrypted_content` was asked for.
    """

    inference: InferenceRequest
    echo: Mapping[str, Any]
    shows_summary: bool
    shows_encrypted: bool


def read_responses(body: Mapping[str, Any]) -> ResponsesCall:
    """The request in this body.

    Raises:
        GatewayError: It is not a valid request.
    """
    request = validate(ResponsesRequest, body)
    reasoning, text = request.reasoning or ReasoningOptions(), request.text or TextOptions()
    include, choice = request.include or (), request.tool_choice
    chat_body: dict[str, Any] = {
        **request.model_dump(include={*_SHARED}, exclude_unset=True),
        "messages": _messages(request),
        "logprobs": request.top_logprobs is not None or _LOGPROBS in include or None,
        "max_completion_tokens": request.max_output_tokens,
        "reasoning_effort": _EFFORTS.get(reasoning.effort or "", reasoning.effort),
        "tools": [
            {"type": "function", "function": tool.model_dump(exclude={"type"}, exclude_none=True)}
            for tool in request.tools or ()
        ],
        "tool_choice": {"type": "function", "function": {"name": choice.name}}
        if isinstance(choice, NamedTool)
        else choice,
        "verbosity": text.verbosity,
        "response_format": _response_format(text),
    }
    try:
        inference = read_chat(chat_body)
    except GatewayError as error:
        raise _in_terms_of_input(error) from None
    return ResponsesCall(
        inference=replace(inference, endpoint=RESPONSES),
        echo=_echo(request),
        shows_summary=bool(reasoning.summary or reasoning.generate_summary),
        shows_encrypted="reasoning.encrypted_content" in include,
    )


def _echo(request: ResponsesRequest) -> dict[str, Any]:
    sent = request.model_dump(include={*_ECHOED, "tools", "tool_choice", "metadata"}, exclude_unset=True, by_alias=True)
    return {
        **{name: sent.get(name) for name in _ECHOED},
        "metadata": sent.get("metadata") or {},
        "tools": sent.get("tools") or [],
        "tool_choice": sent.get("tool_choice") or "auto",
        "parallel_tool_calls": sent.get("parallel_tool_calls") is not False,
        "store": False,
    }


def _response_format(text: TextOptions) -> dict[str, Any] | None:
    if isinstance(text.format, JsonSchemaFormat):
        schema = text.format.model_dump(by_alias=True, exclude={"type"}, exclude_none=True)
        return {"type": "json_schema", "json_schema": schema}
    return None if text.format is None else {"type": text.format.type}


def _messages(request: ResponsesRequest) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if request.instructions is not None:
        messages.append({"role": "system", "content": request.instructions})
    if isinstance(request.input, str):
        return [*messages, {"role": "user", "content": request.input}]
    for position, item in enumerate(request.input):
        _add_item(messages, item, f"input[{position}]")
    return messages


def _add_item(messages: list[dict[str, Any]], item: Item, param: str) -> None:
    """Put one item into the conversation; what an assistant does in a row becomes one message."""
    if isinstance(item, FunctionCallOutputItem):
        output = item.output if isinstance(item.output, str) else "".join(_text(p, param) for p in item.output)
        messages.append({"role": "tool", "tool_call_id": item.call_id, "content": output})
        return
    if isinstance(item, MessageItem) and item.role != "assistant":
        content = item.content if isinstance(item.content, str) else [_part(part, param) for part in item.content]
        messages.append({"role": item.role, "content": content})
        return
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    message = messages[-1]
    if isinstance(item, MessageItem):
        said = item.content if isinstance(item.content, str) else "".join(_text(p, param) for p in item.content)
        message["content"] = (message["content"] or "") + said
    elif isinstance(item, FunctionCallItem):
        function = {"name": item.name, "arguments": item.arguments}
        message.setdefault("tool_calls", []).append({"id": item.call_id, "type": "function", "function": function})
    else:
        thinking = "".join(part.text for part in item.summary)
        whole = {"type": "redacted", "data": item.encrypted_content}
        block = whole if item.encrypted_content else {"type": "thinking", "thinking": thinking}
        message.setdefault("reasoning", []).append(block)


def _text(part: Part, param: str) -> str:
    text = part.refusal if part.type == "refusal" else part.text
    if part.type not in {*_TEXTS, "refusal"} or not isinstance(text, str):
        raise GatewayError("invalid_parameter_value", f"{param} takes text alone.", param=param)
    return text


def _part(part: Part, param: str) -> dict[str, Any]:
    if part.type in _TEXTS:
        return {"type": "text", "text": part.text}
    if part.type == "input_image":
        return {"type": "image_url", "image_url": {"url": part.image_url}}
    if part.type == "input_file":
        return {"type": "file", "file": part.model_extra or {}}
    raise GatewayError("unsupported_modalities", f"{param} has a part of the type {part.type!r}.", param=param)


def _in_terms_of_input(error: GatewayError) -> GatewayError:
    """The error of the chat completion, with the name that its field has here."""
    if error.param is None or not error.param.startswith("messages"):
        return error
    return GatewayError(error.code, error.message.replace("messages", "input"), param="input")
