"""LlamaIndex content blocks as the parts of a message on the wire (API section 3.1)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

_logger = logging.getLogger(__name__)

Part: TypeAlias = dict[str, Any]
# Fields of their message on the wire, not parts of its content.
_FIELDS: Final = (ThinkingBlock, ToolCallBlock)


def content_parts(blocks: Iterable[Any]) -> list[Part]:
    """The parts that the blocks make; reasoning and tool calls make none.

    Raises:
        ValueError: A block cannot be sent, such as a video or an image of unknown type.
    """
    parts: list[Part] = []
    for block in blocks:
        if isinstance(block, TextBlock):
            parts.append(_text(block.text))
        elif isinstance(block, CachePoint):
            _mark_cached(parts, block)
        elif not isinstance(block, _FIELDS):
            parts.extend(_parts_of(block))
    return parts


def text_of(parts: Iterable[Part]) -> str:
    """The text of the text parts, one below the other as in `ChatMessage.content`."""
    return "\n".join(part["text"] for part in parts if part["type"] == "text")


def is_plain_text(parts: Iterable[Part]) -> bool:
    """True if a string says all that the parts say."""
    return all(part.keys() == {"type", "text"} for part in parts)


def _mark_cached(parts: list[Part], point: CachePoint) -> None:
    if not parts:
        _logger.debug("a cache point with nothing before it in its message is ignored")
        return
    # Only the type: the gateway documents no time to live.
    parts[-1]["cache_control"] = {"type": point.cache_control.type}


def _parts_of(block: Any) -> list[Part]:
    if isinstance(block, ImageBlock):
        return [_image(block)]
    if isinstance(block, DocumentBlock):
        return [_document(block)]
    if isinstance(block, AudioBlock):
        return [_audio(block)]
    if isinstance(block, CitableBlock):
        return [_text(f"{block.title} ({block.source}):"), *content_parts(block.content)]
    if isinstance(block, CitationBlock):
        return [_text(f"Cited from {block.title} ({block.source}):"), *content_parts([block.cited_content])]
    raise ValueError(
        f"the gateway takes no {getattr(block, 'block_type', type(block).__name__)} blocks: "
        "send text, images, documents or audio"
    )


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def _image(block: ImageBlock) -> Part:
    if block.url is not None and not block.image:
        url = str(block.url)
    elif block.image_mimetype:
        url = block.inline_url()
    else:
        raise ValueError("the type of an image cannot be told from its bytes: give it an image_mimetype")
    image_url = {"url": url} if block.detail is None else {"url": url, "detail": block.detail}
    return {"type": "image_url", "image_url": image_url}


def _document(block: DocumentBlock) -> Part:
    # Text goes as text, which every model reads.
    if (block.document_mimetype or "").startswith("text/"):
        return _text(f"{block.title}:\n{_bytes(block.resolve_document()).decode('utf-8', 'replace')}")
    return {"type": "file", "file": {"filename": block.title, "file_data": block.inline_url()}}


def _audio(block: AudioBlock) -> Part:
    if not block.format:
        raise ValueError("the format of an audio clip cannot be told from its bytes: give it a format")
    data = _bytes(block.resolve_audio(as_base64=True)).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": block.format}}


def _bytes(buffer: Any) -> bytes:
    return bytes(buffer.read())
