"""Values for single properties, taken from a text: numbers, truth values and choices."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from auriko.sandbox.engines.extract_facts import Facts, Span
from auriko.sandbox.engines.extract_slots import Slot
from auriko.sandbox.engines.extract_synonyms import synonyms
from auriko.sandbox.engines.extract_text import stem, stem_set
from auriko.sandbox.engines.extract_words import STOPWORDS

REACH = 4
"""How many words may lie between a value and the word that says what it is."""

_NEGATIONS = stem_set(
    "not no never without off isn't wasn't hasn't haven't don't doesn't aren't disable false neither nor"
)
_OPPOSITES = {
    "on": "off", "off": "on", "open": "closed", "closed": "open", "enabled": "disabled", "active": "inactive",
    "true": "false",
}  # fmt: skip
_POSITIVE = stem_set(
    """good great love loved excellent amazing happy perfect wonderful best fantastic nice enjoy enjoyed recommend fast
    helpful clean delicious comfortable friendly brilliant superb pleased delightful awesome like"""
)
_NEGATIVE = stem_set(
    """bad terrible awful hate hated poor worst broken slow died never disappointing disappointed horrible dirty rude
    useless refund angry fail failed problem noisy boring waste cold unhappy wrong"""
)


def pick_number(slot: Slot, facts: Facts, accepts: Callable[[float], bool], *, is_required: bool) -> float | None:
    """The number that stands nearest to the words of `slot`; if it is required, any acceptable one."""
    free = [span for span in facts.free(facts.numbers) if isinstance(span.value, float) and accepts(span.value)]
    if slot.name.lower() == "year":
        free = [span for span in free if isinstance(span.value, float) and 1000 <= span.value < 3000]
    span = nearest(slot, facts, free)
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


def nearest(slot: Slot, facts: Facts, spans: list[Span]) -> Span | None:
    """The span closest to a word of `slot`: of its name, else one that means the same, else of its description."""
    free = facts.free(spans)
    for stems in (slot.own, slot.cues, slot.hints):
        near = [
            (distance, _mean_distance(span, stems, facts), number)
            for number, span in enumerate(free)
            if (distance := facts.distance(span, stems)) is not None
        ]
        within = [(mean, distance, number) for distance, mean, number in near if distance < REACH]
        if within:
            return free[min(within)[2]]
    return None


def _mean_distance(span: Span, stems: frozenset[str], facts: Facts) -> float:
    """How far the words are on average: of "2000 input tokens and 500 output tokens", each number has its own."""
    distances = [facts.distance(span, frozenset({found})) for found in stems]
    return sum(2 * REACH if distance is None else min(distance, 2 * REACH) for distance in distances) / len(distances)


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
