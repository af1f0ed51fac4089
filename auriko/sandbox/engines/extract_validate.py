"""Whether a value fits a JSON schema, as far as choosing between alternatives needs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from auriko.sandbox.engines.extract_rules import resolve
from auriko.sandbox.engines.json_types import is_array, is_object

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "array": (list,),
    "object": (dict,), "null": (type(None),),
}  # fmt: skip


def fits(value: Any, schema: Any, root: Mapping[str, Any]) -> bool:
    """Whether `value` is valid under `schema`. Formats are not looked at."""
    if isinstance(schema, bool):
        return schema
    rules = resolve(schema, root)
    if "const" in rules and (value != rules["const"] or isinstance(value, bool) != isinstance(rules["const"], bool)):
        return False
    if "enum" in rules and value not in rules["enum"]:
        return False
    kinds = rules.get("type")
    if kinds is not None and not any(_is_type(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return False
    return _fits_own(value, rules, root) and _fits_combined(value, rules, root)


def _is_type(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(kind, (object,)))


def _fits_own(value: Any, rules: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    if isinstance(value, str):
        return (
            rules.get("minLength", 0) <= len(value) <= rules.get("maxLength", len(value))
            and re.search(rules.get("pattern", ""), value) is not None
        )
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return fits_number(value, rules)
    if is_array(value):
        items = rules.get("items", True)
        first = rules.get("prefixItems", [])
        return rules.get("minItems", 0) <= len(value) <= rules.get("maxItems", len(value)) and all(
            fits(item, first[number] if number < len(first) else items, root) for number, item in enumerate(value)
        )
    if is_object(value):
        named = rules.get("properties", {})
        others = rules.get("additionalProperties", True)
        return all(name in value for name in rules.get("required", ())) and all(
            fits(inner, named.get(name, others), root) for name, inner in value.items()
        )
    return True


def fits_number(value: float, rules: Mapping[str, Any]) -> bool:
    """Whether a number keeps the bounds of `rules`."""
    step = rules.get("multipleOf")
    return (
        rules.get("minimum", value) <= value <= rules.get("maximum", value)
        and ("exclusiveMinimum" not in rules or value > rules["exclusiveMinimum"])
        and ("exclusiveMaximum" not in rules or value < rules["exclusiveMaximum"])
        and (not step or abs(value / step - round(value / step)) < 1e-9)
    )


def _fits_combined(value: Any, rules: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    return (
        all(fits(value, inner, root) for inner in rules.get("allOf", ()))
        and ("anyOf" not in rules or any(fits(value, inner, root) for inner in rules["anyOf"]))
        and ("oneOf" not in rules or sum(fits(value, inner, root) for inner in rules["oneOf"]) == 1)
        and ("not" not in rules or not fits(value, rules["not"], root))
    )
