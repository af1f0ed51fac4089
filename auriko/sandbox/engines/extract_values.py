"""Values for single properties, taken from a text: numbers, truth values, choices and strings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from auriko.sandbox.engines.extract_synonyms import synonyms
from auriko.sandbox.engines.extract_text import STOPWORDS, stem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auriko.sandbox.engines.extract_facts import Facts, Span
    from auriko.sandbox.engines.extract_slots import Slot

_REACH = 4
"""How many words may lie between a value and the word that says what it is."""

_NEGATIONS = frozenset(
    stem(word)
    for word in "not no never without off isn't wasn't hasn't haven't don't doesn't aren't disable false neither nor".split()
)
_OPPOSITES = {
    "on": "off",
    "off": "on",
    "open": "closed",
    "closed": "open",
    "enabled": "disabled",
    "active": "inactive",
    "true": "false",
    "available": "sold",
}
_POSITIVE = frozenset(
    stem(word)
    for word in "good great love loved excellent amazing happy perfect wonderful best fantastic nice enjoy enjoyed recommend fast helpful clean delicious comfortable friendly brilliant superb pleased delightful awesome like".split()
)
_NEGATIVE = frozenset(
    stem(word)
    for word in "bad terrible awful hate hated poor worst broken broke slow died never disappointing disappointed horrible dirty rude useless refund angry fail failed problem noisy boring waste cold unhappy wrong".split()
)
_LANGUAGES = re.compile(
    r"\b(?:English|Spanish|French|German|Italian|Portuguese|Dutch|Norwegian|Swedish|Danish|Finnish|Polish|Czech|Hungarian|Greek|Turkish"
    r"|Russian|Ukrainian|Arabic|Hebrew|Hindi|Chinese|Mandarin|Japanese|Korean|Vietnamese|Thai|Indonesian|Latin|Romanian|Bulgarian)\b",
    re.IGNORECASE,
)
_EXPRESSION = re.compile(r"[\d(][\d\s.,+*/^()×÷-]*[+*/^×÷-][\d\s.,+*/^()×÷-]*[\d)]")  # noqa: RUF001
_PLACED = frozenset("in at near of for from to around".split())
_PERSONAL = frozenset("by with to for customer mr mrs dr from call tell ask invite and".split())
_SAYS = re.compile(r"(?:\bsaying\b|\bthat says\b|\bsay\b|\bthat\b|:)\s+(.+)$", re.DOTALL)
_COURTESY = re.compile(
    r"^(?:(?:please|kindly|hey|hi|hello|can you|could you|would you|will you|i want to|i want you to|i'd like to|i would like to|let's)[\s,]+)+",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"^(?:search|look|find|google|show|tell|give|get|fetch|remind|play|translate|send|explain|ask|check|query|lookup|use|say|write)\b"
    r"(?: (?:me|us|him|her|them))?(?: (?:up|out))?(?: (?:on|in )?the (?:web|internet|net|docs|documents|documentation|database|knowledge base))?"
    r"(?: (?:for|about|to|that|on))?\s+",
    re.IGNORECASE,
)
_LINK = re.compile(r"\s*(?:(?:is|are|was|of|to|as|named|called|titled|should be|=|:)\s*)*")


def pick_number(slot: Slot, facts: Facts, accepts: Callable[[float], bool], *, is_required: bool) -> float | None:
    """The number that stands nearest to the words of `slot`; if it is required, any acceptable one."""
    free = [span for span in facts.free(facts.numbers) if isinstance(span.value, float) and accepts(span.value)]
    if slot.name.lower() == "year":
        free = [span for span in free if isinstance(span.value, float) and 1000 <= span.value < 3000]
    span = _nearest(slot, facts, free)
    if span is None and is_required and free:
        span = free[0]
    return float(facts.take(span).value) if span else None


def pick_boolean(slot: Slot, facts: Facts) -> bool | None:
    """Whether the text affirms or denies what `slot` names, or None if it does not speak of it."""
    words = [facts.lowered[start:end] for start, end, _ in facts.words]
    for own in re.findall(r"[a-z]+", slot.name.lower()):
        opposite = _OPPOSITES.get(own, "")
        if opposite in words:
            return False
        if {f"un{own}", f"in{own}", f"dis{own}", f"non{own}"} & set(words):
            return False
    cues = slot.own - {"is", "has"} or slot.own
    for wanted in (cues, slot.cues):
        for position, (_, _, found) in enumerate(facts.words):
            if found in wanted:
                around = [near for _, _, near in facts.words[max(0, position - 3) : position + 3]]
                return not _NEGATIONS.intersection(around)
    return None


def pick_choice(facts: Facts, choices: Sequence[Any], *, is_required: bool) -> Any | None:
    """The one of `choices` that the text names, or None; if it is required, also one that it only means."""
    scored = [(_choice_score(choice, facts), -number) for number, choice in enumerate(choices)]
    best = max(scored, default=(0.0, 0))
    if best[0] > (0 if is_required else 1):
        return choices[-best[1]]
    by_word = {choice.lower(): choice for choice in choices if isinstance(choice, str)}
    if {"positive", "negative"} <= by_word.keys():
        return by_word[_sentiment(facts, has_neutral="neutral" in by_word)]
    return None


def pick_choices(facts: Facts, choices: Sequence[Any]) -> list[Any]:
    """All of `choices` that the text names."""
    return [choice for choice in choices if _choice_score(choice, facts) >= 2]


def pick_string(slot: Slot, facts: Facts, *, is_required: bool) -> str | None:
    """The text of the kind that `slot` asks for, or None if the text has none."""
    match slot.kind:
        case "email":
            return _take(facts, _nearest(slot, facts, facts.emails) or _first(facts, facts.emails))
        case "url":
            return _take(facts, _nearest(slot, facts, facts.urls) or _first(facts, facts.urls))
        case "date" | "moment" | "time":
            return _pick_when(slot, facts)
        case "language":
            found = _LANGUAGES.search(facts.text)
            return found.group() if found else None
        case "code":
            return _pick_code(slot, facts, is_required=is_required)
        case "expression":
            found = _EXPRESSION.search(facts.text)
            return found.group().strip() if found else None
        case "place" | "person":
            return _pick_name(slot, facts, is_required=is_required)
        case "query":
            return request_body(facts) if is_required else _labelled(slot, facts)
        case _:
            return _pick_text(slot, facts, is_required=is_required)


def request_body(facts: Facts) -> str:
    """What a request is about: its quotation if it has one, else the request without courtesies and the command itself."""
    text = _COURTESY.sub("", facts.text.strip())
    if text.endswith("?"):
        return text
    quotations = facts.free(facts.quotations)
    if len(quotations) == 1:
        return facts.take(quotations[0]).text
    return _COMMAND.sub("", text, count=1).rstrip(" .!") or text


def _nearest(slot: Slot, facts: Facts, spans: list[Span]) -> Span | None:
    """The span closest to a word of `slot`: first by its own words, then by those that mean the same, then by the description's."""
    free = facts.free(spans)
    for stems in (slot.own, slot.cues, slot.hints):
        near = [
            (distance, number)
            for number, span in enumerate(free)
            if (distance := facts.distance(span, stems)) is not None
        ]
        if near and min(near)[0] < _REACH:
            return free[min(near)[1]]
    return None


