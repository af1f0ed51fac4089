"""Content blocks as parts of a message on the wire (API section 3.1).

Blocks of LangChain (v1 standard), of the OpenAI chat API and of the Anthropic messages API are understood;
a block that is none of these goes out as it is, and the gateway judges it.
"""

# Blocks are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Part = dict[str, Any]

# Tool calls and reasoning travel in fields of their own; the blocks repeat them.
_ELSEWHERE = frozenset(
    {
        "tool_use",
        "tool_call",
        "tool_call_chunk",
        "invalid_tool_call",
        "function_call",
        "thinking",
        "redacted_thinking",
        "reasoning",
    }
)
_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}


def parts(content: Iterable[str | Mapping[str, Any]]) -> list[Part]:
    """The parts of a message, in order.

    Raises:
        ValueError: A block lacks what the wire needs, as the media type of base64 data.
    """
    result: list[Part] = []
    for block in content:
        if isinstance(block, str):
            result.append({"type": "text", "text": block})
        elif block.get("type") not in _ELSEWHERE:
            result.append(_part(block))
    return result


def text_or_parts(content: str | list[str | dict[str, Any]], separator: str) -> str | list[Part]:
    """The content as one string where it is nothing but text, else as parts.

    Text that is marked for a provider's cache stays a part, because the mark belongs to it.
    """
    if isinstance(content, str):
        return content
    found = parts(content)
    if all(part.keys() == {"type", "text"} for part in found):
        return separator.join(part["text"] for part in found)
    return found


def extra(block: Mapping[str, Any], name: str) -> Any:
    """A value that belongs to a block, from the block itself or from its `extras`; None without it."""
    value = block.get(name)
    return value if value is not None else (block.get("extras") or {}).get(name)


def _part(block: Mapping[str, Any]) -> Part:
    convert = _CONVERTERS.get(block.get("type", "text"))
    if convert is None:
        return dict(block)
    part = convert(block)
    cache_control = extra(block, "cache_control")
    return {**part, "cache_control": cache_control} if cache_control is not None else part


def _text(block: Mapping[str, Any]) -> Part:
    return {"type": "text", "text": block.get("text") or ""}


def _image(block: Mapping[str, Any]) -> Part:
    image = {"url": _address(_source(block), "image")}
    detail = extra(block, "detail")
    return {"type": "image_url", "image_url": {**image, "detail": detail} if detail is not None else image}


def _image_url(block: Mapping[str, Any]) -> Part:
    image = block["image_url"]
    return {"type": "image_url", "image_url": {"url": image} if isinstance(image, str) else image}


def _video(block: Mapping[str, Any]) -> Part:
    return {"type": "video_url", "video_url": {"url": _address(_source(block), "video")}}


def _audio(block: Mapping[str, Any]) -> Part:
    if block.get("url") is not None:
        return {"type": "audio_url", "audio_url": {"url": block["url"]}}
    subtype = _media_type(block, "audio").split("/")[-1]
    audio = {"data": block["base64"], "format": _AUDIO_FORMATS.get(subtype, subtype)}
    return {"type": "input_audio", "input_audio": audio}


def _file(block: Mapping[str, Any]) -> Part:
    if isinstance(block.get("file"), Mapping):  # already as the OpenAI chat API has it
        return {"type": "file", "file": block["file"]}
    source = _source(block)
    if source.get("text") is not None:
        return _text(source)
    if source.get("file_id") is not None:
        return {"type": "file", "file": {"file_id": source["file_id"]}}
    name = extra(block, "filename") or extra(block, "title") or extra(block, "name")
    if source.get("url") is not None:
        file = {"file_url": source["url"]}
    else:
        file = {"file_data": _address(source, "file")}
        # Providers tell the kind of a file by its name's ending, so it always has one.
        name = name or f"file.{_media_type(source, 'file').split('/')[-1]}"
    return {"type": "file", "file": {**file, "filename": name} if name else file}


def _non_standard(block: Mapping[str, Any]) -> Part:
    return dict(block["value"])


_CONVERTERS: dict[str, Callable[[Mapping[str, Any]], Part]] = {
    "text": _text,
    "text-plain": _file,
    "image": _image,
    "image_url": _image_url,
    "video": _video,
    "audio": _audio,
    "file": _file,
    "document": _file,
    "non_standard": _non_standard,
}


def _source(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """The place of a block's data, in LangChain's words; Anthropic's blocks say it in `source`."""
    source = block.get("source")
    if not isinstance(source, Mapping):
        return block
    kind, data = source.get("type"), source.get("data")
    if kind == "text":
        return {"text": data}
    return source if data is None else {"base64": data, "mime_type": source.get("media_type")}


def _address(source: Mapping[str, Any], what: str) -> str:
    url = source.get("url")
    if url is not None:
        return str(url)
    data = source.get("base64")
    if data is None:
        raise ValueError(
            f"A block of type {what!r} needs a `url`, or `base64` with `mime_type`; it has {sorted(source)}."
        )
    return f"data:{_media_type(source, what)};base64,{data}"


def _media_type(source: Mapping[str, Any], what: str) -> str:
    media_type = source.get("mime_type")
    if not media_type:
        raise ValueError(f"A block of type {what!r} with base64 data needs its `mime_type`.")
    return str(media_type)
