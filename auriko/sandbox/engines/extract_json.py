"""Answers that have to be JSON: by a schema in the request or in the prompt's text, or by keys that the text names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from auriko.sandbox.engines.extract_schema import Filler
from auriko.sandbox.engines.extract_text import sentences
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

_JSON = re.compile(r"\bjson\b", re.IGNORECASE)
_ABOUT_FORM = re.compile(r"\bjson\b|\bschema\b|```|\{\"|^answer the user query", re.IGNORECASE)
"""Sentences that speak of the form of the answer, not of its content."""
_LONG = 500
_NEARBY = 300
"""Characters before a schema within which the text says that it is one."""


def fill_format(response_format: Mapping[str, Any], instructions: str, content: str) -> str:
    """The JSON text that `response_format` asks for, filled from `content`.

    Args:
        response_format: As on the wire; of type json_schema or json_object.
        instructions: Where keys or a schema may be told in words.
        content: What the values are taken from.
    """
    if response_format["type"] == "json_schema":
        return _filled(response_format["json_schema"].get("schema") or {}, content)
    return fill_described(instructions, content) or to_json({"answer": content.strip()})


def fill_described(instructions: str, content: str) -> str | None:
    """The JSON text that a schema or a list of keys within `instructions` asks for; None if they have neither."""
    schema, written = _schema_in(instructions)
    if schema is None:
        schema = _schema_of_keys(instructions)
    if schema is None:
        return None
    lines = (content.replace(written, "\n") if written else content).splitlines()
    kept = (piece for line in lines for piece in sentences(line) if not _ABOUT_FORM.search(piece))
    return _filled(schema, "\n".join(kept))


def _filled(schema: Mapping[str, Any], content: str) -> str:
    return to_json(Filler(schema, content_of(content)).fill())


def content_of(text: str) -> str:
    """`text` without an instruction at its beginning, as in "Extract the invoice from this text: ..."."""
    return _TOLD.sub("", text.strip(), count=1)


def to_json(value: Any) -> str:
    """`value` as JSON text."""
    return json.dumps(value, ensure_ascii=False)


def _schema_of_keys(text: str) -> dict[str, Any] | None:
    """A schema of strings for the keys that a sentence about JSON names."""
    for sentence in sentences(text):
        match = _KEYS.search(sentence) if len(sentence) < _LONG and _JSON.search(sentence) else None
        if match:
            names = re.findall(r"[\"'`](\w+)[\"'`]", match.group())
            return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
    return None


def _schema_in(text: str) -> tuple[Mapping[str, Any] | None, str]:
    """(the last JSON schema of an object that `text` announces, the schema as it is written)."""
    decoder = json.JSONDecoder()
    found: tuple[Mapping[str, Any] | None, str] = (None, "")
    at = text.find("{") if "schema" in text.lower() else -1
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError:
            end = at + 1
            value = None
        is_announced = "schema" in text[max(0, at - _NEARBY) : at].lower()
        if is_announced and is_object(value) and is_object(value.get("properties")):
            found = (value, text[at:end])
        at = text.find("{", end)
    return found
