"""JSON schemas made plain: references followed, `allOf` merged in, the kind of value named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auriko.sandbox.engines.json_types import is_object

_KEYS_OF_KIND = (
    ("object", {"properties", "required", "additionalProperties", "minProperties"}),
    ("array", {"items", "prefixItems", "minItems", "maxItems"}),
    ("number", {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
)


def resolve(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """`schema` with its `$ref`, if any, replaced by what it points to within `root`; keys beside it are kept."""
    if not is_object(schema):
        return {} if schema is not False else {"not": {}}
    found: dict[str, Any] = dict(schema)
    for _ in range(20):
        reference = found.pop("$ref", None)
        if not isinstance(reference, str):
            break
        target: Any = root
        for part in reference.lstrip("#").strip("/").split("/"):
            if part:
                target = target.get(part.replace("~1", "/").replace("~0", "~"), {}) if is_object(target) else {}
        found = {**(target if is_object(target) else {}), **found}
    return found


def flatten(schema: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of `schema` with its references and its `allOf` merged in."""
    rules = dict(resolve(schema, root))
    for part in rules.pop("allOf", ()):
        for key, value in flatten(part, root).items():
            rules[key] = _merged(key, rules[key], value) if key in rules else value
    return rules


def kind_of(rules: Mapping[str, Any]) -> str:
    """The type that `rules` name, or the one that their keywords are for."""
    if isinstance(rules.get("type"), str):
        return str(rules["type"])
    return next((kind for kind, keys in _KEYS_OF_KIND if keys & rules.keys()), "string")


def _merged(key: str, one: Any, other: Any) -> Any:
    """One value for a keyword that two schemas set."""
    if key == "properties":
        both = {**one, **other}
        return {
            name: {"allOf": [one[name], other[name]]} if name in one and name in other else both[name] for name in both
        }
    if key == "required":
        return [*one, *(name for name in other if name not in one)]
    if key == "enum":
        return [choice for choice in one if choice in other]
    if key in {"minimum", "minLength", "minItems", "exclusiveMinimum", "minProperties"}:
        return max(one, other)
    if key in {"maximum", "maxLength", "maxItems", "exclusiveMaximum", "maxProperties"}:
        return min(one, other)
    return other
