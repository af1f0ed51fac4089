"""Content blocks as parts of a message on the wire (API section 3.1).

Blocks of LangChain (v1 standard), of the OpenAI chat API and of the Anthropic messages API are understood;
a block that is none of these goes out as it is, and the gateway judges it.
"""

# Blocks are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from auriko.history.fields import MessageError, below, given, needed
from auriko.history.files import file_name, text_of_file
from auriko.history.reasoning import KINDS

Part = dict[str, Any]

# Tool calls and reasoning travel in fields of their own; the blocks repeat them.
_ELSEWHERE = KINDS | {"tool_use", "tool_call", "tool_call_chunk", "invalid_tool_call", "function_call"}
_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}


def parts(content: Iterable[str | Mapping[str, Any]]) -> list[Part]:
    """The parts of a message, in order.

    Raises:
        MessageError: A block lacks what the wire needs, as the media type of base64 data, or has it in another form.
    """
    result: list[Part] = []
    for place, block in enumerate(content):
        if isinstance(block, str):
            result.append({"type": "text", "text": block})
            continue
        with below(f"content[{place}]"):
            if given(block, "type", str) not in _ELSEWHERE:
                result.append(_part(block))
    return result


def result_parts(content: list[str | dict[str, Any]]) -> list[Part]:
    """The parts of a tool's result. What is no list of content blocks is the result itself, as JSON text."""
    try:
        return [_result_part(block) for block in content]
    except MessageError:
        return [_json(content)]


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
    return value if value is not None else (given(block, "extras", dict) or {}).get(name)


def _part(block: Mapping[str, Any]) -> Part:
    kind = given(block, "type", str) or ("text" if "text" in block else None)
    if kind is None:
        raise MessageError("type", "is missing")
    convert = _CONVERTERS.get(kind)
    if convert is None:
        return dict(block)
    part = convert(block)
    cache_control = extra(block, "cache_control")
    return {**part, "cache_control": cache_control} if cache_control is not None else part


def _result_part(block: str | Mapping[str, Any]) -> Part:
    if isinstance(block, str):
        return {"type": "text", "text": block}
    kind = given(block, "type", str)
    if kind == "json" and "json" in block:
        return _json(block["json"])
    if kind == "search_result":
        return _json(block)
    if kind not in _CONVERTERS:
        raise MessageError("type", "is none of a content block")
    return _part(block)


def _json(value: Any) -> Part:
    return {"type": "text", "text": json.dumps(value, ensure_ascii=False, default=str)}


def _text(block: Mapping[str, Any]) -> Part:
    if "text" not in block:
        raise MessageError("text", "is missing")
    return {"type": "text", "text": given(block, "text", str) or ""}


def _image(block: Mapping[str, Any]) -> Part:
    source = _source(block)
    if file := _stored(source):
        return file
    image = {"url": _address(source)}
    detail = extra(block, "detail")
    return {"type": "image_url", "image_url": {**image, "detail": detail} if detail is not None else image}


def _image_url(block: Mapping[str, Any]) -> Part:
    image = given(block, "image_url", (str, dict))
    if image is None:
        raise MessageError("image_url", "is missing")
    return {"type": "image_url", "image_url": {"url": image} if isinstance(image, str) else image}


def _video(block: Mapping[str, Any]) -> Part:
    source = _source(block)
    return _stored(source) or {"type": "video_url", "video_url": {"url": _address(source)}}


def _audio(block: Mapping[str, Any]) -> Part:
    source = _source(block)
    if file := _stored(source):
        return file
    if url := given(source, "url", str):
        return {"type": "audio_url", "audio_url": {"url": url}}
    data = _data(source)
    subtype = needed(source, "mime_type", str).split("/")[-1]
    return {"type": "input_audio", "input_audio": {"data": data, "format": _AUDIO_FORMATS.get(subtype, subtype)}}


def _file(block: Mapping[str, Any]) -> Part:
    if (ready := given(block, "file", dict)) is not None:  # already as the OpenAI chat API has it
        return {"type": "file", "file": ready}
    source = _source(block)
    if source.get("text") is not None:
        return _text(source)
    if file := _stored(source):
        return file
    name = next((found for key in ("filename", "title", "name") if isinstance(found := extra(block, key), str)), None)
    if url := given(source, "url", str):
        file = {"file_url": url}
        return {"type": "file", "file": {**file, "filename": name} if name else file}
    data, media_type = _data(source), needed(source, "mime_type", str)
    if (text := _decoded_text(data, media_type, file_name(name, media_type))) is not None:
        return {"type": "text", "text": text}
    file = {"file_data": f"data:{media_type};base64,{data}", "filename": file_name(name, media_type)}
    return {"type": "file", "file": file}


def _decoded_text(data: str, media_type: str, name: str) -> str | None:
    try:
        return text_of_file(b64decode(data, validate=True), media_type, name)
    except ValueError:
        raise MessageError("base64", "is no base64") from None


def _media(block: Mapping[str, Any]) -> Part:
    """Google's, of any kind."""
    media_type = needed(block, "mime_type", str)
    kind = media_type.split("/")[0]
    source = {"mime_type": media_type, "url": block.get("file_uri"), "base64": block.get("data")}
    return {"image": _image, "audio": _audio, "video": _video}.get(kind, _file)(source)


def _non_standard(block: Mapping[str, Any]) -> Part:
    return dict(needed(block, "value", dict))


_CONVERTERS: dict[str, Callable[[Mapping[str, Any]], Part]] = {
    "text": _text,
    "text-plain": _file,
    "image": _image,
    "image_url": _image_url,
    "video": _video,
    "audio": _audio,
    "file": _file,
    "document": _file,
    "media": _media,
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
    if kind == "content":  # blocks of their own, or a text
        inner = given(source, "content", (str, list)) or ""
        return {"text": inner if isinstance(inner, str) else "\n".join(map(_text_of, inner))}
    return source if data is None else {"base64": data, "mime_type": source.get("media_type")}


def _text_of(block: Any) -> str:
    return str(block.get("text") or "") if isinstance(block, Mapping) else str(block)


def _stored(source: Mapping[str, Any]) -> Part | None:
    """The part for a file that was uploaded before, or None."""
    file_id = given(source, "file_id", str)
    return {"type": "file", "file": {"file_id": file_id}} if file_id else None


def _address(source: Mapping[str, Any]) -> str:
    url = given(source, "url", str)
    if url:
        return url
    data = _data(source)
    return f"data:{needed(source, 'mime_type', str)};base64,{data}"


def _data(source: Mapping[str, Any]) -> str:
    data = given(source, "base64", str)
    if not data:
        names = ", ".join(sorted(map(str, source)))
        raise MessageError("url", f"is missing, and `base64` with `mime_type` in its place; there is {names}")
    return data
