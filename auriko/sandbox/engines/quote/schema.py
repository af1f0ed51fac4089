"""JSON schemas made plain, with references and parts merged in, and schemas that a prompt tells in its words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from referencing.jsonschema import SchemaRegistry

from auriko.sandbox.engines.json_types import is_array, is_object
from auriko.sandbox.engines.quote.words import sentences

_FORM = re.compile(r"\bjson\b|\bschema\b|```|\{\"|^answer the user query", re.IGNORECASE)
"""What a sentence has that speaks of the form of the answer, not of its content."""


def flatten(schema: Any, registry: SchemaRegistry) -> dict[str, Any]:
    """The rules of `schema` with its `$ref` and its `allOf` merged in; rules that do not merge stay in `allOf`."""
    rules: dict[str, Any] = dict(schema) if is_object(schema) else {} if schema is not False else {"not": {}}
    parts = list[Any](rules.pop("allOf", ()))
    if "$ref" in rules:
        parts.append(registry.resolver().lookup(rules.pop("$ref")).contents)
    if "const" in rules:
        rules["enum"] = [rules.pop("const")]
    if is_array(rules.get("type")):
        parts.append({"anyOf": [{"type": kind} for kind in rules.pop("type")]})
    for part in parts:
        rules = _joined(rules, flatten(part, registry))
    return rules


def kind_of(rules: Mapping[str, Any]) -> str:
    """The type that flat rules demand; "enum" where they list the values, "union" where they have alternatives."""
    if "enum" in rules:
        return "enum"
    if rules.get("anyOf") or rules.get("oneOf"):
        return "union"
    return str(rules.get("type") or ("object" if "properties" in rules else "string"))


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of two schemas that both hold."""
    both = {**other, **one, "allOf": [*one.get("allOf", ()), *other.get("allOf", ())]}
    for key in one.keys() & other.keys() - {"allOf"}:
        a, b = one[key], other[key]
        if key == "properties":
            both[key] = {**a, **b, **{name: {"allOf": [a[name], b[name]]} for name in a.keys() & b.keys()}}
        elif key == "required":
            both[key] = [*a, *b]
        else:
            both["allOf"].append({key: b})
    return both


def described_schema(text: str) -> Mapping[str, Any] | None:
    """The last schema of an object in `text`, or one of strings for the keys that a sentence about JSON quotes."""
    for match in list(re.finditer(r"schema[^{]{0,300}(?=\{)", text, re.IGNORECASE))[-1:]:
        with suppress(ValueError, RecursionError):
            value, _ = json.JSONDecoder().raw_decode(text, match.end())
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
