"""LangChain's messages as the wire has them (API section 3.1)."""

# A message's content and additional_kwargs are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolMessage,
)

from auriko.history.fields import MessageError, below, given, needed
from auriko.history.reasoning import KINDS, reasoning_block, reasoning_fields
from auriko.history.tool_calls import as_call, kept_calls, tool_call
from auriko.meaning.choice import cut
from auriko_langchain._blocks import Part, extra, parts, result_parts, text_or_parts
from auriko_langchain._keys import REASONING, REASONING_CONTENT, REFUSAL, SIGNATURES

WireMessage = dict[str, Any]
T = TypeVar("T")


def to_wire(messages: Sequence[BaseMessage]) -> list[WireMessage]:
    """The messages as dictionaries of JSON values.

    Raises:
        MessageError: A message has no place in a conversation, or a field of it cannot be sent.
    """
    wire: list[WireMessage] = []
    media: list[Part] = []
    number = 0
    try:
        for number, message in enumerate(messages):
            if isinstance(message, ToolMessage):
                wire.append(_tool_result(message.tool_call_id, message.content, media))
                continue
            others: BaseMessage | None = message
            if isinstance(message, HumanMessage) and isinstance(message.content, list):
                others = _without_results(message, wire, media)
            if media and others is not None:
                wire.append({"role": "user", "content": media})
                media = []
            if others is not None:
                wire.append(_message(others))
                if isinstance(others, AIMessage) and others.invalid_tool_calls:
                    wire += _not_run(others, messages[number + 1 :])
    except MessageError as error:
        error.below(f"messages[{number}]")
        raise
    return [*wire, {"role": "user", "content": media}] if media else wire


def why_not_run(message: AIMessage, call: InvalidToolCall) -> str:
    """The result of a call that was not run, for the model."""
    why = call["error"] or cut(message.response_metadata.get("finish_reason")) or "its arguments cannot be read"
    return f"The call of {call['name']} was not run: {why}. Call it again with whole arguments, if it is needed."


def _not_run(message: AIMessage, later: Sequence[BaseMessage]) -> Iterator[WireMessage]:
    """Results for the calls that LangChain ran nothing for: providers refuse a call without a result."""
    if not later:
        return
    answered = {result.tool_call_id for result in later if isinstance(result, ToolMessage)}
    for call in message.invalid_tool_calls:
        if call["id"] not in answered:
            yield {"role": "tool", "content": why_not_run(message, call), "tool_call_id": call["id"] or ""}


def _tool_result(call_id: str, content: str | list[str | dict[str, Any]], media: list[Part]) -> WireMessage:
    """The result as text, which is all that it may be; images and files go to `media`, for a message after it."""
    text = content
    if not isinstance(text, str):
        found = result_parts(text)
        text = "\n".join(part["text"] for part in found if part["type"] == "text")
        if others := [part for part in found if part["type"] != "text"]:
            media += [{"type": "text", "text": f"Result of the tool call {call_id}:"}, *others]
            text = text or "The result is in the next message of the user."
    return {"role": "tool", "content": text, "tool_call_id": call_id}


def _without_results(message: HumanMessage, wire: list[WireMessage], media: list[Part]) -> HumanMessage | None:
    """The message without the results of tools, which Anthropic has in it and which go to `wire`; None without more."""
    others: list[str | dict[Any, Any]] = []
    for place, block in enumerate(message.content):
        if isinstance(block, str) or block.get("type") != "tool_result":
            others.append(block)
            continue
        with below(f"content[{place}]"):
            call_id = needed(block, "tool_use_id", str)
            wire.append(_tool_result(call_id, given(block, "content", (str, list)) or "", media))
    if len(others) == len(message.content):
        return message
    return message.model_copy(update={"content": others}) if others else None


def _message(message: BaseMessage) -> WireMessage:
    content = message.content
    if isinstance(message, AIMessage):
        wire = _assistant(message)
    elif isinstance(message, HumanMessage):
        wire = {"role": "user", "content": (parts(content) if isinstance(content, list) else content) or ""}
    else:
        wire = {"role": _role(message), "content": text_or_parts(content, "\n")}
    if message.name:
        wire["name"] = message.name
    return wire


def _role(message: BaseMessage) -> str:
    if isinstance(message, SystemMessage):
        # LangChain's own mark for instructions that a model calls "developer" messages.
        return str(message.additional_kwargs.get("__openai_role__", "system"))
    if isinstance(message, ChatMessage):
        return message.role
    if isinstance(message, FunctionMessage):
        return "function"
    raise MessageError("", f"is a {type(message).__name__}, which is no part of a conversation")


