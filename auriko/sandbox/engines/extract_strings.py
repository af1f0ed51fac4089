"""Strings for single properties, taken from a text: names, codes, dates, titles, the subject of a request."""

from __future__ import annotations

import re

from auriko.sandbox.engines.extract_facts import Facts, Span
from auriko.sandbox.engines.extract_labels import clause, labelled, quoted
from auriko.sandbox.engines.extract_slots import Slot
from auriko.sandbox.engines.extract_values import REACH, nearest
from auriko.sandbox.engines.extract_words import STOPWORDS, word_set

_LANGUAGES = re.compile(
    r"\b(?:English|Spanish|French|German|Italian|Portuguese|Dutch|Norwegian|Swedish|Danish|Finnish|Polish|Czech|Greek"
    r"|Hungarian|Turkish|Russian|Ukrainian|Arabic|Hebrew|Hindi|Chinese|Mandarin|Japanese|Korean|Vietnamese|Thai|Latin"
    r"|Indonesian|Romanian|Bulgarian)\b",
    re.IGNORECASE,
)
_OPERATORS = r"+*/^×÷-"  # noqa: RUF001 (people write them)
_EXPRESSION = re.compile(rf"[\d(][\d\s.,(){_OPERATORS}]*[{_OPERATORS}][\d\s.,(){_OPERATORS}]*[\d)]")
_PLACED = word_set("in at near of for from to around")
_PERSONAL = word_set("by with to for customer mr mrs dr from call tell ask invite and")
_INTRODUCES = word_set("is am named called name")
_BELONGS = word_set("from at of with by for")
_COMPANY = re.compile(r"\b(?:Inc|Ltd|LLC|GmbH|Corp|Corporation|AG|PLC|Co|Company|Group|Bank|University)\b")
_SAYS = re.compile(r"(?:\bsaying\b|\bthat says\b|\bsay\b|\bthat\b|:)\s+(.+)$", re.DOTALL)
_COURTESY = re.compile(
    r"^(?:(?:please|kindly|hey|hi|hello|(?:can|could|would|will) you|i want (?:you )?to|i(?:'d| would) like to|let's)"
    r"[\s,]+)+",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"^(?:search|look|find|google|show|tell|give|get|fetch|remind|play|translate|send|explain|ask|check|query|lookup|use"
    r"|say|write)\b(?: (?:me|us|him|her|them))?(?: (?:up|out))?"
    r"(?: (?:(?:on|in) )?the (?:web|internet|net|docs|documents|documentation|database|knowledge base))?"
    r"(?: (?:for|about|to|that|on))?\s+",
    re.IGNORECASE,
)
_PLACE_AFTER = re.compile(r"\b(?:in|at|for|near|from|to|of) (?:the )?([a-z][\w-]+)")
_OWNED = re.compile(r"'s| (?:is|was|has)\b")


# Words before a name that speak for and against its being of a kind.
_NEIGHBOURS = {
    "place": (_PLACED, _PERSONAL - _PLACED),
    "person": (_PERSONAL | _INTRODUCES, _PLACED - _PERSONAL),
    "organization": (_BELONGS, _INTRODUCES | word_set("mr mrs ms dr")),
}


def pick_string(slot: Slot, facts: Facts, *, is_required: bool) -> str | None:
    """The text of the kind that `slot` asks for, or None if the text has none."""
    match slot.kind:
        case "email":
            return _take(facts, nearest(slot, facts, facts.emails) or _first(facts, facts.emails))
        case "url":
            return _take(facts, nearest(slot, facts, facts.urls) or _first(facts, facts.urls))
        case "date" | "moment" | "time":
            return _pick_when(slot, facts)
        case "language" | "expression":
            found = (_LANGUAGES if slot.kind == "language" else _EXPRESSION).search(facts.text)
            return found.group().strip() if found else None
        case "code":
            return _pick_code(slot, facts, is_required=is_required)
        case "place" | "person" | "organization":
            return _pick_name(slot, facts, is_required=is_required)
        case "query":
            return request_body(facts) if is_required else labelled(slot, facts, is_required=False)
        case _:
            return _pick_text(slot, facts, is_required=is_required)


