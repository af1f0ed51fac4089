"""LangChain's messages as the wire has them (API section 3.1)."""

# A message's content and additional_kwargs are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from auriko.history.fields import MessageError, given, needed
from auriko.history.reasoning import KINDS, reasoning_block, reasoning_fields
from auriko.history.tool_calls import as_call, tool_call
from auriko_langchain._blocks import Part, extra, parts, result_parts, text_or_parts
from auriko_langchain._keys import REASONING, REASONING_CONTENT, REFUSAL, SIGNATURES

WireMessage = dict[str, Any]


def to_wire(messages: Sequence[BaseMessage]) -> list[WireMessage]:
    """The messages as dictionaries of JSON values.

    Raises:
        MessageError: A message has no place in a conversation, or a field of it cannot be sent.
    """
    wire: list[WireMessage] = []
    media: list[Part] = []
    for number, message in enumerate(messages):
        try:
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
        except MessageError as error:
            raise error.below(f"messages[{number}]") from None
    return [*wire, {"role": "user", "content": media}] if media else wire


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
        try:
            call_id = needed(block, "tool_use_id", str)
            wire.append(_tool_result(call_id, given(block, "content", (str, list)) or "", media))
        except MessageError as error:
            raise error.below(f"content[{place}]") from None
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
    elif call := given(kept, "function_call", dict):
        wire["function_call"] = as_call(call)["function"]
    if kept or blocks:
        wire.update(_reasoning(message, blocks))
        refusal = given(kept, REFUSAL, str) or _first(blocks, "refusal")
        if refusal:
            wire["refusal"] = refusal
        images = [_image(block) for block in blocks if block.get("type") == "image" and block.get("base64")]
        if images:
            wire["images"] = images
    return wire


def _blocks(message: AIMessage) -> Iterator[Mapping[str, Any]]:
    if isinstance(message.content, list):
        for block in message.content:
            yield {"type": "text", "text": block} if isinstance(block, str) else block


def _text(block: Mapping[str, Any]) -> str:
    return str(block.get("text") or "") if block.get("type", "text") == "text" else ""


def _first(blocks: Sequence[Mapping[str, Any]], name: str) -> Any:
    return next((block[name] for block in blocks if isinstance(block.get(name), str)), None)


def _image(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "image", "mime_type": block.get("mime_type"), "data": block["base64"]}


def _tool_calls(message: AIMessage, blocks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    signatures = dict(given(message.additional_kwargs, SIGNATURES, dict) or {})
    for block in blocks:
        if block.get("type") == "tool_call" and (signature := extra(block, "provider_signature")):
            signatures.setdefault(given(block, "id", str), signature)
    calls = [
        tool_call(call["id"], call["name"], call["args"], signatures.get(call["id"]))
        for call in (*message.tool_calls, *message.invalid_tool_calls)
    ]
    return calls or [*_calls_in(blocks, "content"), *_calls_kept(message.additional_kwargs)]


# Messages of other classes may have their calls in the content alone.
_CALLS = frozenset({"tool_use", "function_call", "tool_call"})


def _calls_in(blocks: Sequence[Mapping[str, Any]], where: str) -> Iterator[dict[str, Any]]:
    for place, block in enumerate(blocks):
        if block.get("type") in _CALLS:
            try:
                yield as_call(block)
            except MessageError as error:
                raise error.below(f"{where}[{place}]") from None


def _calls_kept(kept: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The calls of `additional_kwargs`, of which langchain-core has read those of the OpenAI API already."""
    for place, call in enumerate(given(kept, "tool_calls", list) or ()):
        try:
            yield as_call(call)
        except MessageError as error:
            raise error.below(f"additional_kwargs.tool_calls[{place}]") from None


def _reasoning(message: AIMessage, blocks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The reasoning as it came: readable text, and blocks where a provider signed or hid some of it."""
    kept = message.additional_kwargs
    # "reasoning" is the name that other classes have, and that ours had once.
    ours = kept.get(REASONING) or kept.get("reasoning")
    found = [ours] if isinstance(ours, Mapping) else ours
    if not isinstance(found, list):
        found = [block for block in blocks if block.get("type") in KINDS]
    sent = [reasoning for block in found if isinstance(block, Mapping) and (reasoning := _reasoning_block(block))]
    return reasoning_fields(sent, given(kept, REASONING_CONTENT, str))


def _reasoning_block(block: Mapping[str, Any]) -> dict[str, Any] | None:
    # Pieces of a stream were joined by an index that is LangChain's, not the wire's.
    own = {name: value for name, value in block.items() if name not in ("index", "extras")}
    extras = given(block, "extras", dict) or {}
    if data := extras.get("redacted_data"):
        own["data"] = data
    return reasoning_block({"signature": extras.get("signature"), **own} if extras else own)
