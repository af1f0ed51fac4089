"""Values that are valid under a JSON schema, taken from a text where that has them literally."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import UnknownType
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY, SchemaRegistry

from auriko.sandbox.engines.json_types import is_array, is_object
from auriko.sandbox.engines.quote.literals import Literals
from auriko.sandbox.engines.quote.pattern import examples, pattern_of

_DEEP, _DEEPEST = 4, 12
"""Depths from which only what must be there is filled in, and from which a schema that goes on has no value."""
_MOST_STEPS, _MOST_TRIES, _MOST_ITEMS, _LONGEST_TEXT = 1_000, 200, 10, 300
_STRICT = {"enum", "format", "pattern"}
"""Rules that say so much of a value that it is looked for first, before other properties take it."""


class _NoValueError(LookupError):
    """No value was found that is valid."""


def fill(schema: Mapping[str, Any], text: str) -> str:
    """The JSON of a value that is valid under `schema`, or of an empty object if there is none."""
    value: Any = {}
    with suppress(_NoValueError, RecursionError, UnknownType, Unresolvable, re.error):
        value = _Filler(schema, text).value(schema)
    return json.dumps(value, ensure_ascii=False)


class _Filler:
    """Fills one schema from one text."""

    def __init__(self, root: Mapping[str, Any], text: str) -> None:
        self._registry = EMPTY_REGISTRY.with_resource("", DRAFT202012.create_resource(root))
        self._validator: Any = Draft202012Validator(root, format_checker=Draft202012Validator.FORMAT_CHECKER)
        self._text = Literals(text)
        self._whole = text.strip() if len(text) <= _LONGEST_TEXT else ""
        self._steps = 0

    def value(self, schema: Any, name: str = "", depth: int = 0, others: Sequence[Any] = ()) -> Any:
        """A valid value for a part of the schema, of the property `name`: the text's own, else the least.

        Raises:
            _NoValueError: There is none, or only `others`.
        """
        self._steps += 1
        rules = _flatten(schema if depth <= _DEEPEST else False, self._registry)
        is_valid = self._validator.evolve(schema=rules).is_valid
        for candidate in itertools.islice(self._candidates(rules, name, depth), _MOST_TRIES):
            if candidate not in others and is_valid(candidate):
                return candidate
        raise _NoValueError

    def _candidates(self, rules: dict[str, Any], name: str, depth: int) -> Iterator[Any]:
        said: Any = None
        least: Iterable[Any] = ()
        match _kind_of(rules):
            case "union":
                yield from self._alternatives(rules, name, depth)
            case "object":
                yield from self._objects(rules, depth)
            case "array":
                yield self._array(rules, name, depth)
            case "enum":
                said, least = self._text.choice(rules["enum"]), rules["enum"]
            case "boolean":
                said, least = self._text.boolean(name), (False, True)
            case "integer" | "number":
                said, least = self._text.number(name), _numbers(rules)
            case "null":
                least = (None,)
            case _:
                said, least = self._text.string(name, pattern_of(rules)), _strings(rules, self._whole if name else "")
        yield from () if said is None else (said,)
        yield from (rules["default"],) if "default" in rules else ()
        yield from least

    def _alternatives(self, rules: dict[str, Any], name: str, depth: int) -> Iterator[Any]:
        """Values of the alternatives, by how much the text has for each; if it has nothing, the default comes first."""
        base = {key: value for key, value in rules.items() if key not in {"anyOf", "oneOf", "default"}}
        several = [_flatten({"allOf": [base, one]}, self._registry) for one in rules.get("anyOf") or rules["oneOf"]]
        if self._is_hurried(depth):  # those that end soonest
            several.sort(key=lambda one: _kind_of(one) in {"object", "array", "union"})
        found: list[tuple[Any, frozenset[Any]]] = []
        start = self._text.given
        for each in several:
            self._text.given = start
            with suppress(_NoValueError):
                found.append((self.value(each, name, depth + 1), self._text.given))
            if found and self._is_hurried(depth):
                break
        found.sort(key=lambda one: (-len(one[1]), one[0] is not None))
        if "default" in rules and all(given == start for _, given in found):
            yield rules["default"]
        for value, self._text.given in found:
            yield value

    def _objects(self, rules: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
        """An object, then the same with another value of one property."""
        properties: dict[str, Any] = rules.get("properties") or {}
        required, least = rules.get("required", ()), rules.get("minProperties", 0)
        names = list(dict.fromkeys([*properties, *required]))
        strict = {name for name in properties if _STRICT & _flatten(properties[name], self._registry).keys()}
        named = {name for name in names if self._text.places(name)}
        wanted = {*required, *(named if not self._is_hurried(depth) else ())}
        first = sorted(names, key=lambda name: (name not in wanted, name not in strict, name not in named))
        filled: dict[str, Any] = {}
        for name in [*first, *(f"key{number}" for number in range(1, least + 1))]:
            given, is_missing = self._text.given, name in required or len(filled) < least
            if is_missing or name in wanted:
                with suppress(_NoValueError):
                    value = self.value(properties.get(name, rules.get("additionalProperties", True)), name, depth + 1)
                    if is_missing or (self._text.given != given and value is not None):
                        filled[name] = value
        whole = {name: filled[name] for name in [*names, *filled] if name in filled}
        yield whole
        for name, value in whole.items():
            with suppress(_NoValueError):
                yield {**whole, name: self.value(properties.get(name, True), name, depth + 1, [value])}

    def _array(self, rules: dict[str, Any], name: str, depth: int) -> list[Any]:
        schemas = itertools.chain(rules.get("prefixItems", ()), itertools.repeat(rules.get("items", {})))
        least, most = rules.get("minItems", 0), rules.get("maxItems", _MOST_ITEMS)
        tried = least if self._is_hurried(depth) else max(least, min(most, _MOST_ITEMS))
        items = list[Any]()
        with suppress(_NoValueError):
            for schema in itertools.islice(schemas, tried):
                given = self._text.given
                value = self.value(schema, name, depth + 1, items if rules.get("uniqueItems") else ())
                if len(items) >= least and self._text.given == given:
                    break
                items.append(value)
        return items

    def _is_hurried(self, depth: int) -> bool:
        """True where only what must be there is filled in, so that schemas that refer to themselves come to an end."""
        return depth >= _DEEP or self._steps > _MOST_STEPS


def _flatten(schema: Any, registry: SchemaRegistry) -> dict[str, Any]:
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
        rules = _joined(rules, _flatten(part, registry))
    return rules


def _kind_of(rules: Mapping[str, Any]) -> str:
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


def _numbers(rules: Mapping[str, Any]) -> Iterator[float]:
    """Numbers around the one within the bounds that is nearest to 0, then shares of what is between the bounds."""
    low = max(rules.get("minimum", -math.inf), rules.get("exclusiveMinimum", -math.inf))
    high = min(rules.get("maximum", math.inf), rules.get("exclusiveMaximum", math.inf))
    step: float = rules.get("multipleOf", 1)
    nearest = min(max(low, 0), high)
    start = (math.ceil if nearest > 0 else math.floor)(nearest / step)
    for number in range(_MOST_TRIES // 4):
        yield from ((start + number) * step, (start - number) * step)
    if math.isfinite(high - low):
        yield from (low + (high - low) / share for share in range(2, _MOST_TRIES))


def _strings(rules: Mapping[str, Any], whole: str) -> Iterator[str]:
    """The whole text unless a pattern is demanded, then strings from the least on."""
    least, pattern = int(rules.get("minLength", 0)), pattern_of(rules)
    if pattern is not None:
        return examples(pattern, least)
    return itertools.chain(
        [whole] if whole else [], ["a" * least], (str(n).rjust(least, "a") for n in range(_MOST_TRIES))
    )
