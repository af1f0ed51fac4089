"""JSON schemas as providers take them: names that fit, references that hold, closed objects (API section 3.4)."""

# Messages and schemas are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

__all__ = ["fitting_name", "inlined", "strict_schema"]

_FITTING: Final = re.compile(r"[a-zA-Z0-9_-]{0,64}")
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME: Final = 64
_DEFINITIONS: Final = ("$defs", "definitions")
Schema = dict[str, Any]


def fitting_name(name: str) -> str:
    """The name of a tool or a schema, with `_` for what the API has in none: `Resp[int]` becomes `Resp_int_`."""
    if _FITTING.fullmatch(name):
        return name
    return _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]


def inlined(schema: Mapping[str, Any]) -> Schema:
    """A copy in which definitions stand where they are referred to, as far as they do not contain themselves.

    Those keep their `$defs` and `$ref`. The outermost schema is an object all the same, since tools and answers need
    one.
    """
    return _Resolver(schema, keep_all=False).resolved()


def strict_schema(schema: Mapping[str, Any]) -> Schema:
    """A copy as strict mode wants it.

    Every object has all its properties and no others, nothing stands beside a `$ref`, and there are no defaults, since
    nothing is left out.
    """
    return cast("Schema", _closed(_Resolver(schema, keep_all=True).resolved()))


class _Resolver:
    """Resolves the references of one schema."""

    def __init__(self, schema: Mapping[str, Any], *, keep_all: bool) -> None:
        self._schema = schema
        self._definitions = {
            f"#/{key}/{name}": definition
            for key in _DEFINITIONS
            for name, definition in (schema.get(key) or {}).items()
        }
        # Whether references without anything beside them stay as they are.
        self._keep_all = keep_all
        self._kept: dict[str, Any] = {}

    def resolved(self) -> Schema:
        outer = {name: value for name, value in self._schema.items() if name not in _DEFINITIONS}
        reference = outer.get("$ref")
        if isinstance(reference, str) and isinstance(self._definitions.get(reference), Mapping):
            outer = {**self._definitions[reference], **{k: v for k, v in outer.items() if k != "$ref"}}
        result = {name: self._resolve(value, ()) for name, value in outer.items()}
        # A definition may refer to others, which are then kept too.
        done: dict[str, Any] = {}
        while missing := [reference for reference in self._kept if reference not in done]:
            for reference in missing:
                done[reference] = self._resolve(self._definitions[reference], (reference,))
        for key in _DEFINITIONS:
            prefix = f"#/{key}/"
            kept = {ref.removeprefix(prefix): definition for ref, definition in done.items() if ref.startswith(prefix)}
            if kept:
                result[key] = kept
        return result

    def _resolve(self, value: Any, inside: tuple[str, ...]) -> Any:
        """The value without references, but for those that lead to where it is `inside` of."""
        if isinstance(value, list):
            return [self._resolve(item, inside) for item in value]
        if not isinstance(value, Mapping):
            return value
        reference = value.get("$ref")
        if not isinstance(reference, str) or not isinstance(self._definitions.get(reference), Mapping):
            return {name: self._resolve(part, inside) for name, part in value.items()}
        if reference in inside or self._is_recursive(reference) or (self._keep_all and len(value) == 1):
            self._kept[reference] = None
            return {"$ref": reference}
        beside = {name: part for name, part in value.items() if name != "$ref"}
        return self._resolve({**self._definitions[reference], **beside}, (*inside, reference))

    def _is_recursive(self, reference: str) -> bool:
        seen: set[str] = set()
        to_see = _references(self._definitions[reference])
        while to_see:
            found = to_see.pop()
            if found == reference:
                return True
            if found not in seen:
                seen.add(found)
                to_see |= _references(self._definitions.get(found))
        return False


def _references(value: Any) -> set[str]:
    if isinstance(value, list):
        return set[str]().union(*map(_references, value))
    if not isinstance(value, Mapping):
        return set()
    own = value.get("$ref")
    return set[str]({own} if isinstance(own, str) else ()).union(*map(_references, value.values()))


def _closed(value: Any) -> Any:
    if isinstance(value, list):
        return [_closed(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    closed = {name: _closed(part) for name, part in value.items()}
    properties = closed.get("properties")
    if closed.get("type") == "object" and isinstance(properties, dict):
        closed["additionalProperties"] = False
        closed["required"] = list(properties)
        closed["properties"] = {name: _without_default(part) for name, part in properties.items()}
    return closed


def _without_default(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    return {name: value for name, value in schema.items() if name != "default"}
