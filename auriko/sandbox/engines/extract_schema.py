"""Values that are valid under a JSON schema, taken from a text where it has them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from auriko.sandbox.engines.extract_defaults import default_number, default_string, fit_length
from auriko.sandbox.engines.extract_facts import Facts
from auriko.sandbox.engines.extract_formats import EXAMPLES, PATTERNS, written
from auriko.sandbox.engines.extract_lists import clauses, pick_list
from auriko.sandbox.engines.extract_rules import flatten, kind_of
from auriko.sandbox.engines.extract_slots import Slot, slot
from auriko.sandbox.engines.extract_strings import pick_string
from auriko.sandbox.engines.extract_validate import fits, fits_number
from auriko.sandbox.engines.extract_values import pick_boolean, pick_choice, pick_choices, pick_number
from auriko.sandbox.engines.json_types import is_array, is_object

MISSING: Final = object()
"""What an optional property is whose value the text does not name."""

_DEEP = 4
"""The depth from which only what is required is filled in."""
_DEEPEST = 30
_NEUTRAL = ("unknown", "other", "neutral", "normal", "none", "n/a")


class Filler:
    """Fills one schema from one text.

    Attributes:
        found: How many values came from the text, as far as it has been filled.
    """

    def __init__(self, root: Mapping[str, Any], text: str, depth: int = 0) -> None:
        self.found = 0
        self._root = root
        self._facts = Facts(text)
        self._depth = depth

    def fill(self, schema: Any | None = None, name: str = "") -> Any:
        """A value for the root schema, or for `schema` within it, which is that of the property `name`."""
        return self._value(self._root if schema is None else schema, name, depth=self._depth, is_required=True)

    def _value(self, schema: Any, name: str, *, depth: int, is_required: bool) -> Any:
        rules = self._flat(schema)
        if "const" in rules:
            return self._constant(rules["const"])
        alternatives: Sequence[Any] = rules.get("anyOf") or rules.get("oneOf") or ()
        kinds = rules.get("type")
        if not alternatives and is_array(kinds):
            alternatives = [{"type": kind} for kind in kinds]
        if alternatives:
            base = {key: value for key, value in rules.items() if key not in {"anyOf", "oneOf", "type"}}
            merged = [self._flat({"allOf": [base, one]}) for one in alternatives]
            return self._alternative(merged, rules, name, depth=depth, is_required=is_required)
        described = slot(name, str(rules.get("description") or ""), str(rules.get("format") or ""))
        if "enum" in rules:
            return self._choice(rules, is_required=is_required)
        match kind_of(rules):
            case "object":
                return self._object(rules, depth=depth, is_required=is_required)
            case "array":
                return self._array(rules, described, name, depth=depth, is_required=is_required)
            case "boolean":
                return self._boolean(rules, described, is_required=is_required)
            case "integer" | "number" as kind:
                return self._number(rules, described, is_integer=kind == "integer", is_required=is_required)
            case "null":
                return None
            case _:
                return self._string(rules, described, is_required=is_required)

    def _flat(self, schema: Any) -> dict[str, Any]:
        return flatten(schema, self._root)

    def _constant(self, value: Any) -> Any:
        if isinstance(value, str) and re.search(rf"(?<!\w){re.escape(value.lower())}(?!\w)", self._facts.lowered):
            self.found += 1
        return value

    def _alternative(
        self,
        alternatives: Sequence[Mapping[str, Any]],
        rules: Mapping[str, Any],
        name: str,
        *,
        depth: int,
        is_required: bool,
    ) -> Any:
        """The value of the alternative for which the text has most; null, or nothing, if it has nothing for any."""
        may_be_null = any(one.get("type") == "null" for one in alternatives)
        best: Any = MISSING
        best_gain = -1
        chosen: Mapping[str, Any] = {}
        start, taken = self.found, self._facts.taken
        for one in alternatives:
            if one.get("type") == "null":
                continue
            value = self._value(one, name, depth=depth + 1, is_required=is_required and not may_be_null)
            gain = self.found - start
            self.found = start
            self._facts.release(taken)
            is_unambiguous = "oneOf" not in rules or fits(value, {"oneOf": rules["oneOf"]}, self._root)
            if value is not MISSING and gain > best_gain and is_unambiguous:
                best, best_gain, chosen = value, gain, one
        if best is MISSING:
            if is_required and "default" in rules:
                return rules["default"]
            return None if may_be_null and is_required else MISSING
        if best_gain > 0:  # once more, to take what it uses
            return self._value(chosen, name, depth=depth + 1, is_required=is_required and not may_be_null)
        return best

    def _object(self, rules: Mapping[str, Any], *, depth: int, is_required: bool) -> Any:
        properties: Mapping[str, Any] = rules.get("properties") or {}
        demanded: Sequence[str] = rules.get("required") or ()
        required = properties.keys() & demanded
        start = self.found
        if depth > _DEEPEST or (not is_required and depth > _DEEP):
            return {} if is_required else MISSING
        values: dict[str, Any] = {}
        for is_free_text in (False, True):  # what is easy to tell first, so that free text does not swallow it
            for name, inner in properties.items():
                if self._is_free_text(name, inner) is is_free_text:
                    values[name] = self._value(inner, name, depth=depth + 1, is_required=name in required)
        filled = {name: values[name] for name in properties if values[name] is not MISSING}
        others = rules.get("additionalProperties")
        if is_object(others) and not properties:
            filled = self._map(others, int(rules.get("minProperties", 0)), depth=depth)
        return filled if is_required or self.found > start else MISSING

    def _is_free_text(self, name: str, schema: Any) -> bool:
        rules = self._flat(schema)
        is_string = kind_of(rules) == "string" and not {"enum", "const", "pattern"} & rules.keys()
        return is_string and slot(name, str(rules.get("description") or ""), str(rules.get("format") or "")).kind in {
            "query",
            "text",
            "",
        }

    def _map(self, schema: Mapping[str, Any], least: int, *, depth: int) -> dict[str, Any]:
        """An object of any keys: each clause that names something and has a value for it gives one."""
        filled: dict[str, Any] = {}
        for clause in clauses(self._facts.text):
            part = Filler(self._root, clause, depth + 1)
            named = next((span.text for span in Facts(clause).names), None)
            value = part.fill(schema, named or "")
            if named and part.found:
                filled[named] = value
                self.found += 1
        for number in range(len(filled), least):
            filled[f"key{number + 1}"] = self._value(schema, "", depth=depth + 1, is_required=True)
        return filled

    def _array(self, rules: Mapping[str, Any], described: Slot, name: str, *, depth: int, is_required: bool) -> Any:
        first: Sequence[Any] = rules.get("prefixItems") or ()
        items = rules.get("items", {})
        least = int(rules.get("minItems", 0))
        most = int(rules.get("maxItems", max(least, 10)))
        found = [self._value(one, name, depth=depth + 1, is_required=True) for one in first][:most]
        if items is not False and len(found) < most:
            found += self._items(self._only(items), described, least - len(found), most - len(found), depth=depth)
        if not found and not is_required:
            return MISSING
        if rules.get("uniqueItems"):
            found = [item for number, item in enumerate(found) if item not in found[:number]]
        while len(found) < least:
            found.append(self._another(items, name, found, is_unique=bool(rules.get("uniqueItems")), depth=depth))
        return found

    def _only(self, schema: Any) -> dict[str, Any]:
        """The rules of `schema`; of several alternatives, the only one beside null, or rules that nothing keeps."""
        rules = self._flat(schema)
        alternatives: Sequence[Any] = rules.get("anyOf") or rules.get("oneOf") or [rules]
        flat = [self._flat(one) for one in alternatives]
        real = [one for one in flat if one.get("type") != "null"]
        return real[0] if len(real) == 1 else {"enum": []}

    def _items(self, rules: dict[str, Any], described: Slot, least: int, most: int, *, depth: int) -> list[Any]:
        """The items that the text has for an array."""
        kind = kind_of(rules)
        found: list[Any] = []
        if "enum" in rules:
            found = pick_choices(self._facts, rules["enum"])
        elif kind in {"integer", "number"}:
            picked = (
                self._picked_number(rules, described, is_integer=kind == "integer", is_required=True)
                for _ in range(most)
            )
            found = list(itertools.takewhile(lambda number: number is not None, picked))
        elif kind == "string":
            form = str(rules.get("format", ""))
            listed = (written(text, form) for text in pick_list(described, self._facts, has_format=bool(form)))
            found = [text for text in listed if text is not None and fits(text, rules, self._root)]
        elif kind == "object" and depth < _DEEP:
            parts = [Filler(self._root, clause, depth + 1) for clause in clauses(self._facts.text)]
            values = [part.fill(rules) for part in parts]
            telling = [value for value, part in zip(values, parts, strict=True) if part.found]
            found = telling if len(telling) >= least else values
        self.found += len(found[:most])
        return found[:most]

    def _another(self, items: Any, name: str, found: Sequence[Any], *, is_unique: bool, depth: int) -> Any:
        """One more item than the text has."""
        rules = self._flat(items)
        if is_unique and "enum" in rules:
            return next((choice for choice in rules["enum"] if choice not in found), rules["enum"][0])
        value = self._value(items, name, depth=depth + 1, is_required=True)
        if is_unique and value in found:
            if isinstance(value, str):
                return f"{value} {len(found) + 1}"
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return max(one for one in found if isinstance(one, (int, float))) + (rules.get("multipleOf") or 1)
        return value

    def _choice(self, rules: Mapping[str, Any], *, is_required: bool) -> Any:
        choices: Sequence[Any] = rules["enum"]
        choice = pick_choice(self._facts, choices, is_required=is_required)
        if choice is not None:
            self.found += 1
            return choice
        if not is_required:
            return MISSING
        neutral = (choice for word in _NEUTRAL for choice in choices if str(choice).lower() == word)
        return rules["default"] if "default" in rules else next(neutral, choices[0])

    def _boolean(self, rules: Mapping[str, Any], described: Slot, *, is_required: bool) -> Any:
        value = pick_boolean(described, self._facts)
        if value is not None:
            self.found += 1
            return value
        return bool(rules.get("default", False)) if is_required else MISSING

    def _number(self, rules: Mapping[str, Any], described: Slot, *, is_integer: bool, is_required: bool) -> Any:
        value = self._picked_number(rules, described, is_integer=is_integer, is_required=is_required)
        if value is not None:
            self.found += 1
            return value
        return default_number(rules, is_integer=is_integer) if is_required else MISSING

    def _picked_number(
        self, rules: Mapping[str, Any], described: Slot, *, is_integer: bool, is_required: bool
    ) -> float | int | None:
        def accepts(value: float) -> bool:
            return fits_number(value, rules) and (not is_integer or value.is_integer())

        value = pick_number(described, self._facts, accepts, is_required=is_required)
        return int(value) if value is not None and value.is_integer() else value

    def _string(self, rules: Mapping[str, Any], described: Slot, *, is_required: bool) -> Any:
        form = str(rules.get("format", ""))
        pattern = rules.get("pattern") or PATTERNS.get(form)
        if pattern:
            text = self._matching(pattern)
        elif form in EXAMPLES and not described.kind:
            text = None  # a format that nothing here can tell
        else:
            text = pick_string(described, self._facts, is_required=is_required)
        text = None if text is None else written(text, form)
        if text is not None and fits(fit_length(text, rules, self._facts.text), rules, self._root):
            self.found += 1
            return fit_length(text, rules, self._facts.text)
        return default_string(rules, described, self._facts.text) if is_required else MISSING

    def _matching(self, pattern: str) -> str | None:
        """The first thing in the text that the whole of `pattern` matches."""
        bare = re.sub(r"^\^|(?<!\\)\$$", "", pattern)
        match = re.search(rf"(?<!\w)(?:{bare})(?!\w)", self._facts.text)
        return match.group() if match and re.search(pattern, match.group()) else None