def _first(facts: Facts, spans: list[Span]) -> Span | None:
    return next(iter(facts.free(spans)), None)


def _take(facts: Facts, span: Span | None) -> str | None:
    return str(facts.take(span).value) if span else None


def _pick_when(slot: Slot, facts: Facts) -> str | None:
    if slot.kind == "moment":
        return _take(facts, _nearest(slot, facts, facts.moments) or _first(facts, facts.moments))
    spans = facts.dates if slot.kind == "date" else facts.times
    span = _nearest(slot, facts, spans) or _first(facts, spans)
    if span is None and slot.kind == "date":
        span = _first(facts, facts.days)
    return _take(facts, span)


def _pick_code(slot: Slot, facts: Facts, *, is_required: bool) -> str | None:
    free = facts.free(facts.codes)
    if slot.direction:
        free.sort(key=lambda span: -_direction_score(slot, facts.before(span)))
        return _take(facts, free[0]) if free else None
    span = _nearest(slot, facts, free) or (free[0] if free and is_required else None)
    if span is None:
        span = _nearest(slot, facts, facts.numbers) or (_first(facts, facts.numbers) if is_required else None)
    return facts.take(span).text.lstrip("#") if span else None


def _direction_score(slot: Slot, before: str) -> int:
    if before in {"from", "to", "into"}:
        return 3 if (before == "from") == (slot.direction == "from") else -3
    return 0


