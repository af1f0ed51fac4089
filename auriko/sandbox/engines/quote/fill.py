"""Values that are valid under a JSON schema, taken from a text where that has them literally."""

from __future__ import annotations

import itertools
import json
import math
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import UnknownType
from referencing.exceptions import Unresolvable

from auriko.sandbox.engines.json_types import is_array
from auriko.sandbox.engines.quote.literals import Literals
from auriko.sandbox.engines.quote.pattern import examples
from auriko.sandbox.engines.quote.schema import flatten, kind_of

_DEEP, _DEEPEST = 4, 12
"""Depths from which only what must be there is filled in, and from which a schema that goes on has no value."""
_MOST_STEPS, _MOST_TRIES, _MOST_ITEMS, _LONGEST_TEXT = 1_000, 200, 10, 300
_DRAWN_FROM = 20
"""The number of valid values, the least ones, of which one is drawn where the least of all is there already."""
_STRICT = {"const", "enum", "format", "pattern"}
"""Rules that say so much of a value that it is looked for first, before other properties take it."""
_EXAMPLES = {
    "date": "2026-01-{:02}", "date-time": "2026-01-{:02}T00:00:00Z", "time": "00:00:{:02}Z", "duration": "PT{}S",
    "email": "unknown{}@example.com", "uri": "https://example.com/{}", "hostname": "host{}.example.com",
    "ipv4": "192.0.2.{}", "ipv6": "2001:db8::{}", "uuid": "00000000-0000-4000-8000-0000000000{:02}",
}  # fmt: skip


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
        self._root = root
        self._validator: Any = Draft202012Validator(root, format_checker=Draft202012Validator.FORMAT_CHECKER)
        self._text = Literals(text)
        self._whole = text.strip() if len(text) <= _LONGEST_TEXT else ""
        self._steps = 0
        self._random = random.Random(0)
        self._is_drawn = False

    def value(self, schema: Any, name: str = "", depth: int = 0) -> Any:
        """A valid value for a part of the schema, of the property `name`: the text's own, else the least.

        Raises:
            _NoValueError: None was found.
        """
        self._steps += 1
        rules = flatten(schema if depth <= _DEEPEST else False, self._root)
        candidates = itertools.islice(self._candidates(rules, name, depth), _MOST_TRIES)
        valid = filter(self._validator.evolve(schema=rules).is_valid, candidates)
        if found := list(itertools.islice(valid, _DRAWN_FROM if self._is_drawn else 1)):
            return self._random.choice(found)
        raise _NoValueError

    def _candidates(self, rules: dict[str, Any], name: str, depth: int) -> Iterator[Any]:
        kind, kinds = kind_of(rules), rules.get("type")
        if "const" in rules or "enum" in rules:
            yield from self._choices(rules)
        elif several := (
            rules.get("anyOf") or rules.get("oneOf") or ([{"type": kind} for kind in kinds] if is_array(kinds) else ())
        ):
            yield from self._alternatives(rules, several, name, depth)
        elif kind == "object":
            yield self._object(rules, depth)
        elif kind == "array":
            yield self._array(rules, name, depth)
        else:
            said = self._said(kind, rules, name)
            yield from () if said is None else (said,)
            yield from (rules["default"],) if "default" in rules else ()
            match kind:
                case "boolean":
                    yield from (False, True)
                case "integer" | "number":
                    yield from _numbers(rules)
                case "null":
                    yield None
                case _:
                    yield from (self._whole,) if name and not {"format", "pattern"} & rules.keys() else ()
                    yield from _strings(rules)

    def _said(self, kind: str, rules: Mapping[str, Any], name: str) -> Any:
        if kind == "boolean":
            return self._text.boolean(name)
        if kind == "string":
            return self._text.string(name, str(rules.get("format") or ""), rules.get("pattern"))
        number = self._text.number(name) if kind in {"integer", "number"} else None
        return int(number) if number is not None and number.is_integer() else number

    def _choices(self, rules: Mapping[str, Any]) -> Iterator[Any]:
        options: list[Any] = [rules["const"]] if "const" in rules else rules["enum"]
        named = self._text.choice([str(one) for one in options])
        yield from (one for one in options if str(one) == named)
        yield from (rules["default"],) if "default" in rules else ()
        yield from options

    def _alternatives(self, rules: dict[str, Any], several: list[Any], name: str, depth: int) -> Iterator[Any]:
        """Values of the alternatives, by how much the text has for each; if it has nothing, the default comes first."""
        is_valid = self._validator.evolve(schema=rules).is_valid
        base = {key: value for key, value in rules.items() if key not in {"anyOf", "oneOf", "default"}}
        base.pop("type", None) if is_array(base.get("type")) else None
        merged = [flatten({"allOf": [base, one]}, self._root) for one in several]
        if depth > _DEEP:  # those that end soonest
            merged.sort(key=lambda one: kind_of(one) in {"object", "array"} or "anyOf" in one)
        found: list[tuple[int, Any, frozenset[Any]]] = []
        start = self._text.given
        for each in merged:
            self._text.given = start
            with suppress(_NoValueError):
                if is_valid(value := self.value(each, name, depth + 1)):
                    found.append((len(self._text.given), value, self._text.given))
            if found and (depth > _DEEP or self._steps > _MOST_STEPS):
                break
        found.sort(key=lambda one: (-one[0], one[1] is not None))
        if found and found[0][0] == len(start) and "default" in rules:
            yield rules["default"]
        for _, value, self._text.given in found:
            yield value

    def _object(self, rules: dict[str, Any], depth: int) -> dict[str, Any]:
        properties: dict[str, Any] = rules.get("properties") or {}
        required, least = rules.get("required", ()), rules.get("minProperties", 0)
        names = list(dict.fromkeys([*properties, *required]))
        strict = {name for name in properties if _STRICT & flatten(properties[name], self._root).keys()}
        may_have_more = depth < _DEEP and self._steps < _MOST_STEPS
        optional = {name for name in properties if may_have_more and name not in required and self._text.names(name)}
        wanted = [name for name in names if name in required or name in optional]
        wanted.sort(key=lambda name: (name not in strict, not self._text.names(name)))
        filled: dict[str, Any] = {}
        for name in [*wanted, *names, *(f"key{number}" for number in range(1, least + 1))]:
            if name in filled or (name not in wanted and len(filled) >= least):
                continue
            given = self._text.given
            with suppress(_NoValueError):
                value = self.value(properties.get(name, rules.get("additionalProperties", True)), name, depth + 1)
                is_said = self._text.given != given and value is not None
                if is_said or name not in optional or len(filled) < least:
                    filled[name] = value
        return {name: filled[name] for name in [*names, *filled] if name in filled}

    def _array(self, rules: dict[str, Any], name: str, depth: int) -> list[Any]:
        schemas = itertools.chain(rules.get("prefixItems", ()), itertools.repeat(rules.get("items", {})))
        least, most = rules.get("minItems", 0), rules.get("maxItems", _MOST_ITEMS)
        is_new = self._validator.evolve(schema={"uniqueItems": rules.get("uniqueItems", False)}).is_valid
        was_drawn, items = self._is_drawn, list[Any]()
        with suppress(_NoValueError):
            for schema in itertools.islice(schemas, max(least, min(most, _MOST_ITEMS if depth < _DEEP else 0))):
                given, tries = self._text.given, _MOST_TRIES
                while not is_new([*items, value := self.value(schema, name, depth + 1)]) and tries:
                    self._is_drawn, tries = True, tries - 1
                if len(items) >= least and self._text.given == given:
                    break
                items.append(value)
        self._is_drawn = was_drawn
        return items


