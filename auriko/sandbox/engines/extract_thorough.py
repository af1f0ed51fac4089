"""A second, slower search for the answer: over windows of sentences, with near spellings, proximity and feedback.

It looks at the same units as `extract_answer` and keeps its rules about when to refuse. What it adds is evidence for
the order: how close together a unit, or a window around it, has the words of the question; which of its words are only
spelt alike; and how much it shares with the units that did best in the first pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from auriko.sandbox.engines.extract_answer import THRESHOLD, Answer, Candidate, rank, shown
from auriko.sandbox.engines.extract_questions import Question, analyse
from auriko.sandbox.engines.extract_text import Unit, terms, units

_WIDEST = 3
_ALIKE = 0.5
_SOFT, _CLOSE, _FEEDBACK = 0.15, 0.1, 0.1
_SEEDS, _EXPANSIONS = 3, 8


def find_answer_thoroughly(question: str, context: str) -> Answer | None:
    """The best sentence of `context` for `question`, or two; None if nothing in it fits well enough."""
    pieces = units(context)
    asked = analyse(question)
    candidates = rank(asked, pieces, threshold=0.0)
    if not any(candidate.coverage >= THRESHOLD for candidate in candidates):
        return None
    words = [terms(f"{piece.heading} {piece.text}") for piece in pieces]
    expansions = _expansions(asked, words, candidates)
    rescored = [
        replace(candidate, score=candidate.score + _evidence(asked, pieces, words, expansions, candidate.number))
        for candidate in candidates
    ]
    return shown(pieces, [candidate for candidate in rescored if candidate.coverage >= THRESHOLD])


def _evidence(
    asked: Question, pieces: Sequence[Unit], words: Sequence[Sequence[str]], expansions: frozenset[str], number: int
) -> float:
    windows = list(_windows(pieces, words, number))
    soft = max(_soft_coverage(asked, window) for window in windows)
    close = max(_closeness(asked, window) for window in windows)
    own = set(words[number])
    feedback = len(expansions & own) / len(expansions) if expansions else 0.0
    return _SOFT * soft + _CLOSE * close + _FEEDBACK * feedback


def _windows(pieces: Sequence[Unit], words: Sequence[Sequence[str]], number: int) -> list[list[str]]:
    """The terms of every run of up to three sentences of one paragraph that has the unit in it."""
    paragraph = pieces[number].paragraph
    borders = [
        (begin, end)
        for begin in range(max(0, number - _WIDEST + 1), number + 1)
        for end in range(number + 1, min(len(pieces), begin + _WIDEST) + 1)
        if paragraph is not None and all(piece.paragraph == paragraph for piece in pieces[begin:end])
    ]
    return [list(words[number]), *([word for own in words[begin:end] for word in own] for begin, end in borders)]


def _soft_coverage(asked: Question, window: Sequence[str]) -> float:
    """The share of the question's terms that the window has, in the same or a similar spelling."""
    total = sum(concept.weight for concept in asked.concepts)
    return sum(concept.weight * _best_match(concept.term, concept.others, window) for concept in asked.concepts) / total


def _best_match(term: str, others: frozenset[str], window: Sequence[str]) -> float:
    best = 0.0
    for word in window:
        if word == term:
            return 1.0
        best = max(best, 0.8 if word in others else _likeness(term, word))
    return best


@lru_cache(maxsize=50_000)
def _likeness(one: str, other: str) -> float:
    """How much of their groups of three letters two words share (0 to 1); 0 below a half."""
    first, second = _grams(one), _grams(other)
    shared = len(first & second) / len(first | second)
    return shared if shared >= _ALIKE else 0.0


@lru_cache(maxsize=20_000)
def _grams(word: str) -> frozenset[str]:
    padded = f"  {word} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _closeness(asked: Question, window: Sequence[str]) -> float:
    """1 if the question's terms stand side by side, less the farther apart they are; 0 with fewer than two of them."""
    accepted = {
        term: number for number, concept in enumerate(asked.concepts) for term in (concept.term, *concept.others)
    }
    hits = [(position, accepted[word]) for position, word in enumerate(window) if word in accepted]
    wanted = len({concept for _, concept in hits})
    if wanted < 2:
        return 0.0
    best = len(window)
    for start, (first, _) in enumerate(hits):
        seen: set[int] = set()
        for position, concept in hits[start:]:
            seen.add(concept)
            if len(seen) == wanted:
                best = min(best, position - first + 1)
                break
    return wanted / best


def _expansions(asked: Question, words: Sequence[Sequence[str]], candidates: Sequence[Candidate]) -> frozenset[str]:
    """The words that the best candidates share and the rest of the text has seldom."""
    seeds = sorted(candidates, key=lambda candidate: -candidate.score)[:_SEEDS]
    everywhere = Counter(word for own in words for word in set(own))
    asked_for = {concept.term for concept in asked.concepts}
    near: Counter[str] = Counter()
    for seed in seeds:
        near.update(dict.fromkeys(set(words[seed.number]) - asked_for, 1))
    scored = {word: count * count / everywhere[word] for word, count in near.items() if count > 1}
    return frozenset(sorted(scored, key=lambda word: (-scored[word], word))[:_EXPANSIONS])
