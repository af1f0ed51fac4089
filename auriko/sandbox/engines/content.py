"""The content of messages: its text, and what can be said about images, sounds and files without looking inside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from auriko.sandbox.engines.json_types import is_array, is_object

DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,(?P<data>.*)", re.DOTALL)


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message; of a list of parts, the text parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts: Iterable[Any] = content or ()
    return "\n".join(
        part if isinstance(part, str) else str(part["text"])
        for part in parts
        if isinstance(part, str) or isinstance(part.get("text"), str)
    )


def attachments_of(message: Mapping[str, Any]) -> list[str]:
    """One description for each part of the message that is not text."""
    content = message.get("content")
    if not is_array(content):
        return []
    return [_described(part) for part in content if is_object(part) and part.get("type") not in {"text", None}]


def _described(part: Mapping[str, Any]) -> str:
    kind = str(part["type"])
    inner: Any = part.get(kind) or {}
    if kind == "image_url":
        return _by_address("an image", str(inner.get("url", "") if is_object(inner) else inner))
    if kind == "input_audio":
        return f"a sound (audio/{inner.get('format', 'unknown')}, {_size(str(inner.get('data', '')))})"
    if kind == "file":
        name = f" {inner['filename']}" if inner.get("filename") else ""
        return _by_address(f"a file{name}", str(inner.get("file_data", "")))
    return f"a part of type {kind}"


def _by_address(what: str, address: str) -> str:
    """The description by a data URL or a web address; of the latter, only the host is shown."""
    if match := DATA_URL.match(address):
        return f"{what} ({match['type'] or 'type unknown'}, {_size(match['data'])})"
    if address.startswith(("http://", "https://")):
        return f"{what} at {urlsplit(address).hostname}"
    return f"{what} ({_size(address)})" if address else what


def _size(base64: str) -> str:
    """The number of bytes that this much base64 stands for."""
    data = base64.strip()
    return f"{len(data) * 3 // 4 - data.count('=', -2):,} bytes"
