"""Images, documents and sound: checked, and put into words for engines that only read.

Nothing is fetched: an address is described as an address.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping
from typing import Any

from auriko.sandbox.replies import GatewayError

MAX_MEDIA_BYTES = 20 * 1024 * 1024

_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,(?P<data>.*)", re.DOTALL)


def modality(part: Mapping[str, Any]) -> str | None:
    """Which of the API's modalities this content part is: text, image, file, audio, or None if unknown."""
    return {
        "text": "text",
        "refusal": "text",
        "image_url": "image",
        "file": "file",
        "input_audio": "audio",
    }.get(str(part.get("type")))


def as_text(part: Mapping[str, Any], param: str) -> str:
    """What an engine reads in place of this part: its text, or a line that describes it.

    Args:
        part: A content part of a known modality.
        param: Where it stands in the request, for errors.

    Raises:
        GatewayError: The part is not what its type says, or too large.
    """
    kind = modality(part)
    if kind == "text":
        return _string(part.get("text", part.get("refusal")), f"{param}.text")
    if kind == "image":
        return _image(part, param)
    if kind == "audio":
        return _audio(part, param)
    return _file(part, param)


def _image(part: Mapping[str, Any], param: str) -> str:
    where = f"{param}.image_url"
    url = _string(_object(part.get("image_url"), where).get("url"), f"{where}.url")
    if url.startswith(("https://", "http://")):
        return f"[image at {url}, not fetched]"
    media_type, data = _from_data_url(url, f"{where}.url")
    if not media_type.startswith("image/"):
        raise _bad(f"{where}.url", f"holds {media_type}, not an image")
    found = _image_format(data)
    if found is None:
        raise _bad(f"{where}.url", "is not a PNG, JPEG, GIF or WebP image")
    return f"[image: {found}, {len(data)} bytes]"


def _image_format(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return f"PNG, {width} x {height} pixels"
    if data.startswith((b"GIF87a", b"GIF89a")) and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return f"GIF, {width} x {height} pixels"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    return None


def _audio(part: Mapping[str, Any], param: str) -> str:
    where = f"{param}.input_audio"
    audio = _object(part.get("input_audio"), where)
    kind = _string(audio.get("format"), f"{where}.format")
    if kind not in {"wav", "mp3"}:
        raise _bad(f"{where}.format", "must be wav or mp3")
    return f"[sound: {kind}, {len(_decode(audio.get('data'), f'{where}.data'))} bytes]"


def _file(part: Mapping[str, Any], param: str) -> str:
    where = f"{param}.file"
    entry = _object(part.get("file"), where)
    media_type, data = _from_data_url(_string(entry.get("file_data"), f"{where}.file_data"), f"{where}.file_data")
    if media_type != "application/pdf" or not data.startswith(b"%PDF-"):
        raise _bad(f"{where}.file_data", "is not a PDF document")
    name = entry.get("filename")
    called = f" {name}" if isinstance(name, str) else ""
    pages = len(re.findall(rb"/Type\s*/Page\b", data))
    return f"[document{called}: PDF, {pages} pages, {len(data)} bytes]"


def _from_data_url(url: str, param: str) -> tuple[str, bytes]:
    match = _DATA_URL.match(url)
    if match is None:
        raise _bad(param, "must be an http(s) address or data:<type>;base64,<data>")
    return match["type"], _decode(match["data"], param)


def _decode(value: Any, param: str) -> bytes:
    try:
        data = base64.b64decode(_string(value, param), validate=True)
    except (binascii.Error, ValueError):
        raise _bad(param, "is not valid base64") from None
    if len(data) > MAX_MEDIA_BYTES:
        raise _bad(param, f"holds more than {MAX_MEDIA_BYTES // 1024 // 1024} MiB")
    return data


def _object(value: Any, param: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _bad(param, "must be an object")
    return value  # pyright: ignore[reportUnknownVariableType]


def _string(value: Any, param: str) -> str:
    if not isinstance(value, str):
        raise _bad(param, "must be a string")
    return value


def _bad(param: str, reason: str) -> GatewayError:
    return GatewayError("invalid_parameter_value", f"{param} {reason}.", param=param)
