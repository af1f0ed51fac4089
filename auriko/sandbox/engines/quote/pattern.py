"""Strings that match a regular expression."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

# The parser of `re`: patterns as trees. It is not public; the tests of this module are its contract.
_parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
_CANDIDATES = [*"a0-_ A.z9Z/:@#xbcdefghijklmnopqrstuvwy12345678BCDXY\n", *map(chr, range(32, 0x400))]
_OTHERS = 30


def examples(pattern: str, longer: int = 0) -> Iterator[str]:
    """Texts that `pattern` matches, the shortest first; none if this can make none.

    Args:
        pattern: As JSON schemas have it, in Python's dialect.
        longer: How often what may be repeated is repeated beyond what it must be, at most.
    """
    try:
        parsed = _parser.parse(pattern)
        for extra, other in [*((extra, 0) for extra in range(longer + 1)), *((longer, n) for n in range(1, _OTHERS))]:
            text = _Maker(extra, other).sequence(parsed)
            if re.search(pattern, text):
                yield text
    except (re.error, ValueError, OverflowError, RecursionError):
        return


class _Maker:
    """Writes the least that a parsed pattern demands, or somewhat more, with the characters of number `other`."""

    def __init__(self, longer: int, other: int) -> None:
        self._longer, self._other = longer, other
        self._groups: dict[int | None, str] = {}

    def sequence(self, parsed: Any) -> str:
        """The text for the parts of a pattern."""
        return "".join(self._one(str(kind), value) for kind, value in parsed)

    def _one(self, kind: str, value: Any) -> str:
        match kind:
            case "LITERAL":
                return chr(value)
            case "ANY" | "NOT_LITERAL":
                return self._character(lambda one: one not in {"\n", chr(value or 10)})
            case "IN":
                return self._character(lambda one: _is_in(value, one))
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = value
                return "".join(self.sequence(inner) for _ in range(min(least + self._longer, int(most))))
            case "BRANCH":
                return self.sequence(value[1][self._other % len(value[1])])
            case "SUBPATTERN":
                self._groups[value[0]] = self.sequence(value[-1])
                return self._groups[value[0]]
            case "GROUPREF":
                return self._groups.get(value, "")
            case "AT" | "ASSERT" | "ASSERT_NOT":
                return ""
            case _:
                raise ValueError(kind)

    def _character(self, fits: Callable[[str], bool]) -> str:
        found = [one for one in _CANDIDATES if fits(one)]
        return found[self._other % len(found)] if found else ""


def _is_in(members: Any, one: str) -> bool:
    """True if a set such as `[^a-z]` has this character."""
    is_negated = str(members[0][0]) == "NEGATE"
    return is_negated != any(_is(str(kind), value, one) for kind, value in members)


def _is(kind: str, value: Any, one: str) -> bool:
    if kind == "CATEGORY":
        letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[str(value).rpartition("_")[2]]
        return bool(re.match(rf"\{letter}", one, re.ASCII)) != ("_NOT_" in str(value))
    return kind != "NEGATE" and (value[0] <= ord(one) <= value[1] if kind == "RANGE" else one == chr(value))
