"""The sentence of a text that matches a question best, by BM25, or none."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from auriko.sandbox.engines.quote.prompts import Passage
from auriko.sandbox.engines.quote.words import terms

UNKNOWN = "I don't know: the text does not say."
"""The answer when no sentence has enough of the question."""

_REFUSAL = re.compile(
    r"""\bif\b[^.?!]*?\b(?:not|no|don't|doesn't|cannot|can't)\b[^.?!]*?["“]([^"”]{1,200})["”]""", re.IGNORECASE
)
_ENOUGH = 0.5
"""The share of the question, weighted by how telling each word is, that a sentence must have."""
_K1, _B = 1.2, 0.5
_BEST = 5


def refusal(prompt: str) -> str:
    """The answer that a prompt demands where its text says nothing, as in `If you don't know, say "No idea."`."""
    demanded = _REFUSAL.search(prompt)
    return demanded[1] if demanded else UNKNOWN


def best_passage(question: str, passages: Sequence[Passage]) -> str | None:
    """The passage that fits best, as it stands in the text."""
    documents = [Counter(terms(passage.text)) for passage in passages]
    average = sum(document.total() for document in documents) / max(1, len(documents)) or 1
    frequencies = Counter(term for document in documents for term in document)
    weights: dict[str, float] = {}
    for term in frozenset(terms(question)):
        frequency = max(1, frequencies[term])  # what occurs nowhere weighs no more than what is rarest
        weights[term] = math.log(1 + (len(documents) - frequency + 0.5) / (frequency + 0.5))

    def score(document: Counter[str]) -> float:
        damping = _K1 * (1 - _B + _B * document.total() / average)
        return sum(weight * document[term] * (_K1 + 1) / (document[term] + damping) for term, weight in weights.items())

    ranked = sorted(zip(documents, passages, strict=True), key=lambda one: -score(one[0]))
    for document, passage in ranked[:_BEST]:
        said = weights.keys() & {*document, *terms(passage.heading)}
        if score(document) and sum(weights[term] for term in said) >= _ENOUGH * sum(weights.values()):
            return passage.text
    return None
