"""Lists within a text: names joined by "and", keywords, and the clauses that each tell of one thing."""

from __future__ import annotations

import re
from collections import Counter

from auriko.sandbox.engines.extract_facts import Facts, Span
from auriko.sandbox.engines.extract_slots import Slot
from auriko.sandbox.engines.extract_text import stem_set, terms

_JOINT = re.compile(r",? (?:and|or) |, |; | & ")
_ITEM = r"(?:[\w'\u2019-]+ ){0,2}[\w'\u2019-]+"
_SERIES = re.compile(rf"(?<![\w'\u2019-])({_ITEM})((?:, {_ITEM})*),? (?:and|or|&) ({_ITEM})")
_CLAUSE = re.compile(r"[;\n]+\s*|(?<=[.!?])\s+|,? (?:and )?then |, (?:and )?| and ")
_KEYWORDS = stem_set("topic tag keyword theme category subject label aspect")
_KEYWORD_COUNT = 4


def clauses(text: str) -> list[str]:
    """The clauses of `text`, each without the words that join it to the others."""
    found = (
        re.sub(r"^(?:first|second|third|next|finally|then|and|also),? ", "", part.strip(), flags=re.IGNORECASE)
        for part in _CLAUSE.split(text)
    )
    return [part.strip(" .") for part in found if part.strip(" .")]


def pick_list(slot: Slot, facts: Facts, *, has_format: bool = False) -> list[str]:
    """The texts that `slot` lists, or none; where they have to have a format, only what is known to have it."""
    of_kind = {
        "email": facts.emails,
        "url": facts.urls,
        "date": facts.dates,
        "moment": facts.moments,
        "time": facts.times,
    }
    if has_format or slot.kind in {"email", "url"}:
        return [str(span.value) for span in facts.free(of_kind.get(slot.kind, []))]
    if slot.own & _KEYWORDS:
        return _keywords(facts)
    for spans in (facts.quotations, facts.names, facts.codes):
        if joined := _joined(slot, facts, facts.free(spans)):
            return [facts.take(span).text for span in joined]
    if match := _SERIES.search(facts.text):
        middle = [part.strip() for part in match.group(2).split(",") if part.strip()]
        return [_last_words(match.group(1)), *middle, _first_words(match.group(3))]
    return []


def _joined(slot: Slot, facts: Facts, spans: list[Span]) -> list[Span]:
    """The longest run of spans that only commas and "and" join; a single one if it stands beside the slot's words."""
    spans = sorted(spans, key=lambda span: span.start)
    runs: list[list[Span]] = []
    for span in spans:
        gap = facts.text[runs[-1][-1].end : span.start].strip("\"'“”") if runs else ""
        if runs and _JOINT.fullmatch(gap):
            runs[-1].append(span)
        else:
            runs.append([span])
    none: list[Span] = []
    best = max(runs, key=len, default=none)
    if len(best) > 1 or not best:
        return best
    near = [run for run in runs if (distance := facts.distance(run[0], slot.cues)) is not None and distance < 3]
    return near[0] if near else (best if slot.kind in {"person", "organization", "place"} else [])


def _keywords(facts: Facts) -> list[str]:
    """The words of the text that it uses most and that are longest."""
    written = {found: facts.lowered[start:end] for start, end, found in reversed(facts.words)}
    counts = Counter(term for term in terms(facts.text) if term in written and len(term) > 3)
    ranked = sorted(counts, key=lambda term: (-counts[term], -len(term)))
    return [written[term] for term in ranked[:_KEYWORD_COUNT]]


def _last_words(text: str) -> str:
    """The last word of the text before a series: the words before it belong to the sentence."""
    return text.rsplit(" ", 1)[-1]


def _first_words(text: str) -> str:
    return re.split(r" (?:in|on|at|for|to|with|from|by|please|the|a|is|are)\b", text)[0]
