"""Values that stand literally in a text: numbers, quotations, names, codes, dates, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable

from auriko.sandbox.engines.quote.words import STOP_WORDS, stem

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_NUMBER = re.compile(r"(?<![\w.:-])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w:-]|\.\d)")
_QUOTED = re.compile(r"\"([^\"\n]+)\"|“([^”\n]+)”|„([^“”\n]+)[“”]|«([^»\n]+)»|`([^`\n]+)`|(?<!\w)'([^'\n]+)'(?!\w)")
_CAPITAL = r"(?:[^\W\d_a-z][\w'.-]*\w|[A-Z]\b)"
_NAME = re.compile(  # addresses, moments, words with capitals, codes of letters and digits
    r"https?://[^\s\"'<>)]*[\w/]|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<!\S)\d[\d:-]*[:-]\d[\dTZ:+-]*\b"
    rf"|\b{_CAPITAL}(?: {_CAPITAL})*"
    r"|(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[^\W\d_])[^\W_][\w.-]*\w"
)
_SAID = re.compile(r"[^\s,;()\"']*[^\s,;()\"'.?!]")
_START = re.compile(r"(?:^|[.!?:>\n])[\s\"'“(]*$")
_WHOLE = {"query", "question", "input", "text", "prompt", "message", "content", "request"}
"""Words in names of properties whose value is the whole text rather than a name in it."""
_NEAR = 20
"""Characters before a place that tell whether a sentence starts there, or whether it is negated."""
_NOT_BEFORE = re.compile(r"\b(?:not|no|never|without|don't)\b[\w ]{0,12}$", re.IGNORECASE)
_NOT_BEHIND = re.compile(r"\s*(?:is |[:=] ?|to )?(?:not|off|false|no)\b", re.IGNORECASE)
_DATE, _CLOCK = r"\d{4}-\d\d-\d\d", r"(?:[01]\d|2[0-3]):[0-5]\d"
_FORMATS = {
    "date": _DATE,
    "date-time": rf"{_DATE}T{_CLOCK}:[0-5]\d(?:Z|[+-]{_CLOCK})",
    "time": rf"{_CLOCK}:[0-5]\d(?:Z|[+-]{_CLOCK})",
    "email": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "uri": r"https?://[^\s\"'<>)]*[\w/]",
    "uuid": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}

Span = tuple[int, int]


class Literals:
    """The literals of one text; each is given once, so that two properties do not share one.

    Attributes:
        given: Where those stand that have been given; a caller may put them back.
    """

    def __init__(self, text: str) -> None:
        self._text, self._stripped = text, text.strip(" .!?")
        self.given: frozenset[Span] = frozenset()
        self._numbers = [m.span() for m in _NUMBER.finditer(text)]
        self._names = [m.span() for m in _NAME.finditer(text) if not self._is_sentence_start(m)]

    def names(self, name: str) -> bool:
        """True if the text has a word of this property's name."""
        return bool(self._places(name))

    def number(self, name: str) -> float | None:
        """The number nearest to the property's name; where the text does not name it, the next one."""
        places = self._places(name)
        # A word behind its number ("500 tokens") is nearer than one before it.
        nearest = sorted(
            self._numbers, key=lambda at: min((max(a - at[1] - 0.5, at[0] - b) for a, b in places), default=0)
        )
        said = self._first(nearest)
        return None if said is None else float(said.replace(",", ""))

    def string(self, name: str, form: str = "", pattern: str | None = None) -> str | None:
        """The text of this format or pattern; else the one behind the property's name, the next quotation or name."""
        if form or pattern is not None:
            return self._matching(rf"\A(?:{_FORMATS.get(form, '(?!)')})\Z" if pattern is None else pattern)
        label = r"[\s_-]?".join(_words(name)) or "(?!)"
        sign = r"[\"'`]?\s*(?:[:=]\s*|(?:is|of|named|called|to)\s+(?=[\"'`“„]))"
        value = rf"(?<![^\W_]){label}{sign}(?:{_QUOTED.pattern}|(?=\S)([^,;\n]*?)(?=[.!?]*(?:[,;\n]|$)|[.!?]\s))"
        labelled = [_inner(m) for m in re.finditer(value, self._text, re.IGNORECASE)]
        is_whole = bool(_WHOLE.intersection(_words(name)))
        return self._first([*labelled, *map(_inner, _QUOTED.finditer(self._text)), *(() if is_whole else self._names)])

    def choice(self, options: list[str]) -> str | None:
        """The option that the text names, the first of several."""
        found = (re.search(rf"(?<!\w){re.escape(one)}(?!\w)", self._text, re.IGNORECASE) for one in options if one)
        said = self._first(sorted(m.span() for m in found if m))
        return next((one for one in options if said and one.lower() == said.lower()), None)

    def boolean(self, name: str) -> bool | None:
        """True if the text has the name, False with a "not" before it or an "off" behind it, None if it does not."""
        for start, end in self._places(name):
            self.given |= {(start, end)}
            return not (
                _NOT_BEFORE.search(self._text, max(0, start - _NEAR), start) or _NOT_BEHIND.match(self._text, end)
            )
        return None

    def _matching(self, pattern: str) -> str | None:
        words = [*map(_inner, _QUOTED.finditer(self._text)), *(m.span() for m in _SAID.finditer(self._text))]
        try:
            return self._first(at for at in words if re.search(pattern, self._text[slice(*at)]))
        except re.error:
            return None

    def _places(self, name: str) -> list[Span]:
        """The places of words of the name in the text: those with most of them in a row, in order."""
        words = _words(name)
        stems = [stem(word) for word in words if word not in STOP_WORDS or len(words) == 1]
        runs: list[tuple[int, int, int]] = []
        for start, end in (m.span() for m in _WORD.finditer(self._text) if stem(m.group()) in stems):
            follows = bool(runs) and start - runs[-1][1] <= 1
            runs.append((runs[-1][0], end, runs.pop()[2] + 1) if follows else (start, end, 1))
        most = max((count for *_, count in runs), default=0)
        return [(start, end) for start, end, count in runs if count == most]

    def _is_sentence_start(self, match: re.Match[str]) -> bool:
        """True if a word has its capital from its place alone, and so is no name."""
        start, (first, *others) = match.start(), match.group().split()
        is_word = not any(map(str.isdigit, first)) and (not others or first.lower() in STOP_WORDS)
        return is_word and first != self._stripped and bool(_START.search(self._text, max(0, start - _NEAR), start))

    def _first(self, found: Iterable[Span]) -> str | None:
        """The first of these places that has not been given."""
        for start, end in found:
            if start < end and not any(a < end and start < b for a, b in self.given):
                self.given |= {(start, end)}
                return self._text[start:end]
        return None


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _inner(match: re.Match[str]) -> Span:
    """The place of the group that has matched."""
    return match.span(match.lastindex or 0)
