"""Values that stand literally in a text: numbers, quotations, names, codes, dates, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from auriko.sandbox.engines.quote.words import WORD, stem, terms

_NUMBER = re.compile(r"(?<![\w.:-])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w:-]|\.\d)")
_QUOTED = re.compile(r"\"([^\"\n]+)\"|“([^”\n]+)”|„([^“”\n]+)[“”]|«([^»\n]+)»|`([^`\n]+)`|(?<!\w)'([^'\n]+)'(?!\w)")
_CAPITAL = r"(?:[^\W\d_a-z][\w'.-]*\w|[A-Z]\b)"
_NAME = re.compile(  # words with capitals; addresses, moments and codes, which have signs or digits between letters
    rf"\b{_CAPITAL}(?: {_CAPITAL})*"
    r"|(?<![^\s\"'<>(),;])(?=[^\s\"'<>(),;]*(?:@|://|\d[:-]\d|[^\W\d_]-?\d|\d[^\W\d_]))[^\s\"'<>(),;]*[\w/]"
)
_SAID = re.compile(r"[^\s,;()\"']*[^\s,;()\"'.?!]")
_START = re.compile(r"(?:^|[.!?:>\n])[\s\"'“(]*$")
_WHOLE = {"query", "question", "input", "text", "prompt", "message", "content", "request"}
"""Words in names of properties whose value is the whole text rather than a name in it."""
_NEAR = 20
"""Characters before a place that tell whether a sentence starts there, or whether it is negated."""
_NOT_BEFORE = re.compile(r"\b(?:not|no|never|without|don't)\b[\w ]{0,12}$", re.IGNORECASE)
_NOT_BEHIND = re.compile(r"\s*(?:is |[:=] ?|to )?(?:not|off|false|no)\b", re.IGNORECASE)
Span = tuple[int, int]


class Literals:
    """The literals of one text; each is given once, so that two properties do not share one."""

    def __init__(self, text: str) -> None:
        self._text, self._stripped = text, text.strip(" .!?")
        self.given: frozenset[Span] = frozenset()  # a caller may put some back
        self._numbers = [m.span() for m in _NUMBER.finditer(text)]
        self._parts = [m.span() for m in _SAID.finditer(text)]
        self._names = [m.span() for m in _NAME.finditer(text) if not self._is_sentence_start(m)]

    def places(self, name: str) -> list[Span]:
        """The places of words of the name in the text: those with most of them in a row, in order."""
        stems = terms(name) or [stem(word) for word in _words(name)]
        runs: list[tuple[int, int, int]] = []
        for start, end in (m.span() for m in WORD.finditer(self._text) if stem(m.group()) in stems):
            follows = bool(runs) and start - runs[-1][1] <= 1
            runs.append((runs[-1][0], end, runs.pop()[2] + 1) if follows else (start, end, 1))
        most = max((count for *_, count in runs), default=0)
        return [(start, end) for start, end, count in runs if count == most]

    def number(self, name: str) -> float | None:
        """The number nearest to the property's name; where the text does not name it, the next one."""
        places = self.places(name)
        # A word behind its number ("500 tokens") is nearer than one before it.
        nearest = sorted(
            self._numbers, key=lambda at: min((max(a - at[1] - 0.5, at[0] - b) for a, b in places), default=0)
        )
        said = self._first(nearest)
        number = None if said is None else float(said.replace(",", ""))
        return int(number) if number is not None and number.is_integer() else number

    def string(self, name: str, pattern: str | None = None) -> str | None:
        """The text of this pattern; without one, the text behind the property's name, the next quotation or name."""
        label = r"[\s_-]?".join(_words(name)) or "(?!)"
        sign = r"[\"'`]?\s*(?:[:=]\s*|(?:is|of|named|called|to)\s+(?=[\"'`“„]))"
        value = rf"(?<![^\W_]){label}{sign}(?:{_QUOTED.pattern}|(?=\S)([^,;\n]*?)(?=[.!?]*(?:[,;\n]|$)|[.!?]\s))"
        marked = [*re.finditer(value, self._text, re.IGNORECASE), *_QUOTED.finditer(self._text)]
        others = self._parts if pattern is not None else () if _WHOLE.intersection(_words(name)) else self._names
        found = [*(match.span(match.lastindex or 0) for match in marked), *others]
        return self._first(at for at in found if re.search(pattern or "", self._text[slice(*at)]))

    def choice(self, options: list[Any]) -> Any:
        """The option that the text names, the first of several."""
        names = {str(option).lower(): option for option in options if option != ""}
        found = (re.search(rf"(?<!\w){re.escape(name)}(?!\w)", self._text, re.IGNORECASE) for name in names)
        said = self._first(sorted(match.span() for match in found if match))
        return None if said is None else names.get(said.lower())

    def boolean(self, name: str) -> bool | None:
        """True if the text has the name, False with a "not" before it or an "off" behind it, None if it does not."""
        for start, end in self.places(name):
            self.given |= {(start, end)}
            return not (
                _NOT_BEFORE.search(self._text, max(0, start - _NEAR), start) or _NOT_BEHIND.match(self._text, end)
            )
        return None

    def _is_sentence_start(self, match: re.Match[str]) -> bool:
        """True if a word has its capital from its place alone, and so is no name."""
        is_one_word = " " not in match.group() and match.group() != self._stripped
        return is_one_word and bool(_START.search(self._text, max(0, match.start() - _NEAR), match.start()))

    def _first(self, found: Iterable[Span]) -> str | None:
        """The first of these places that has not been given."""
        for start, end in found:
            if start < end and not any(a < end and start < b for a, b in self.given):
                self.given |= {(start, end)}
                return self._text[start:end]
        return None


def _words(name: str) -> list[str]:
    return [word.lower() for word in WORD.findall(name)]
