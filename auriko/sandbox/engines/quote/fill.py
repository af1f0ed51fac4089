"""Values that are valid under a JSON schema, taken from a text where that has them literally."""

from __future__ import annotations

import itertools
import json
import math
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
_STRICT = {"const", "enum", "format", "pattern"}
"""Rules that say so much of a value that it is looked for first, before other properties take it."""
_EXAMPLES = {
    "date": "2026-01-{:02}", "date-time": "2026-01-{:02}T00:00:00Z", "time": "00:00:{:02}Z", "duration": "PT{}S",
    "email": "unknown{}@example.com", "uri": "https://example.com/{}", "hostname": "host{}.example.com",
    "ipv4": "192.0.2.{}", "ipv6": "2001:db8::{}", "uuid": "00000000-0000-4000-8000-0000000000{:02}",
}  # fmt: skip


def fill(schema: Mapping[str, Any], text: str) -> str:
    """The JSON of a value that is valid under `schema`, or of an empty object if there is none."""
    value: Any = {}
    with suppress(RecursionError, UnknownType, Unresolvable, re.error):
        value = next(_Filler(schema, text).values(schema, "", 0), value)
    return json.dumps(value, ensure_ascii=False)


class _Filler:
    """Fills one schema from one text. Every generator yields the text's own value first, then the least ones."""

    def __init__(self, root: Mapping[str, Any], text: str) -> None:
        self._root = root
        self._validator: Any = Draft202012Validator(root, format_checker=Draft202012Validator.FORMAT_CHECKER)
        self._text = Literals(text)
        self._whole = text.strip() if len(text) <= _LONGEST_TEXT else ""
        self._steps = 0

    def values(self, schema: Any, name: str, depth: int) -> Iterator[Any]:
        """Valid values for a part of the schema, of the property `name`."""
        self._steps += 1
        rules = flatten(schema if depth <= _DEEPEST else False, self._root)
        candidates = itertools.islice(self._candidates(rules, name, depth), _MOST_TRIES)
        return filter(self._validator.evolve(schema=rules).is_valid, candidates)

    def _candidates(self, rules: dict[str, Any], name: str, depth: int) -> Iterator[Any]:
        kind, kinds = kind_of(rules), rules.get("type")
        if "const" in rules or "enum" in rules:
            yield from self._choices(rules)
        elif several := (
            rules.get("anyOf") or rules.get("oneOf") or ([{"type": kind} for kind in kinds] if is_array(kinds) else ())
        ):
            yield from self._alternatives(rules, several, name, depth)
        elif kind == "object":
            yield from self._objects(rules, depth)
        elif kind == "array":
            yield from self._arrays(rules, name, depth)
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
        """Values of the alternative for which the text has most; if it has nothing, the default, null, or the first."""
        is_valid = self._validator.evolve(schema=rules).is_valid
        base = {key: value for key, value in rules.items() if key not in {"anyOf", "oneOf", "default"}}
        base.pop("type", None) if is_array(base.get("type")) else None
        merged = [flatten({"allOf": [base, one]}, self._root) for one in several]
        if depth > _DEEP:  # those that end soonest
            merged.sort(key=lambda one: kind_of(one) in {"object", "array"} or "anyOf" in one)
        found: list[tuple[int, Any, frozenset[Any], Iterator[Any]]] = []
        start = self._text.given
        for each in merged:
            self._text.given = start
            values = filter(is_valid, self.values(each, name, depth + 1))
            found += [(len(self._text.given), one, self._text.given, values) for one in itertools.islice(values, 1)]
            if found and (depth > _DEEP or self._steps > _MOST_STEPS):
                break
        found.sort(key=lambda one: (-one[0], one[1] is not None))
        if found and found[0][0] == len(start) and "default" in rules:
            yield rules["default"]
        for _, value, given, _ in found:
            self._text.given = given
            yield value
        yield from itertools.chain.from_iterable(values for *_, values in found)

    def _objects(self, rules: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
        properties: dict[str, Any] = rules.get("properties") or {}
        required, least = rules.get("required", ()), rules.get("minProperties", 0)
        names = list(dict.fromkeys([*properties, *required, *(f"key{number}" for number in range(1, least + 2))]))
        strict = {name for name in properties if _STRICT & flatten(properties[name], self._root).keys()}
        filled: dict[str, Any] = {}

        def filling(name: str) -> Iterator[Any]:
            return self.values(properties.get(name, rules.get("additionalProperties", True)), name, depth + 1)

        further: dict[str, Iterator[Any]] = {}
        for name in sorted(names, key=lambda name: (name not in strict, not self._text.names(name))):
            is_named = name in properties and self._text.names(name) and depth < _DEEP and self._steps < _MOST_STEPS
            if name in required or is_named:
                given, further[name] = self._text.given, filling(name)
                for value in itertools.islice(further[name], 1):
                    if name in required or (self._text.given != given and value is not None):
                        filled[name] = value
                if name in required and name not in filled:
                    return
        more = ((name, value) for name in names if name not in filled for value in itertools.islice(filling(name), 1))
        while len(filled) < least and (one := next(more, None)):
            filled[one[0]] = one[1]
        yield {name: filled[name] for name in names if name in filled}
        yield from ({**filled, name: value} for name in further if name in filled for value in further[name])
        yield from ({**filled, name: value} for name, value in more)

    def _arrays(self, rules: dict[str, Any], name: str, depth: int) -> Iterator[list[Any]]:
        schemas = itertools.chain(rules.get("prefixItems", ()), itertools.repeat(rules.get("items", {})))
        least, most = rules.get("minItems", 0), rules.get("maxItems", _MOST_ITEMS)
        is_new = self._validator.evolve(schema={"uniqueItems": rules.get("uniqueItems", False)}).is_valid
        items: list[Any] = []
        values: Iterator[Any] = iter(())
        for schema in itertools.islice(schemas, max(least, min(most, _MOST_ITEMS if depth < _DEEP else 0))):
            given = self._text.given
            values = (value for value in self.values(schema, name, depth + 1) if is_new([*items, value]))
            found = list(itertools.islice(values, 1))
            if not found or (len(items) >= least and self._text.given == given):
                break
            items += found
        yield items
        yield from ([*items[:-1], value] for value in values)


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
