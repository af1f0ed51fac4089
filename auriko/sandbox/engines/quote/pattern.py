"""Strings that match a regular expression, which is also what a format stands for."""

from __future__ import annotations

import importlib
import itertools
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

# The parser of `re`: patterns as trees. It is not public; the tests of this module are its contract.
_IS_NEW = sys.version_info >= (3, 11)
_parser: Any = importlib.import_module("re._parser" if _IS_NEW else "sre_parse")
_compiler: Any = importlib.import_module("re._compiler" if _IS_NEW else "sre_compile")
_CHARACTERS = [*"a0-_ A.z9Z/:@#xbcdefghijklmnopqrstuvwy12345678BCDXY\n", *map(chr, range(32, 0x400)), *"一あ가"]
_OTHERS = 30
_DATE, _CLOCK = r"\d{4}-\d\d-\d\d", r"(?:[01]\d|2[0-3]):[0-5]\d"
_FORMATS = {  # what stands first in each is taken where the text has none
    "date": rf"2026-01-01|{_DATE}",
    "date-time": rf"2026-01-01T00:00:00Z|{_DATE}T{_CLOCK}:[0-5]\d(?:Z|[+-]{_CLOCK})",
    "time": rf"00:00:00Z|{_CLOCK}:[0-5]\d(?:Z|[+-]{_CLOCK})",
    "duration": r"PT\dS",
    "email": r"unknown@example\.com|[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "hostname": r"example\.com|[a-z\d-]+(?:\.[a-z\d-]+)+",
    "ipv4": r"192\.0\.2\.1|\d{1,3}(?:\.\d{1,3}){3}",
    "ipv6": r"2001:db8::\d",
    "uri": r"https://example\.com|https?://[^\s\"'<>)]*[\w/]",
    "uuid": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}


def pattern_of(rules: Mapping[str, Any]) -> str | None:
    """The regular expression of flat rules for a string: their `pattern`, or that of their `format`."""
    form = _FORMATS.get(str(rules.get("format")))
    return str(rules["pattern"]) if "pattern" in rules else form and f"^(?:{form})$"


def examples(pattern: str, longer: int = 0) -> Iterator[str]:
    """Texts that `pattern` matches, the shortest first; none if this can make none.

    Args:
        pattern: As JSON schemas have it, in Python's dialect.
        longer: How often what may be repeated is repeated beyond what it must be, at most.
    """
    parsed = _parser.parse(pattern)
    for other, extra in itertools.product(range(_OTHERS), range(longer + 1)):
        if re.search(pattern, text := _written(parsed, extra, other)):
            yield text


def _written(parsed: Any, extra: int, other: int) -> str:
    """The least that a parsed pattern demands, repeated `extra` times, with the characters of number `other`."""
    text = ""
    for part in parsed:
        match str(part[0]), part[1]:
            case "LITERAL", code:
                text += chr(code)
            case (("ANY" | "NOT_LITERAL" | "IN"), _):
                one = _compiler.compile(_parser.SubPattern(parsed.state, [part]))
                fitting = [each for each in _CHARACTERS if one.match(each)]
                text += fitting[other % len(fitting)] if fitting else ""
            case (("MAX_REPEAT" | "MIN_REPEAT"), (least, most, inner)):
                text += "".join(_written(inner, extra, other) for _ in range(min(least + extra, int(most))))
            case "BRANCH", (_, branches):
                text += _written(branches[other % len(branches)], extra, other)
            case "SUBPATTERN", (*_, inner):
                text += _written(inner, extra, other)
            case _:  # a place, such as `^`, or what few schemas have, which the text then does not match
                pass
    return text
