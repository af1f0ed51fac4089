"""JSON schemas made plain, and whether a value is valid under one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from auriko.sandbox.engines.json_types import is_array, is_object

_KEYWORDS = {
    "object": {"properties", "required", "additionalProperties", "minProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}
_TYPES: Mapping[str, Any] = {
    "string": str, "integer": (int, float), "number": (int, float), "array": list, "object": dict, "null": type(None)
}  # fmt: skip
_LEAST = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_MOST = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}


def resolve(schema: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with its `$ref`, if any, replaced by what it points to within `root`; keys beside it are kept."""
    found: dict[str, Any] = dict(schema) if is_object(schema) else {} if schema is not False else {"not": {}}
    for _ in range(20):
        reference = found.pop("$ref", None)
        if not isinstance(reference, str):
            break
        target: Any = root
        for part in filter(None, reference.lstrip("#").split("/")):
            target = target.get(part.replace("~1", "/").replace("~0", "~"), {}) if is_object(target) else {}
        found = _joined(dict(target) if is_object(target) else {}, found)
    return found


def flatten(schema: Any, root: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """The rules of `schema` with its references and its `allOf` merged in; rules that do not merge stay there."""
    rules = resolve(schema, root)
    parts, rules["allOf"] = rules.get("allOf", ()) if depth < 20 else (), []
    for part in parts:
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
    both: dict[str, Any] = {**one, **other, "allOf": [*one.get("allOf", ()), *other.get("allOf", ())]}
    for key in one.keys() & other.keys() - {"allOf"}:
        a, b = one[key], other[key]
        if key == "properties":
            both[key] = {**a, **b, **{name: {"allOf": [a[name], b[name]]} for name in a.keys() & b.keys()}}
        elif key == "required":
            both[key] = [*a, *b]
        elif key in _LEAST | _MOST:
            both[key] = (max if key in _LEAST else min)(a, b)
        elif a != b and key not in {"$defs", "title", "description", "default"}:
            both["allOf"].append({key: b})
            both[key] = "integer" if key == "type" and {"integer", "number"} == {a, b} else a
    return both


def fits(value: Any, schema: Any, root: Mapping[str, Any]) -> bool:
    """True if `value` is valid under `schema`. Formats are not looked at."""
    rules = resolve(schema, root)
    kinds = rules.get("type", ())
    return (
        ("const" not in rules or same(value, rules["const"]))
        and ("enum" not in rules or any(same(value, choice) for choice in rules["enum"]))
        and (not kinds or any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)))
        and all(fits(value, inner, root) for inner in rules.get("allOf", ()))
        and ("anyOf" not in rules or any(fits(value, inner, root) for inner in rules["anyOf"]))
        and ("oneOf" not in rules or sum(fits(value, inner, root) for inner in rules["oneOf"]) == 1)
        and ("not" not in rules or not fits(value, rules["not"], root))
        and _fits_own(value, rules, root)
    )


def same(one: Any, other: Any) -> bool:
    """True if two JSON values are equal; true is not 1."""
    if is_array(one) and is_array(other):
        return len(one) == len(other) and all(map(same, one, other))
    if is_object(one) and is_object(other):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    return isinstance(value, _TYPES[kind]) and (kind != "integer" or value == int(value))


def _fits_own(value: Any, rules: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    """True if the rules for its own type hold."""
    if isinstance(value, str):
        return _within(value, rules, "Length") and re.search(rules.get("pattern", ""), value) is not None
    if isinstance(value, int | float) and not isinstance(value, bool):
        step = rules.get("multipleOf", value or 1)
        return (
            rules.get("minimum", value) <= value <= rules.get("maximum", value)
            and rules.get("exclusiveMinimum", -math.inf) < value < rules.get("exclusiveMaximum", math.inf)
            and (value % step == 0 if isinstance(step, int) else float(value / step).is_integer())
        )
    if is_array(value):
        schemas = [*rules.get("prefixItems", ()), *[rules.get("items", True)] * len(value)]
        is_repeated = rules.get("uniqueItems") and any(same(a, b) for at, a in enumerate(value) for b in value[:at])
        return (
            _within(value, rules, "Items") and not is_repeated and all(map(fits, value, schemas, [root] * len(value)))
        )
    if is_object(value):
        named, others = rules.get("properties", {}), rules.get("additionalProperties", True)
        return (
            _within(value, rules, "Properties")
            and all(name in value for name in rules.get("required", ()))
            and all(fits(inner, named.get(name, others), root) for name, inner in value.items())
        )
    return True


def _within(value: Any, rules: Mapping[str, Any], what: str) -> bool:
    return bool(rules.get(f"min{what}", 0) <= len(value) <= rules.get(f"max{what}", math.inf))
