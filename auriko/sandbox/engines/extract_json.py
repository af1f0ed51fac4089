"""Answers that have to be JSON: by a schema in the request or in the prompt's text, or by keys that the text names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from auriko.sandbox.engines.extract_schema import Filler
from auriko.sandbox.engines.json_types import is_object

_TOLD = re.compile(
    r"^(?:please )?(?:classify|extract|parse|summari[sz]e|analy[sz]e|read|tag|label|fill|convert|describe|rate)\b"
    r"[^.!?\n:]{0,100}:\s+(?=\S)",
    re.IGNORECASE,
)
_NAMED = r"((?:[\"'`]\w+[\"'`](?:,? (?:and )?)?)+)"
_KEYS = re.compile(
    rf"{_NAMED} (?:keys?|fields?|properties)"
    rf"|(?:keys?|fields?|properties)[^\"'`\w\n]{{0,3}}(?: named| called)?[: ]*{_NAMED}",
    re.IGNORECASE,
)

_ABOUT_JSON = re.compile(r"\bjson\b|\bschema\b|```|\{\"|^answer the user query", re.IGNORECASE)
"""Lines that speak of the form of the answer, not of its content."""


def fill_format(response_format: Mapping[str, Any], text: str) -> str:
    """The JSON text that `response_format` asks for, filled from `text`."""
    if response_format["type"] == "json_schema":
        return to_json(Filler(response_format["json_schema"].get("schema") or {}, content_of(text)).fill())
    return fill_described(text) or to_json({"answer": text.strip()})


def fill_described(text: str) -> str | None:
    """The JSON text that a schema, or a list of keys, within `text` asks for; None if the text has neither."""
    schema, begin, end = _schema_in(text)
    if schema is not None:
        lines = f"{text[:begin]}\n{text[end:]}".splitlines()
        content = "\n".join(line for line in lines if not _ABOUT_JSON.search(line))
        return to_json(Filler(schema, content_of(content)).fill())
    match = _KEYS.search(text) if re.search(r"\bjson\b", text, re.IGNORECASE) else None
    if not match:
        return None
    names = re.findall(r"\w+", re.sub(r"\band\b", "", match.group(1) or match.group(2)))
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    return to_json(Filler(schema, content_of(text)).fill())


def content_of(text: str) -> str:
    """`text` without an instruction at its beginning, as in "Extract the invoice from this text: ..."."""
    return _TOLD.sub("", text.strip(), count=1)


def to_json(value: Any) -> str:
    """`value` as JSON text."""
    return json.dumps(value, ensure_ascii=False)


def _schema_in(text: str) -> tuple[Mapping[str, Any] | None, int, int]:
    """(the last JSON schema of an object written in `text`, where it begins, where it ends)."""
    decoder = json.JSONDecoder()
    found: tuple[Mapping[str, Any] | None, int, int] = (None, 0, 0)
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError:
            at = text.find("{", at + 1)
            continue
        if is_object(value) and is_object(value.get("properties")):
            found = (value, at, end)
        at = text.find("{", end)
    return found