def _numbers(rules: Mapping[str, Any]) -> Iterator[float]:
    """Numbers around the one within the bounds that is nearest to 0."""
    low = max(rules.get("minimum", -math.inf), rules.get("exclusiveMinimum", -math.inf))
    high = min(rules.get("maximum", math.inf), rules.get("exclusiveMaximum", math.inf))
    step: float = rules.get("multipleOf", 1)
    nearest = min(max(low, 0), high)
    start = (math.ceil if nearest > 0 else math.floor)(nearest / step)
    for number in range(_MOST_TRIES // 4):
        yield from ((start + number) * step, (start - number) * step)
    if kind_of(rules) == "number":
        low, high = (low, min(high, low + 1)) if math.isfinite(low) else (high - 1, high)
        yield from (low + (high - low) * share / 64 for share in range(65))


def _strings(rules: Mapping[str, Any]) -> Iterator[str]:
    """Strings from the least on."""
    least, form = int(rules.get("minLength", 0)), str(rules.get("format") or "")
    if "pattern" in rules:
        yield from examples(rules["pattern"], least)
    elif form in _EXAMPLES:
        yield from (_EXAMPLES[form].format(number) for number in range(1, 60))
    else:
        yield "a" * least
        yield from (str(number).rjust(least, "a") for number in range(_MOST_TRIES))
