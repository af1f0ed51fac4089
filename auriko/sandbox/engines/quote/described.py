"""Answers in JSON whose form the prompt tells in words: by a schema in its text, or by the names of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from auriko.sandbox.engines.json_types import is_object
from auriko.sandbox.engines.quote.words import sentences

_FORM = re.compile(r"\bjson\b|\bschema\b|```|\{\"|^answer the user query", re.IGNORECASE)
"""What a sentence has that speaks of the form of the answer, not of its content."""


def described_schema(text: str) -> Mapping[str, Any] | None:
    """The last schema of an object in `text`, or one of strings for the keys that a sentence about JSON quotes."""
    for match in reversed(list(re.finditer(r"schema[^{]{0,300}(?=\{)", text, re.IGNORECASE))):
        try:
            value, _ = json.JSONDecoder().raw_decode(text, match.end())
        except (ValueError, RecursionError):
            continue
        if is_object(value) and "properties" in value:
            return value
    for sentence in sentences(text):
        if re.search(r"json.*\b(?:keys?|fields?)\b", sentence, re.IGNORECASE):
            names = re.findall(r"[\"'`](\w+)[\"'`]", sentence)
            return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    return None


def without_form(text: str) -> str:
    """`text` without what it says of the form of the answer."""
    return "\n".join(sentence for sentence in sentences(text) if not _FORM.search(sentence))
