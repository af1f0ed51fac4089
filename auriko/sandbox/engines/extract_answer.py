"""The sentences of a context that answer a question, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from auriko.sandbox.engines.extract_bm25 import BM25
from auriko.sandbox.engines.extract_questions import Concept, Question, analyse
from auriko.sandbox.engines.extract_text import Unit, stem, terms, tokens, units

UNKNOWN = "I don't know: the context does not say."
"""The answer when nothing in the context covers enough of the question."""

THRESHOLD = 0.45
"""The share of the question, weighted by how telling each word is, that an answer must cover."""

_SYNONYM = 0.8
_NEARBY = 0.5
_IN_HEADING = 0.7
_FITS_KIND = 0.25
_FITS_COLUMN = 0.1
_COMMON = 0.3
_ABSENT = 1.2
_COUNT = 0.5
_KIND = 0.3
_NAMED = 2.0
_AS_GOOD = 0.88
_LONG = 200
_BM25 = 0.15


@dataclass(frozen=True, slots=True)
class Answer:
    """Text taken from the context, and the share of the question that it covers (0 to 1)."""

    text: str
    coverage: float


Finder: TypeAlias = "Callable[[str, str], Answer | None]"
"""Finds the answer to a question (first argument) in a context (second)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that may answer: its number, the share of the question it covers, and its rank among the others."""

    number: int
    coverage: float
    score: float


def find_answer(question: str, context: str) -> Answer | None:
    """The best sentence of `context` for `question`; None if nothing in it fits well enough."""
    pieces = units(context)
    ranked = rank(analyse(question), pieces)
    if not ranked:
        return None
    return shown(pieces, ranked)


def shown(pieces: Sequence[Unit], ranked: Sequence[Candidate]) -> Answer:
    """The best candidate as an answer, with the second if that is short and about as good."""
    best, *others = sorted(ranked, key=lambda candidate: -candidate.score)
    numbers = [best.number]
    if others and others[0].score >= _AS_GOOD * best.score and len(pieces[others[0].number].text) < _LONG:
        numbers.append(others[0].number)
    return Answer(" ".join(_closed(pieces[number].text) for number in sorted(numbers)), best.coverage)


def _closed(text: str) -> str:
    return text if text[-1] in ".!?:;…" else f"{text}."


def rank(asked: Question, pieces: Sequence[Unit], threshold: float = THRESHOLD) -> list[Candidate]:
    """The units that cover at least `threshold` of the question, in the order of the text."""
    if not pieces or not asked.concepts:
        return []
    words = [terms(piece.text) for piece in pieces]
    index = BM25(words)
    headings = {piece.heading: frozenset(terms(piece.heading)) for piece in pieces}
    own = [[_strength(concept, found) for concept in asked.concepts] for found in map(frozenset, words)]
    weights = [
        _weight(index, concept, sum(1 for strengths in own if strengths[position]))
        * (_NAMED if concept.term in asked.names else 1)
        for position, concept in enumerate(asked.concepts)
    ]
    total = sum(weights) + (_COUNT if asked.counted else 0) + (_KIND if asked.is_strict else 0)
    bm25 = index.scores(_query(asked))
    top = max(bm25) or 1.0
    found: list[Candidate] = []
    for number, piece in enumerate(pieces):
        if not any(own[number]) or (asked.is_strict and asked.sign and not asked.sign.search(piece.text)):
            continue
        strengths = _with_surroundings(number, pieces, own, asked, headings[piece.heading])
        if any(
            strength == 0 and concept.term in asked.names
            for concept, strength in zip(asked.concepts, strengths, strict=True)
        ):
            continue
        covered = sum(weight * strength for weight, strength in zip(weights, strengths, strict=True))
        covered += _COUNT if _counts(piece.text, asked) else 0
        coverage = (covered + (_KIND if asked.is_strict else 0)) / total
        if coverage >= threshold and (asked.is_strict or _is_anchored(asked, strengths)):
            score = coverage + _BM25 * bm25[number] / top + _kind_bonus(asked, piece.text)
            found.append(Candidate(number, coverage, score))
    return found


def _strength(concept: Concept, words: frozenset[str]) -> float:
    """How well some words have a concept: as it is, by another word for it, or not."""
    if concept.term in words:
        return 1.0
    return 0.0 if concept.others.isdisjoint(words) else _SYNONYM


def _is_anchored(asked: Question, strengths: Sequence[float]) -> bool:
    """Whether something that the question is about is there in its own words."""
    return any(
        strength == 1 or (strength == _IN_HEADING and concept.weight >= 1)
        for concept, strength in zip(asked.concepts, strengths, strict=True)
    )


def _query(asked: Question) -> dict[str, float]:
    """The weighted terms of a question, with other words for them."""
    others = {other: concept.weight * _SYNONYM for concept in asked.concepts for other in concept.others}
    return {**others, **{concept.term: concept.weight for concept in asked.concepts}}


def _weight(index: BM25, concept: Concept, frequency: int) -> float:
    if not frequency:
        return _ABSENT * concept.weight if concept.weight >= 1 else concept.weight
    return concept.weight * (_COMMON + (1 - _COMMON) * index.idf(frequency) / index.idf(0))


def _with_surroundings(
    number: int, pieces: Sequence[Unit], own: Sequence[Sequence[float]], asked: Question, heading: frozenset[str]
) -> list[float]:
    """How well a unit has each concept, when its heading and the sentences beside it count for a part."""
    strengths = list(own[number])
    paragraph = pieces[number].paragraph
    for other in (number - 1, number + 1):
        if paragraph is not None and 0 <= other < len(pieces) and pieces[other].paragraph == paragraph:
            nearby = (_NEARBY if there == 1 else 0.0 for there in own[other])
            strengths = [max(here, there) for here, there in zip(strengths, nearby, strict=True)]
    return [
        max(strength, _IN_HEADING) if concept.term in heading else strength
        for concept, strength in zip(asked.concepts, strengths, strict=True)
    ]


def _kind_bonus(asked: Question, text: str) -> float:
    bonus = _FITS_KIND if asked.sign and asked.sign.search(text) else 0.0
    return bonus + (_FITS_COLUMN if asked.column and asked.column.search(text) else 0.0)


def _counts(text: str, asked: Question) -> bool:
    """Whether a number stands beside the thing that is asked to be counted."""
    if not asked.counted:
        return False
    found = [stem(token) for token in tokens(text)]
    return any(
        asked.counted in found[position + 1 : position + 3]
        for position, token in enumerate(found)
        if asked.sign and asked.sign.search(token)
    )
