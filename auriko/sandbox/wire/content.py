"""Parts of a message's content: text, images, documents and sound (API section 3.2). Nothing is fetched."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from auriko.sandbox.engines.content import DATA_URL
from auriko.sandbox.engines.json_types import is_object
from auriko.sandbox.wire.base import OpenWireModel

MAX_MEDIA_BYTES = 20 * 1024 * 1024

_IMAGES = (b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"\xff\xd8\xff")


def _wrong(reason: str) -> PydanticCustomError:
    return PydanticCustomError("invalid_parameter_value", "{reason}", {"reason": reason})


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _wrong("is not valid base64") from None
    if len(data) > MAX_MEDIA_BYTES:
        raise _wrong(f"holds more than {MAX_MEDIA_BYTES // 1024 // 1024} MiB")
    return data


def _from_data_url(url: str) -> tuple[str, bytes]:
    match = DATA_URL.match(url)
    if match is None or match["type"] is None:
        raise _wrong("must be an http(s) address or data:<type>;base64,<data>")
    return match["type"], _decoded(match["data"])


def _image(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        media_type, data = _from_data_url(url)
        if not media_type.startswith("image/"):
            raise _wrong(f"holds {media_type}, not an image")
        if not (data.startswith(_IMAGES) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP")):
            raise _wrong("is not a PNG, JPEG, GIF or WebP image")
    return url


def _document(url: str) -> str:
    media_type, data = _from_data_url(url)
    if media_type != "application/pdf" or not data.startswith(b"%PDF-"):
        raise _wrong("is not a PDF document")
    return url


def _sound(text: str) -> str:
    _decoded(text)
    return text


class TextPart(OpenWireModel):
    """Text."""

    modality: ClassVar[str] = "text"
    type: Literal["text"]
    text: str


class RefusalPart(OpenWireModel):
    """A refusal of an earlier answer."""

    modality: ClassVar[str] = "text"
    type: Literal["refusal"]
    refusal: str


class ImageUrl(OpenWireModel):
    """An image, or its address."""

    url: Annotated[str, AfterValidator(_image)]


class ImagePart(OpenWireModel):
    """An image."""

    modality: ClassVar[str] = "image"
    type: Literal["image_url"]
    image_url: ImageUrl


class File(OpenWireModel):
    """A document."""

    file_data: Annotated[str, AfterValidator(_document)]


class FilePart(OpenWireModel):
    """A document."""

    modality: ClassVar[str] = "file"
    type: Literal["file"]
    file: File


class Audio(OpenWireModel):
    """Sound."""

    format: Literal["wav", "mp3"]
    data: Annotated[str, AfterValidator(_sound)]


class AudioPart(OpenWireModel):
    """Sound."""

    modality: ClassVar[str] = "audio"
    type: Literal["input_audio"]
    input_audio: Audio


_Known = Annotated[TextPart | RefusalPart | ImagePart | FilePart | AudioPart, Field(discriminator="type")]


def _refuse_unknown(part: Any) -> Any:
    kind = part.get("type") if is_object(part) else None
    if not isinstance(kind, str) or kind in {"text", "refusal", "image_url", "file", "input_audio"}:
        return part
    if kind in {"input_text", "input_image", "input_file", "output_text"}:
        raise PydanticCustomError(
            "input_requires_responses_endpoint",
            "has the type {kind}, which belongs to POST /v1/responses",
            {
                "kind": repr(kind),
                "field": "type",
                "suggestion": "Send it there as input, or use text, image_url and file parts.",
            },
        )
    raise PydanticCustomError(
        "unsupported_modalities",
        "has the type {kind}; text, image_url, file and input_audio are known",
        {"kind": repr(kind), "field": "type", "suggestion": "Send it as text or as an image."},
    )


Part = Annotated[_Known, BeforeValidator(_refuse_unknown)]
