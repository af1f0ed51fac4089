"""What a text names: quotations, names, codes, numbers, dates, times and addresses, each with its place in the text."""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from auriko.sandbox.engines.extract_text import stem
from auriko.sandbox.engines.extract_words import MONTHS, NO_NAMES, NUMBER_WORDS, PARTICLES, TITLES

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_QUOTED = re.compile(
    r"\"([^\"\n]+)\"|\u201c([^\u201d\n]+)\u201d|«([^»\n]+)»|「([^」\n]+)」|`([^`\n]+)`"
    r"|\u201e([^\u201c\u201d\n]+)[\u201c\u201d]|『([^』\n]+)』|\u2039([^\u203a\n]+)\u203a"
    r"|(?<!\w)['\u2018]([^'\u2019\n]+)['\u2019](?!\w)"
)
_OPENING = "\"'“\u201e\u2018«\u2039「『"
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"https?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]")
_MOMENT = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?")
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS)
_DATE = re.compile(
    rf"\b(?P<iso>\d{{4}}-\d\d-\d\d)\b"
    rf"|\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\.? (?:of )?(?P<month>{_MONTH})\.?,? (?P<year>\d{{4}})\b"
    rf"|\b(?P<month2>{_MONTH})\.? (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year2>\d{{4}})\b"
    r"|\b(?P<day3>\d{1,2})\.(?P<month3>\d{1,2})\.(?P<year3>\d{4})\b"
    r"|\b(?P<month4>\d{1,2})/(?P<day4>\d{1,2})/(?P<year4>\d{4})\b",
    re.IGNORECASE,
)
_DAY_PHRASE = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|next (?:week|month|year)"
    r"|(?:(?:next|this|on|last) )?(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    rf"|(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTH}))\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::[0-5]\d)?(?: ?(?P<half>[ap])\.?m\b)?"
    r"|\b(?P<hour2>1[0-2]|[1-9]) ?(?P<half2>[ap])\.?m\b|\bnoon\b|\bmidnight\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.,#])(?<!\w[-/:])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\d]|[-/:]\w|\.\d)")
_CODE = re.compile(
    r"(?<![\w@.-])(?:(?=[\w/-]*\d)(?=[\d_/-]*[A-Za-z])[A-Za-z0-9]+(?:[-_/][A-Za-z0-9]+)*|[A-Z]{2,6})(?![\w@])|#\d+"
)

_SEPARATOR = re.compile(r",|\b(?:and|or)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?;]\s")
_REACH = 8


@dataclass(frozen=True, slots=True)
class Span:
    """Something that the text names: its borders, its text as written, and its value."""

    start: int
    end: int
    text: str
    value: str | float


