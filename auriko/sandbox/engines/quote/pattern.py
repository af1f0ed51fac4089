"""Strings that match a regular expression."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from typing import Any

# The parser of `re`: patterns as trees. It is not public; the tests of this module are its contract.
_IS_NEW = sys.version_info >= (3, 11)
_parser: Any = importlib.import_module("re._parser" if _IS_NEW else "sre_parse")
_compiler: Any = importlib.import_module("re._compiler" if _IS_NEW else "sre_compile")
_CHARACTERS = [*"a0-_ A.z9Z/:@#xbcdefghijklmnopqrstuvwy12345678BCDXY\n", *map(chr, range(32, 0x400))]
_OTHERS = 30


def examples(pattern: str, longer: int = 0) -> Iterator[str]:
    """Texts that `pattern` matches, the shortest first; none if this can make none.

    Args:
        pattern: As JSON schemas have it, in Python's dialect.
        longer: How often what may be repeated is repeated beyond what it must be, at most.
    """
    try:
        parsed = _parser.parse(pattern)
        for extra, other in [*((extra, 0) for extra in range(longer)), *((longer, other) for other in range(_OTHERS))]:
            if re.search(pattern, text := _written(parsed, extra, other, {})):
                yield text
    except (re.error, ValueError, OverflowError, RecursionError):
        return


def _written(parsed: Any, extra: int, other: int, groups: dict[int | None, str]) -> str:
    """The least that a parsed pattern demands, repeated `extra` times, with the characters of number `other`."""
    text = ""
    for part in parsed:
        match str(part[0]), part[1]:
            case (("LITERAL" | "ANY" | "NOT_LITERAL" | "IN"), _):
                one = _compiler.compile(_parser.SubPattern(parsed.state, [part]))
                fitting = [each for each in _CHARACTERS if one.match(each)]
                text += fitting[other % len(fitting)] if fitting else chr(part[1])
            case (("MAX_REPEAT" | "MIN_REPEAT"), (least, most, inner)):
                text += "".join(_written(inner, extra, other, groups) for _ in range(min(least + extra, int(most))))
            case "BRANCH", (_, branches):
                text += _written(branches[other % len(branches)], extra, other, groups)
            case "SUBPATTERN", (number, *_, inner):
                groups[number] = _written(inner, extra, other, groups)
                text += groups[number]
            case "GROUPREF", number:
                text += groups.get(number, "")
            case (("AT" | "ASSERT" | "ASSERT_NOT"), _):
                pass
            case kind:
                raise ValueError(kind)
    return text
