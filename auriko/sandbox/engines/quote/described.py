"""Answers in JSON whose form the prompt tells in words: by a schema in its text, or by the names of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from auriko.sandbox.engines.json_types import is_object
from auriko.sandbox.engines.quote.words import sentences

_NAMED = r"((?:[\"'`]\w+[\"'`](?:,? (?:and )?)?)+)"
_KEYS = re.compile(
    rf"{_NAMED} (?:keys?|fields?)|(?:keys?|fields?)[^\"'`\w\n]{{0,3}}(?: named| called)?[: ]*{_NAMED}", re.IGNORECASE
)
_ABOUT_FORM = re.compile(r"\bjson\b|\bschema\b|```|\{\"|^answer the user query", re.IGNORECASE)
"""Sentences that speak of the form of the answer, not of its content."""


def described_schema(text: str) -> Mapping[str, Any] | None:
    """The last schema of an object in `text`, or one of strings for the keys that a sentence about JSON names."""
    decoder = json.JSONDecoder()
    found: Mapping[str, Any] | None = None
    at = text.find("{") if "schema" in text.lower() else -1
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            value, end = None, at + 1
        if is_object(value) and is_object(value.get("properties")) and "schema" in text[max(0, at - 300) : at].lower():
            found = value
        at = text.find("{", end)
    if found is None:
        for sentence in (each for line in text.splitlines() for each in sentences(line)):
            if "json" in sentence.lower() and len(sentence) < 500 and (match := _KEYS.search(sentence)):
                names = re.findall(r"[\"'`](\w+)[\"'`]", match.group())
                return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    return found


def without_form(text: str) -> str:
    """`text` without what it says of the form of the answer."""
    pieces = (each for line in text.splitlines() for each in sentences(line))
    return "\n".join(piece for piece in pieces if not _ABOUT_FORM.search(piece))
