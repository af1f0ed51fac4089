"""LlamaIndex chat messages as the messages of a request (API sections 3.1, 3.3 and 8.2)."""

# Messages and schemas are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from llama_index.core.base.llms.types import ChatMessage, MessageRole, ThinkingBlock, ToolCallBlock

from auriko.history.fields import MessageError, below
from auriko.history.reasoning import reasoning_block, reasoning_fields
from auriko.history.tool_calls import kept_calls, tool_call
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
        MessageError: A message cannot be sent, such as a tool message without its call's id.
    """
    wire: list[dict[str, Any]] = []
    displaced: list[Part] = []
    for number, message in enumerate(messages):
        role = _ROLES[message.role]
        if displaced and role not in {"tool", "function"}:
            wire.append({"role": "user", "content": displaced})
            displaced = []
        with below(f"messages[{number}]"):
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
    # The second name is that of Anthropic's messages.
    call_id = message.additional_kwargs.get("tool_call_id") or message.additional_kwargs.get("tool_use_id")
    if isinstance(call_id, str):
        return {"role": "tool", "tool_call_id": call_id, "content": content}
    if message.role == MessageRole.FUNCTION:
        return {"role": "function", "content": content}
    raise MessageError("additional_kwargs.tool_call_id", "is missing: a tool message needs the id of its call")


def _assistant(message: ChatMessage, parts: list[Part], *, send_reasoning: bool) -> dict[str, Any]:
    text = text_of(parts)
    calls = _tool_calls(message)
    if not calls:
        return {"role": "assistant", "content": text}
    wire = {"role": "assistant", **({"content": text} if text else {}), "tool_calls": calls}
    return {**wire, **reasoning_fields(list(_reasoning(message.blocks)))} if send_reasoning else wire


def _tool_calls(message: ChatMessage) -> list[dict[str, Any]]:
    """The calls of the message's blocks, else those in its additional_kwargs, as other LLM classes keep them.

    A provider's signature, for which blocks have no field, comes from additional_kwargs.
    """
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if not blocks:
        return kept_calls(message.additional_kwargs)
    kept = message.additional_kwargs.get("tool_calls")
    signatures = {
        call.get("id"): call.get("provider_signature")
        for call in (kept if isinstance(kept, list) else ())
        if isinstance(call, Mapping) and isinstance(call.get("id"), str)
    }
    return [
        tool_call(block.tool_call_id, block.tool_name, block.tool_kwargs, signatures.get(block.tool_call_id))
        for block in blocks
    ]


def _reasoning(blocks: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """The blocks of reasoning; what only another provider's API can read stays behind."""
    for place, block in enumerate(blocks):
        if isinstance(block, ThinkingBlock):
            text = {} if block.content is None else {"thinking": block.content}
            with below(f"blocks[{place}].additional_information"):
                found = reasoning_block({**block.additional_information, **text})
            if found is not None:
                yield found