def _pick_name(slot: Slot, facts: Facts, *, is_required: bool) -> str | None:
    scored = [(_name_score(slot, facts, span), -number, span) for number, span in enumerate(facts.free(facts.names))]
    if scored:
        score, _, span = max(scored, key=lambda entry: entry[:2])
        if score >= (0 if is_required else 1) or (is_required and slot.kind == "place" and len(scored) == 1):
            return _take(facts, span)
    if slot.kind == "person" and (span := _nearest(slot, facts, facts.quotations)):
        return _take(facts, span)
    if (
        is_required
        and slot.kind == "place"
        and (found := re.search(r"\b(?:in|at|for|near|from|to|of) (?:the )?([a-z][\w-]+)", facts.text))
    ):
        return None if found.group(1) in STOPWORDS else found.group(1)
    return _labelled(slot, facts)


def _name_score(slot: Slot, facts: Facts, span: Span) -> float:
    before = facts.before(span)
    score = 1.0 if " " in span.text else 0.0
    if (distance := facts.distance(span, slot.cues)) is not None and distance < _REACH:
        score += 3 / (1 + distance)
    if _LANGUAGES.fullmatch(span.text):
        score -= 3
    if slot.direction:
        score += _direction_score(slot, before)
    if slot.kind == "place":
        return (
            score
            + (2 if before in _PLACED else 0)
            - (2 if before in _PERSONAL - _PLACED or re.match(r"'s| (?:is|was|has)\b", facts.text[span.end :]) else 0)
        )
    return score + (2 if before in _PERSONAL else 0) - (2 if before in _PLACED - _PERSONAL else 0)


def _pick_text(slot: Slot, facts: Facts, *, is_required: bool) -> str | None:
    if span := _nearest(slot, facts, facts.quotations):
        return _take(facts, span)
    if slot.kind == "text":
        if is_required and (span := _first(facts, facts.quotations)):
            return _take(facts, span)
        if is_required and (found := _SAYS.search(facts.text)):
            return found.group(1).strip().rstrip(".")
        return None
    if slot.kind == "title" and (span := _first(facts, facts.quotations)):
        return _take(facts, span)
    if found := _labelled(slot, facts):
        return found
    span = _first(facts, facts.quotations) or _first(facts, facts.names)
    return _take(facts, span) if is_required else None


def _labelled(slot: Slot, facts: Facts) -> str | None:
    """The words after one of the slot's own words, as in "colour: dark red"."""
    for _, end, found in facts.words:
        if found not in slot.own:
            continue
        link = _LINK.match(facts.text, end)
        words: list[str] = []
        for token in facts.text[link.end() if link else end :].split()[:4]:
            bare = token.strip("\"'“”,;:.!?()")
            if not bare or bare.lower() in STOPWORDS:
                break
            words.append(bare)
            if token[-1] in ",;:.!?)":
                break
        if words:
            return " ".join(words)
    return None


def _choice_score(choice: Any, facts: Facts) -> float:
    if isinstance(choice, bool) or choice is None:
        return 0
    if isinstance(choice, (int, float)):
        return 3 if any(span.value == choice for span in facts.numbers) else 0
    phrase = str(choice).lower().replace("_", " ").strip()
    if re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", facts.lowered):
        return 1.5 if phrase in STOPWORDS else 3 + len(phrase) / 100
    found = {stem(word) for word in phrase.split() if word not in STOPWORDS}
    if found and found <= facts.stems:
        return 2
    return 1 if any(synonyms(word) & facts.stems for word in found) else 0


def _sentiment(facts: Facts, *, has_neutral: bool) -> str:
    score = 0
    for number, (_, _, found) in enumerate(facts.words):
        value = (found in _POSITIVE) - (found in _NEGATIVE)
        negated = any(near in _NEGATIONS for _, _, near in facts.words[max(0, number - 2) : number])
        score += -value if negated and value > 0 else value
    if score == 0 and has_neutral:
        return "neutral"
    return "positive" if score >= 0 else "negative"
