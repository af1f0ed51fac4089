"""LangChain's messages as the wire has them (API section 3.1)."""

# A message's content and additional_kwargs are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
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

from auriko_langchain._blocks import Part, extra, parts, text_or_parts
from auriko_langchain._keys import REASONING, REASONING_CONTENT, REFUSAL, SIGNATURES

WireMessage = dict[str, Any]


def to_wire(messages: Sequence[BaseMessage]) -> list[WireMessage]:
    """The messages as dictionaries of JSON values.

    Raises:
        ValueError: A message has no place in a conversation, or a content block cannot be sent.
    """
    wire: list[WireMessage] = []
    media: list[Part] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            wire.append(_tool_result(message, media))
            continue
        if media:
            wire.append({"role": "user", "content": media})
            media = []
        wire.append(_message(message))
    return [*wire, {"role": "user", "content": media}] if media else wire


def _tool_result(message: ToolMessage, media: list[Part]) -> WireMessage:
    """The result as text, which is all that it may be; images and files go to `media`, for a message after it."""
    text = message.content
    if not isinstance(text, str):
        found = parts(text)
        text = "\n".join(part["text"] for part in found if part["type"] == "text")
        if others := [part for part in found if part["type"] != "text"]:
            media += [{"type": "text", "text": f"Result of the tool call {message.tool_call_id}:"}, *others]
            text = text or "The result is in the next message of the user."
    return {"role": "tool", "content": text, "tool_call_id": message.tool_call_id}


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
    raise ValueError(f"A {type(message).__name__} is not part of a conversation and cannot be sent.")


def _assistant(message: AIMessage) -> WireMessage:
    if isinstance(message.content, str) and not (
        message.additional_kwargs or message.tool_calls or message.invalid_tool_calls
    ):
        return {"role": "assistant", "content": message.content}  # as most are
    blocks = list(_blocks(message))
    text = message.content if isinstance(message.content, str) else "".join(map(_text, blocks))
    tool_calls = _tool_calls(message, blocks)
    wire: WireMessage = {"role": "assistant", "content": text if text or not tool_calls else None}
    if tool_calls:
        wire["tool_calls"] = tool_calls
    if message.additional_kwargs or blocks:
        wire.update(_reasoning(message, blocks))
        refusal = message.additional_kwargs.get(REFUSAL) or _first(blocks, "refusal")
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
    return next((block[name] for block in blocks if block.get(name)), None)


def _image(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "image", "mime_type": block.get("mime_type"), "data": block["base64"]}


def _tool_calls(message: AIMessage, blocks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    signatures = dict(message.additional_kwargs.get(SIGNATURES) or {})
    for block in blocks:
        if block.get("type") == "tool_call" and (signature := extra(block, "provider_signature")):
            signatures.setdefault(block.get("id"), signature)
    calls = [
        _tool_call(call["id"], call["name"], json.dumps(call["args"], ensure_ascii=False), signatures)
        for call in message.tool_calls
    ]
    calls += [_tool_call(call["id"], call["name"], call["args"], signatures) for call in message.invalid_tool_calls]
    # A message made by hand for the Anthropic API may have its calls in the content alone.
    return calls or [
        _tool_call(block.get("id"), block["name"], json.dumps(block.get("input"), ensure_ascii=False), signatures)
        for block in blocks
        if block.get("type") == "tool_use"
    ]


def _tool_call(
    call_id: str | None, name: str | None, arguments: str | None, signatures: Mapping[str | None, str]
) -> dict[str, Any]:
    call: dict[str, Any] = {
        "id": call_id or "",
        "type": "function",
        "function": {"name": name or "", "arguments": arguments or "{}"},
    }
    if signature := signatures.get(call_id):
        call["provider_signature"] = signature
    return call


def _reasoning(message: AIMessage, blocks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The reasoning as it came: readable text, and blocks where a provider signed or hid some of it."""
    kept = message.additional_kwargs.get(REASONING)
    if isinstance(kept, list):
        # Pieces of a stream were joined by an index that is LangChain's, not the wire's.
        found = [{k: v for k, v in block.items() if k != "index"} for block in kept]
    else:
        found = [reasoning for block in blocks if (reasoning := _reasoning_block(block))]
    content = message.additional_kwargs.get(REASONING_CONTENT)
    if not isinstance(content, str):
        content = "".join(block.get("thinking") or "" for block in found)
    wire: dict[str, Any] = {REASONING_CONTENT: content} if content else {}
    if any(block.get("signature") or block.get("data") for block in found):
        wire[REASONING] = found
    return wire


def _reasoning_block(block: Mapping[str, Any]) -> dict[str, Any] | None:
    match block.get("type"):
        case "redacted_thinking":
            return {"type": "redacted", "data": block.get("data")}
        case "thinking" | "reasoning":
            if data := extra(block, "redacted_data"):
                return {"type": "redacted", "data": data}
            text = block.get("thinking") or block.get("reasoning") or ""
            signature = extra(block, "signature")
            if not text and not signature:
                return None
            signed = {"signature": signature} if signature else {}
            return {"type": "thinking", "thinking": text, **signed}
        case _:
            return None