class Facts:
    """What `text` names. A span that has been taken is not offered again, nor is what overlaps with it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lowered = text.lower()
        self._taken: list[tuple[int, int]] = []

    @property
    def taken(self) -> int:
        """How many spans have been taken; `release` goes back to such a number."""
        return len(self._taken)

    def take(self, span: Span) -> Span:
        """`span`, which is not free any more."""
        self._taken.append((span.start, span.end))
        return span

    def release(self, count: int) -> None:
        """Forget all but the first `count` takings."""
        del self._taken[count:]

    def free(self, spans: list[Span]) -> list[Span]:
        """Those of `spans` that nothing taken overlaps."""
        return [span for span in spans if not _overlaps(span, self._taken)]

    @cached_property
    def words(self) -> list[tuple[int, int, str]]:
        """(start, end, stem) of every word."""
        return [(match.start(), match.end(), stem(match.group())) for match in _WORD.finditer(self.text)]

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all words, stop words too."""
        return frozenset(self._numbers)

    @cached_property
    def quotations(self) -> list[Span]:
        """What stands in quotation marks, without them."""
        return [
            Span(match.start(match.lastindex or 0), match.end(match.lastindex or 0), text, text)
            for match in _QUOTED.finditer(self.text)
            if (text := match.group(match.lastindex or 0).strip())
        ]

    @cached_property
    def emails(self) -> list[Span]:
        """E-mail addresses."""
        return [_span(match) for match in _EMAIL.finditer(self.text)]

    @cached_property
    def urls(self) -> list[Span]:
        """Addresses that begin with http."""
        return [_span(match) for match in _URL.finditer(self.text)]

    @cached_property
    def moments(self) -> list[Span]:
        """Dates with a time, as RFC 3339 writes them."""
        return [_span(match) for match in _MOMENT.finditer(self.text)]

    @cached_property
    def dates(self) -> list[Span]:
        """Dates with a year; the value is YYYY-MM-DD."""
        found = ((match, _iso_date(match)) for match in _DATE.finditer(self.text))
        return [Span(match.start(), match.end(), match.group(), value) for match, value in found if value]

    @cached_property
    def days(self) -> list[Span]:
        """Days without a year, such as "tomorrow" or "next Friday"."""
        return [_span(match) for match in _DAY_PHRASE.finditer(self.text)]

    @cached_property
    def times(self) -> list[Span]:
        """Times of day; the value is HH:MM."""
        return [Span(match.start(), match.end(), match.group(), _clock(match)) for match in _TIME.finditer(self.text)]

    @cached_property
    def codes(self) -> list[Span]:
        """Codes and numbers with letters in them, such as AB-10442 or EUR."""
        others = [(span.start, span.end) for span in [*self.emails, *self.urls, *self.moments, *self.times]]
        return [span for match in _CODE.finditer(self.text) if not _overlaps(span := _span(match), others)]

    @cached_property
    def numbers(self) -> list[Span]:
        """Numbers in digits, then those in words; the value is a number."""
        others = [
            (span.start, span.end)
            for span in [*self.emails, *self.urls, *self.moments, *self.dates, *self.times, *self.codes]
        ]
        digits = [
            Span(match.start(), match.end(), match.group(), float(match.group().replace(",", "")))
            for match in _NUMBER.finditer(self.text)
        ]
        words = [
            Span(start, end, self.text[start:end], float(NUMBER_WORDS[word]))
            for start, end, _ in self.words
            if (word := self.lowered[start:end]) in NUMBER_WORDS
        ]
        return [span for span in digits if not _overlaps(span, others)] + words

    @cached_property
    def names(self) -> list[Span]:
        """Runs of capitalised words, and those of a script without capitals in a text of one that has them.

        A single word that only begins a sentence comes last.
        """
        found = [span for run in self._runs() if (span := self._name(run))]
        return sorted(found, key=lambda span: " " not in span.text and self.begins_sentence(span.start))

    def begins_sentence(self, position: int) -> bool:
        """Whether nothing of its sentence stands before `position`."""
        before = self.text[:position].rstrip(_OPENING + " ([*")
        return not before or before[-1] in ".!?:\n"

    def before(self, span: Span) -> str:
        """The word before `span` in lower case, or ""; what a comma or full stop cuts off does not count."""
        match = re.search(rf"([^\W\d_]+) ?[{_OPENING}(]*$", self.lowered[max(0, span.start - 30) : span.start])
        return match.group(1) if match else ""

    def distance(self, span: Span, stems: frozenset[str]) -> int | None:
        """How many words lie between `span` and the nearest of `stems` in its sentence; after it, one more.

        None if there is none within reach.
        """
        begin, end = bisect_left(self._starts, span.start), bisect_left(self._starts, span.end)
        best: int | None = None
        for found in stems & self._numbers.keys():
            numbers = self._numbers[found]
            before, after = bisect_left(numbers, begin) - 1, bisect_left(numbers, end)
            near = [(begin - numbers[before] - 1, numbers[before])] if before >= 0 else []
            near += [(numbers[after] - end + 1, numbers[after])] if after < len(numbers) else []
            for steps, number in near:
                if steps <= _REACH and (best is None or steps < best) and self._is_joined(span, number):
                    best = steps
        return best

    def _is_joined(self, span: Span, number: int) -> bool:
        """Whether no sentence ends between `span` and the word of this number."""
        start, end, _ = self.words[number]
        return not _SENTENCE_END.search(self.text, min(end, span.end), max(start, span.start))

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _, _ in self.words]

    @cached_property
    def _numbers(self) -> dict[str, list[int]]:
        """The numbers of the words with each stem."""
        numbers: dict[str, list[int]] = {}
        for number, (_, _, found) in enumerate(self.words):
            numbers.setdefault(found, []).append(number)
        return numbers

    def _runs(self) -> Iterator[list[re.Match[str]]]:
        """Yields runs of words that belong to one name."""
        run: list[re.Match[str]] = []
        for match in _WORD.finditer(self.text):
            word = match.group()
            gap = self.text[run[-1].end() : match.start()] if run else ""
            is_next = gap in {" ", "-"} or (gap == ". " and run[-1].group().lower() in TITLES)
            is_state = gap == ", " and len(word) == 2 and word.isupper()
            if run and (is_next or is_state) and (self._is_name(word) or word.lower() in PARTICLES):
                run.append(match)
                continue
            if run:
                yield run
            run = [match] if self._is_name(word) else []
        if run:
            yield run

    def _is_name(self, word: str) -> bool:
        return word[0].isupper() or (self._has_capitals and _is_caseless(word))

    @cached_property
    def _has_capitals(self) -> bool:
        """Whether most words are of a script with capital letters."""
        caseless = sum(_is_caseless(self.text[start:end]) for start, end, _ in self.words)
        return caseless < len(self.words) / 2

    def _name(self, run: list[re.Match[str]]) -> Span | None:
        while run and run[-1].group().lower() in PARTICLES:
            run = run[:-1]
        while run and self.begins_sentence(run[0].start()) and run[0].group().lower() in NO_NAMES:
            run = run[1:]
        if not run or all(match.group().isupper() or match.group().lower() in NO_NAMES for match in run):
            return None
        text = self.text[run[0].start() : run[-1].end()]
        return Span(run[0].start(), run[-1].end(), text, text)


def _is_caseless(word: str) -> bool:
    return word[0].isalpha() and word[0].lower() == word[0].upper()


def _span(match: re.Match[str]) -> Span:
    return Span(match.start(), match.end(), match.group(), match.group())


def _overlaps(span: Span, borders: list[tuple[int, int]]) -> bool:
    return any(span.start < end and start < span.end for start, end in borders)


def _iso_date(match: re.Match[str]) -> str:
    groups = {name.rstrip("234"): text for name, text in match.groupdict().items() if text}
    try:
        if "iso" in groups:
            return dt.date.fromisoformat(groups["iso"]).isoformat()
        month = groups["month"]
        number = (
            int(month)
            if month.isdigit()
            else next(i for i, name in enumerate(MONTHS, 1) if name.startswith(month[:3].lower()))
        )
        day = int(groups["day"])
        if number > 12:
            number, day = day, number
        return dt.date(int(groups["year"]), number, day).isoformat()
    except ValueError:
        return ""


def _clock(match: re.Match[str]) -> str:
    text = match.group().lower()
    if text in {"noon", "midnight"}:
        return "12:00" if text == "noon" else "00:00"
    hour = int(match.group("hour") or match.group("hour2"))
    half = (match.group("half") or match.group("half2") or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return f"{hour:02d}:{match.group('minute') or '00'}"
