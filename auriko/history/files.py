"""Names, media types and texts of files in messages (API section 3.1)."""

from __future__ import annotations

import mimetypes
from pathlib import PurePath
from typing import Final

_UNKNOWN: Final = "application/octet-stream"
# Beside what begins with "text/".
_TEXT_TYPES: Final = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})
# Not known to every system.
_BY_ENDING: Final = {".md": "text/markdown", ".yaml": "text/yaml", ".yml": "text/yaml", ".toml": "text/plain"}


def file_name(name: str | None, media_type: str) -> str:
    """The file's name with an ending, by which providers tell its kind."""
    name = name or "file"
    if PurePath(name).suffix:
        return name
    return name + (mimetypes.guess_extension(media_type) or f".{media_type.rpartition('/')[2]}")


def media_type_of(data: bytes, *names: str | None) -> str:
    """The media type of a file, by the first of its names that tells it, else by what is in it."""
    for name in filter(None, names):
        found = _BY_ENDING.get(PurePath(name).suffix.lower()) or mimetypes.guess_type(name)[0]
        if found:
            return found
    try:
        data.decode()
    except UnicodeDecodeError:
        return _UNKNOWN
    return "text/plain"


def text_of_file(data: bytes, media_type: str, name: str) -> str | None:
    """The text of a file that is text, below its name; None of any other file.

    Text goes as text, which every model reads.
    """
    if not media_type.startswith("text/") and media_type not in _TEXT_TYPES:
        return None
    return f"{name}:\n{data.decode('utf-8-sig', 'replace')}"