def _assistant(message: AIMessage) -> WireMessage:
    kept = message.additional_kwargs
    if isinstance(message.content, str) and not (kept or message.tool_calls or message.invalid_tool_calls):
        return {"role": "assistant", "content": message.content}  # as most are
    blocks = list(_blocks(message))
    text = message.content if isinstance(message.content, str) else "".join(map(_text, blocks))
    tool_calls = _tool_calls(message, blocks)
    wire: WireMessage = {"role": "assistant", "content": text}
    if tool_calls:
        if not text:
            del wire["content"]
        wire["tool_calls"] = tool_calls
    elif call := _kept(message, "function_call", dict):
        with below("additional_kwargs.function_call"):
            wire["function_call"] = as_call(call)["function"]
    if kept or blocks:
        wire.update(_reasoning(message, blocks))
        refusal = _kept(message, REFUSAL, str) or _first(blocks, "refusal")
        if refusal:
            wire["refusal"] = refusal
        images = [_image(block) for block in blocks if block.get("type") == "image" and block.get("base64")]
        if images:
            wire["images"] = images
    return wire


def _blocks(message: AIMessage) -> Iterator[Mapping[str, Any]]:
    """The blocks of an answer's content, of which each says its type, if any, by a text."""
    for place, block in enumerate(message.content if isinstance(message.content, list) else ()):
        if isinstance(block, str):
            yield {"type": "text", "text": block}
            continue
        with below(f"content[{place}]"):
            given(block, "type", str)
        yield block


def _text(block: Mapping[str, Any]) -> str:
    return str(block.get("text") or "") if block.get("type", "text") == "text" else ""


def _first(blocks: Sequence[Mapping[str, Any]], name: str) -> Any:
    return next((block[name] for block in blocks if isinstance(block.get(name), str)), None)


def _image(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "image", "mime_type": block.get("mime_type"), "data": block["base64"]}


def _tool_calls(message: AIMessage, blocks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    signatures = dict(_kept(message, SIGNATURES, dict) or {})
    for block in blocks:
        if block.get("type") == "tool_call" and (signature := extra(block, "provider_signature")):
            signatures.setdefault(given(block, "id", str), signature)
    calls = [
        tool_call(call["id"], call["name"], call["args"], signatures.get(call["id"]))
        for call in (*message.tool_calls, *message.invalid_tool_calls)
    ]
    return calls or [*_calls_in(blocks), *kept_calls(message.additional_kwargs)]


# Messages of other classes may have their calls in the content alone.
_CALLS = frozenset({"tool_use", "function_call", "tool_call"})


def _calls_in(blocks: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for place, block in enumerate(blocks):
        if block.get("type") in _CALLS:
            with below(f"content[{place}]"):
                yield as_call(block)


def _kept(message: AIMessage, name: str, kind: type[T]) -> T | None:
    if name not in message.additional_kwargs:
        return None
    with below("additional_kwargs"):
        return given(message.additional_kwargs, name, kind)


def _reasoning(message: AIMessage, blocks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The reasoning as it came: readable text, and blocks where a provider signed or hid some of it."""
    # "reasoning" is the name that other classes have, and that ours had once.
    name = REASONING if REASONING in message.additional_kwargs else "reasoning"
    kept = message.additional_kwargs.get(name)
    if isinstance(kept, Mapping):
        kept = [kept]
    if isinstance(kept, list):
        places = [(f"additional_kwargs.{name}[{place}]", block) for place, block in enumerate(kept)]
    else:
        places = [(f"content[{place}]", block) for place, block in enumerate(blocks) if block.get("type") in KINDS]
    sent: list[dict[str, Any]] = []
    for place, block in places:
        with below(place):
            if (reasoning := _reasoning_block(block)) is not None:
                sent.append(reasoning)
    return reasoning_fields(sent, _kept(message, REASONING_CONTENT, str))


def _reasoning_block(block: Mapping[str, Any]) -> dict[str, Any] | None:
    extras = given(block, "extras", dict) or {}
    # Pieces of a stream were joined by an index that is LangChain's, not the wire's.
    own = {name: value for name, value in block.items() if name not in ("index", "extras")}
    if data := extras.get("redacted_data"):
        own["data"] = data
    return reasoning_block({"signature": extras.get("signature"), **own} if extras else own)
