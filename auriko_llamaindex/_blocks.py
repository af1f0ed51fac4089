"""LlamaIndex content blocks as the parts of a message on the wire (API section 3.1)."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable, Iterable
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

from auriko.history.fields import MessageError, below
from auriko.history.files import file_name, media_type_of, text_of_file

_logger = logging.getLogger(__name__)

Part: TypeAlias = dict[str, Any]
# Fields of their message on the wire, not parts of its content.
_FIELDS: Final = (ThinkingBlock, ToolCallBlock)


def content_parts(blocks: Iterable[Any]) -> list[Part]:
    """The parts that the blocks make; reasoning and tool calls make none.

    Raises:
        MessageError: A block cannot be sent, such as a video or an image of unknown type.
    """
    parts: list[Part] = []
    for place, block in enumerate(blocks):
        if isinstance(block, TextBlock):
            parts.append(_text(block.text))
        elif isinstance(block, CachePoint):
            _mark_cached(parts, block)
        elif not isinstance(block, _FIELDS):
            with below(f"blocks[{place}]"):
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
    kind = getattr(block, "block_type", type(block).__name__)
    raise MessageError("", f"is a {kind} block: the gateway takes text, images, documents and audio")


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def _image(block: ImageBlock) -> Part:
    if block.url is not None and not block.image:
        url = str(block.url)
    elif block.image_mimetype:
        url = f"data:{block.image_mimetype};base64,{_read(block.resolve_image, as_base64=True).decode()}"
    else:
        raise MessageError("image_mimetype", "is missing: the type of the image cannot be told from its bytes")
    image_url = {"url": url} if block.detail is None else {"url": url, "detail": block.detail}
    return {"type": "image_url", "image_url": image_url}


def _document(block: DocumentBlock) -> Part:
    data = _read(block.resolve_document)
    title = block.title or "input_document"
    media_type = block.document_mimetype or media_type_of(data, title, str(block.path or block.url or ""))
    text = text_of_file(data, media_type, title)
    if text is not None:
        return _text(text)
    address = f"data:{media_type};base64,{b64encode(data).decode()}"
    return {"type": "file", "file": {"filename": file_name(title, media_type), "file_data": address}}


def _audio(block: AudioBlock) -> Part:
    if not block.format:
        raise MessageError("format", "is missing: the format of the audio cannot be told from its bytes")
    data = _read(block.resolve_audio, as_base64=True).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": block.format}}


def _read(resolve: Callable[..., Any], **options: bool) -> bytes:
    """The bytes that a block names or holds."""
    try:
        return bytes(resolve(**options).read())
    except (ValueError, TypeError, OSError) as error:
        raise MessageError("", f"cannot be read: {error}") from error
