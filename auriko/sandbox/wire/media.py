"""Whether images, documents and sound are what they say they are. Nothing is fetched."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from auriko.sandbox.replies import GatewayError

MAX_MEDIA_BYTES = 20 * 1024 * 1024

_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,(?P<data>.*)", re.DOTALL)
_OF_RESPONSES = frozenset({"input_text", "input_image", "input_file", "output_text"})
_MODALITIES = {"text": "text", "refusal": "text", "image_url": "image", "file": "file", "input_audio": "audio"}


def check_part(part: Mapping[str, Any], param: str) -> str:
    """Which of the API's modalities this content part is: text, image, file or audio.

    Raises:
        GatewayError: Its type is unknown, it is not what its type says, or it is too large.
    """
    kind = _MODALITIES.get(str(part["type"]))
    if part["type"] in _OF_RESPONSES:
        raise GatewayError(
            "input_requires_responses_endpoint",
            f"{param} has the type {part['type']!r}, which belongs to POST /v1/responses.",
            param=f"{param}.type",
            suggestion="Send it there as input, or use text, image_url and file parts.",
        )
    if kind is None:
        raise GatewayError(
            "unsupported_modalities",
            f"{param} has the type {part['type']!r}; text, image_url, file and input_audio are known.",
            param=f"{param}.type",
            suggestion="Send it as text or as an image.",
        )
    if kind == "text":
        _string(part.get(str(part["type"])), f"{param}.{part['type']}")
    elif kind == "image":
        _check_image(part, f"{param}.image_url")
    elif kind == "audio":
        _check_audio(part, f"{param}.input_audio")
    else:
        _check_file(part, f"{param}.file")
    return kind


def _check_image(part: Mapping[str, Any], param: str) -> None:
    url = _string(_object(part.get("image_url"), param).get("url"), f"{param}.url")
    if url.startswith(("https://", "http://")):
        return
    media_type, data = _from_data_url(url, f"{param}.url")
    if not media_type.startswith("image/"):
        raise _bad(f"{param}.url", f"holds {media_type}, not an image")
    webp = data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    if not webp and not data.startswith((b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"\xff\xd8\xff")):
        raise _bad(f"{param}.url", "is not a PNG, JPEG, GIF or WebP image")


def _check_audio(part: Mapping[str, Any], param: str) -> None:
    audio = _object(part.get("input_audio"), param)
    if _string(audio.get("format"), f"{param}.format") not in {"wav", "mp3"}:
        raise _bad(f"{param}.format", "must be wav or mp3")
    _decode(audio.get("data"), f"{param}.data")


def _check_file(part: Mapping[str, Any], param: str) -> None:
    file_data = _string(_object(part.get("file"), param).get("file_data"), f"{param}.file_data")
    media_type, data = _from_data_url(file_data, f"{param}.file_data")
    if media_type != "application/pdf" or not data.startswith(b"%PDF-"):
        raise _bad(f"{param}.file_data", "is not a PDF document")


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
