"""JSON schemas made plain: references and parts merged in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auriko.sandbox.engines.json_types import is_object

_KEYWORDS = {
    "object": {"properties", "required", "additionalProperties", "minProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}


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
