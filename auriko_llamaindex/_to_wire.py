"""LlamaIndex chat messages as the messages of a request (API sections 3.1, 3.3 and 8.2)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from llama_index.core.base.llms.types import ChatMessage, MessageRole, ThinkingBlock, ToolCallBlock

from auriko_llamaindex._blocks import Part, content_parts, is_plain_text, text_of

_ROLES: Final = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "developer",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "function",
}


def to_wire(messages: Sequence[ChatMessage], *, send_reasoning: bool = True) -> list[dict[str, Any]]:
    """The messages as the API takes them.

    Tool and assistant messages are text on the wire: what else they hold, such as an image that a tool
    returned, follows in a user message of its own. Reasoning goes back with tool calls only.

    Raises:
        ValueError: A message cannot be sent, such as a tool message without its call's id.
    """
    wire: list[dict[str, Any]] = []
    displaced: list[Part] = []
    for message in messages:
        role = _ROLES[message.role]
        if displaced and role not in {"tool", "function"}:
            wire.append({"role": "user", "content": displaced})
            displaced = []
        parts = content_parts(message.blocks)
        if role == "assistant":
            wire.append(_assistant(message, parts, send_reasoning=send_reasoning))
            displaced.extend(_beyond_text(parts, "Shown by the assistant:"))
        elif role in {"tool", "function"}:
            result = _tool_result(message, parts)
            wire.append(result)
            displaced.extend(_beyond_text(parts, f"Result of tool call {result.get('tool_call_id')}:"))
        else:
            wire.append({"role": role, "content": text_of(parts) if is_plain_text(parts) else parts})
        name = message.additional_kwargs.get("name")
        if isinstance(name, str) and role != "tool":
            wire[-1]["name"] = name
    if displaced:
        wire.append({"role": "user", "content": displaced})
    return wire


def _beyond_text(parts: Iterable[Part], label: str) -> list[Part]:
    rest = [part for part in parts if part["type"] != "text"]
    return [{"type": "text", "text": label}, *rest] if rest else []


def _tool_result(message: ChatMessage, parts: list[Part]) -> dict[str, Any]:
    content = text_of(parts) or ("The result is in the next message." if parts else "")
    call_id = message.additional_kwargs.get("tool_call_id")
    if isinstance(call_id, str):
        return {"role": "tool", "tool_call_id": call_id, "content": content}
    if message.role == MessageRole.FUNCTION:
        return {"role": "function", "content": content}
    raise ValueError("a tool message needs the id of its call in additional_kwargs['tool_call_id']")


def _assistant(message: ChatMessage, parts: list[Part], *, send_reasoning: bool) -> dict[str, Any]:
    text = text_of(parts)
    calls = _tool_calls(message)
    if not calls:
        return {"role": "assistant", "content": text}
    wire = {"role": "assistant", "content": text or None, "tool_calls": calls}
    return {**wire, **_reasoning(message.blocks)} if send_reasoning else wire


def _tool_calls(message: ChatMessage) -> list[dict[str, Any]]:
    """The calls of the message's blocks, else those in its additional_kwargs, as other LLM classes keep them.

    A provider's signature, for which blocks have no field, comes from additional_kwargs.
    """
    kept = [_as_dict(call) for call in message.additional_kwargs.get("tool_calls") or ()]
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if not blocks:
        return [_kept_call(call) for call in kept]
    signatures = {call.get("id"): call.get("provider_signature") for call in kept}
    return [
        _call(
            block.tool_call_id or f"call_{position}",
            block.tool_name,
            block.tool_kwargs,
            signatures.get(block.tool_call_id),
        )
        for position, block in enumerate(blocks)
    ]


def _as_dict(call: Any) -> dict[str, Any]:
    return dict(call if isinstance(call, dict) else call.model_dump())  # pyright: ignore[reportUnknownArgumentType]


def _kept_call(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return _call(call["id"], function["name"], function["arguments"], call.get("provider_signature"))


def _call(call_id: str, name: str, arguments: Any, signature: str | None) -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": text or "{}"}}
    # A null would be refused by some providers.
    return call if signature is None else {**call, "provider_signature": signature}


def _reasoning(blocks: Iterable[Any]) -> dict[str, Any]:
    """The reasoning as it came: signed or redacted blocks, else readable text alone."""
    thinking = [block for block in blocks if isinstance(block, ThinkingBlock)]
    if any(block.additional_information for block in thinking):
        return {"reasoning": [_reasoning_block(block) for block in thinking]}
    text = "".join(block.content or "" for block in thinking)
    return {"reasoning_content": text} if text else {}


def _reasoning_block(block: ThinkingBlock) -> dict[str, Any]:
    kept = {"type": "thinking", **block.additional_information}
    return {**kept, "thinking": block.content or ""} if kept["type"] == "thinking" else kept