def request_body(facts: Facts) -> str:
    """What a request is about: its one quotation, else the request without its courtesies and its command."""
    text = _COURTESY.sub("", facts.text.strip())
    if text.endswith("?"):
        return text
    quotations = facts.free(facts.quotations)
    if len(quotations) == 1:
        return facts.take(quotations[0]).text
    return _COMMAND.sub("", text, count=1).rstrip(" .!") or text


def _first(facts: Facts, spans: list[Span]) -> Span | None:
    return next(iter(facts.free(spans)), None)


def _take(facts: Facts, span: Span | None) -> str | None:
    return str(facts.take(span).value) if span else None


def _pick_when(slot: Slot, facts: Facts) -> str | None:
    if slot.kind == "moment":
        return _take(facts, nearest(slot, facts, facts.moments) or _first(facts, facts.moments))
    spans = facts.dates if slot.kind == "date" else facts.times
    span = nearest(slot, facts, spans) or _first(facts, spans)
    if span is None and slot.kind == "date":
        span = _first(facts, facts.days)
    return _take(facts, span)


def _pick_code(slot: Slot, facts: Facts, *, is_required: bool) -> str | None:
    free = facts.free(facts.codes)
    if slot.direction:
        free.sort(key=lambda span: -_direction_score(slot, facts.before(span)))
        return _take(facts, free[0]) if free else None
    span = nearest(slot, facts, free) or (free[0] if free and is_required else None)
    if span is None:
        span = nearest(slot, facts, facts.numbers) or (_first(facts, facts.numbers) if is_required else None)
    return facts.take(span).text.lstrip("#") if span else None


def _direction_score(slot: Slot, before: str) -> int:
    if before in {"from", "to", "into"}:
        return 3 if (before == "from") == (slot.direction == "from") else -3
    return 0


def _pick_name(slot: Slot, facts: Facts, *, is_required: bool) -> str | None:
    if span := quoted(slot, facts):
        return _take(facts, span)
    scored = [(_name_score(slot, facts, span), -number, span) for number, span in enumerate(facts.free(facts.names))]
    if scored:
        score, _, best = max(scored, key=lambda entry: entry[:2])
        if score >= (0 if is_required else 1) or (is_required and slot.kind == "place" and len(scored) == 1):
            return _take(facts, best)
    if slot.kind == "person" and (span := nearest(slot, facts, facts.quotations)):
        return _take(facts, span)
    found = _PLACE_AFTER.search(facts.text) if is_required and slot.kind == "place" else None
    if found and found.group(1) not in STOPWORDS:
        return found.group(1)
    return labelled(slot, facts, is_required=is_required)


def _name_score(slot: Slot, facts: Facts, span: Span) -> float:
    before = facts.before(span)
    score = 1.0 if " " in span.text else 0.0
    if (distance := facts.distance(span, slot.cues)) is not None and distance < REACH:
        score += 3 / (1 + distance)
    if _LANGUAGES.fullmatch(span.text):
        score -= 3
    if slot.direction:
        score += _direction_score(slot, before)
    likely, unlikely = _NEIGHBOURS[slot.kind]
    if slot.kind != "place" and _COMPANY.search(span.text):
        score += 2 if slot.kind == "organization" else -2
    if before in unlikely or (slot.kind == "place" and _OWNED.match(facts.text, span.end)):
        score -= 2
    return score + (2 if before in likely else 0)


def _pick_text(slot: Slot, facts: Facts, *, is_required: bool) -> str | None:
    if span := nearest(slot, facts, facts.quotations):
        return _take(facts, span)
    if slot.kind == "text":
        if text := clause(slot, facts):
            return text
        if is_required and (span := _first(facts, facts.quotations)):
            return _take(facts, span)
        said = _SAYS.search(facts.text) if is_required else None
        return said.group(1).strip().rstrip(".") if said else None
    if slot.kind == "title" and (span := _first(facts, facts.quotations)):
        return _take(facts, span)
    if text := labelled(slot, facts, is_required=is_required):
        return text
    return _take(facts, _first(facts, facts.quotations) or _first(facts, facts.names)) if is_required else None
