"""Answers as LlamaIndex messages: blocks, and what blocks have no field for in `additional_kwargs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from auriko.meaning.reasoning import reasoning_blocks
from auriko.models import ChoiceMessage, GeneratedImage

Call = dict[str, Any]


def chat_message(said: ChoiceMessage, *, single_call: bool, reasoning_tokens: int | None) -> ChatMessage:
    """The message of a whole answer.

    Args:
        said: The message as it is on the wire.
        single_call: Whether only the first tool call counts, for providers that cannot be told to make one.
        reasoning_tokens: How many tokens the reasoning took, which is written on its first block.
    """
    thinking = [thinking_block(block) for block in reasoning_blocks(said)]
    if reasoning_tokens and thinking:
        thinking[0].num_tokens = reasoning_tokens
    calls = [
        plain_call(call.id, call.function.name, call.function.arguments, call.provider_signature)
        for call in said.tool_calls or ()
    ]
    images = said.images or ()
    text = said.content or (None if calls or images else "")  # chat engines show the text "None" where there is none
    return message_of(thinking, text, calls[: 1 if single_call else None], images)


def message_of(
    thinking: Sequence[ThinkingBlock], text: str | None, calls: Sequence[Call], images: Sequence[GeneratedImage]
) -> ChatMessage:
    """The message of these parts."""
    blocks: list[Any] = [*thinking]
    if text is not None:
        blocks.append(TextBlock(text=text))
    if not (calls or images):
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)
    blocks += [
        ToolCallBlock(
            tool_call_id=call["id"], tool_name=call["function"]["name"], tool_kwargs=call["function"]["arguments"]
        )
        for call in calls
    ]
    blocks += [ImageBlock(image=image.data.encode(), image_mimetype=image.mime_type) for image in images]
    # Both: agents read the blocks, streaming structured prediction looks for the plain dictionaries.
    kept = {"tool_calls": list(calls)} if calls else {}
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks, additional_kwargs=kept)


def plain_call(call_id: str, name: str, arguments: str, signature: str | None) -> Call:
    """A tool call as it is on the wire."""
    call: Call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return call if signature is None else {**call, "provider_signature": signature}


def thinking_block(block: dict[str, Any]) -> ThinkingBlock:
    """A block of reasoning, with all of it that is no text in `additional_information`."""
    kept = {name: value for name, value in block.items() if name != "thinking"}
    if kept == {"type": "thinking"}:
        kept = {}
    return ThinkingBlock(content=block.get("thinking"), additional_information=kept)
