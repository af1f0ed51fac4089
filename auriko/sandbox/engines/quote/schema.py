"""JSON schemas made plain, with references and parts merged in, and schemas that a prompt tells in its words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from auriko.sandbox.engines.json_types import is_object
from auriko.sandbox.engines.quote.words import sentences

_KEYWORDS = {
    "object": {"properties", "required", "additionalProperties", "minProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}
_FORM = re.compile(r"\bjson\b|\bschema\b|```|\{\"|^answer the user query", re.IGNORECASE)
"""What a sentence has that speaks of the form of the answer, not of its content."""


def flatten(schema: Any, root: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """The rules of `schema` with its `$ref` and its `allOf` merged in; rules that do not merge stay in `allOf`."""
    rules: dict[str, Any] = dict(schema) if is_object(schema) else {} if schema is not False else {"not": {}}
    parts: list[Any] = list(rules.pop("allOf", ()))
    if isinstance(reference := rules.pop("$ref", None), str):
        target: Any = root
        for part in filter(None, reference.lstrip("#").split("/")):
            target = target.get(part.replace("~1", "/").replace("~0", "~"), {}) if is_object(target) else {}
        parts.append(target)
    for part in parts if depth < 20 else ():
        rules = _joined(rules, flatten(part, root, depth + 1))
    return rules


def kind_of(rules: Mapping[str, Any]) -> str:
    """The type that `rules` name, or the one that their keywords are for."""
    named = rules.get("type")
    return (
        named if isinstance(named, str) else next((k for k, keys in _KEYWORDS.items() if keys & rules.keys()), "string")
    )


def _joined(one: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of two schemas that both hold."""
    both: dict[str, Any] = {**other, **one, "allOf": [*one.get("allOf", ()), *other.get("allOf", ())]}
    for key in one.keys() & other.keys() - {"allOf"}:
        a, b = one[key], other[key]
        if key == "properties":
            both[key] = {**a, **b, **{name: {"allOf": [a[name], b[name]]} for name in a.keys() & b.keys()}}
        elif key == "required":
            both[key] = [*a, *b]
        elif a != b and key not in {"$defs", "title", "description", "default"}:
            both["allOf"].append({key: b})
            both[key] = "integer" if key == "type" and {"integer", "number"} == {a, b} else a
    return both


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
