"""The sentence of a text that matches a question best, or none."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable

from auriko.sandbox.engines.quote.words import terms

UNKNOWN = "I don't know: the text does not say."
"""The answer when no sentence has enough of the question."""

_REFUSAL = re.compile(
    r"""\bif\b[^.?!]*?\b(?:not|no|don't|doesn't|cannot|can't)\b[^.?!]*?["“]([^"”]{1,200})["”]""", re.IGNORECASE
)
_ENOUGH = 0.5
"""The share of the question, weighted by how few passages have each word, that a sentence must have."""


def refusal(prompt: str) -> str:
    """The answer that a prompt demands where its text says nothing, as in `If you don't know, say "No idea."`."""
    demanded = _REFUSAL.search(prompt)
    return demanded[1] if demanded else UNKNOWN


def best_passage(question: str, passages: Iterable[str]) -> str | None:
    """The passage that has most of the question, the shortest of several, as it stands in the text."""
    said = {passage: frozenset(terms(passage)) for passage in passages}
    counts = Counter(itertools.chain.from_iterable(said.values()))
    weights = {term: math.log(1 + len(said) / max(1, counts[term])) for term in terms(question)}

    def weight(passage: str) -> float:
        return sum(weight for term, weight in weights.items() if term in said[passage])

    best = max(said, key=lambda passage: (weight(passage), -len(said[passage])), default="") if weights else ""
    return best if best and weight(best) >= _ENOUGH * sum(weights.values()) else None
