"""The content of Auriko's messages as standard blocks: `message.content_blocks`, `output_version="v1"`.

Blocks of a stream carry an index, by which LangChain joins their pieces. It is a text that begins with "lc_",
because LangChain counts the blocks that have none by itself and the numbers would meet.
"""

# A message's content and additional_kwargs are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.block_translators import register_translator
from langchain_core.messages.content import KNOWN_BLOCK_TYPES, ContentBlock

from auriko_langchain._keys import ANNOTATIONS, PROVIDER, REASONING, REASONING_CONTENT, REFUSAL, SIGNATURES


def register() -> None:
    """Make `content_blocks` understand messages whose `model_provider` is "auriko"."""
    register_translator(PROVIDER, _of_message, _of_chunk)


def _of_message(message: AIMessage) -> list[ContentBlock]:
    blocks = [*_reasoning(message), *_content(message), *_refusal(message), *_tool_calls(message)]
    return cast("list[ContentBlock]", blocks)


def _of_chunk(chunk: AIMessageChunk) -> list[ContentBlock]:
    if chunk.chunk_position == "last" and chunk.tool_calls and all(call["name"] for call in chunk.tool_calls):
        calls = list(_tool_calls(chunk))  # the whole message, its chunks added up
    else:
        calls = [{**piece, "index": f"lc_tool_call_{piece['index']}"} for piece in chunk.tool_call_chunks]
    blocks = [
        *_indexed(_reasoning(chunk), "reasoning"),
        *_indexed(_content(chunk), "text"),
        *_indexed(_refusal(chunk), "refusal"),
        *calls,
    ]
    return cast("list[ContentBlock]", blocks)


def _indexed(blocks: Iterator[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    for block in blocks:
        index = block.get("index", 0)
        yield {**block, "index": index if isinstance(index, str) else f"lc_{name}_{index}"}


def _reasoning(message: BaseMessage) -> Iterator[dict[str, Any]]:
    kept = message.additional_kwargs
    found = kept.get(REASONING)
    if not found:
        if text := kept.get(REASONING_CONTENT):
            yield {"type": "reasoning", "reasoning": text}
        return
    for source in found:
        block: dict[str, Any] = {"type": "reasoning", "reasoning": source.get("thinking") or ""}
        extras = {"signature": source.get("signature"), "redacted_data": source.get("data")}
        if extras := {name: value for name, value in extras.items() if value}:
            block["extras"] = extras
        if "index" in source:
            block["index"] = source["index"]
        yield block


def _content(message: BaseMessage) -> Iterator[dict[str, Any]]:
    content = [message.content] if isinstance(message.content, str) else message.content
    citations = [_citation(annotation) for annotation in message.additional_kwargs.get(ANNOTATIONS) or ()]
    for item in content:
        block: dict[str, Any] = {"type": "text", "text": item} if isinstance(item, str) else item
        if block.get("type") == "text":
            if block["text"] or citations:
                yield {**block, "annotations": citations} if citations else block
                citations = []
        elif block.get("type") in KNOWN_BLOCK_TYPES:
            yield block
        else:
            yield {"type": "non_standard", "value": block}


def _citation(annotation: Any) -> dict[str, Any]:
    if isinstance(annotation, dict) and isinstance(cited := annotation.get("url_citation"), dict):
        names = ("url", "title", "start_index", "end_index")
        return {"type": "citation", **{name: cited[name] for name in names if name in cited}}
    return {"type": "non_standard_annotation", "value": annotation}


def _refusal(message: BaseMessage) -> Iterator[dict[str, Any]]:
    if refusal := message.additional_kwargs.get(REFUSAL):
        yield {"type": "non_standard", "value": {"type": REFUSAL, REFUSAL: refusal}}


def _tool_calls(message: AIMessage) -> Iterator[dict[str, Any]]:
    signatures = message.additional_kwargs.get(SIGNATURES) or {}
    for call in message.tool_calls:
        block: dict[str, Any] = {
            "type": "tool_call",
            "id": call["id"],
            "name": call["name"],
            "args": call["args"],
        }
        if signature := signatures.get(call["id"]):
            block["extras"] = {"provider_signature": signature}
        yield block
