"""The sentence of a text that matches a question best, or none."""

from __future__ import annotations

from collections.abc import Sequence

from auriko.sandbox.engines.quote.prompts import Passage
from auriko.sandbox.engines.quote.words import BM25, terms

UNKNOWN = "I don't know: the text does not say."
"""The answer when no sentence has enough of the question."""

_ENOUGH = 0.5
"""The share of the question, weighted by how telling each word is, that a sentence must have."""


def best_passage(question: str, passages: Sequence[Passage], enough: float = _ENOUGH) -> str | None:
    """The passage that fits best, as it stands in the text."""
    asked = frozenset(terms(question))
    documents = [terms(passage.text) for passage in passages]
    index = BM25(documents)
    whole = sum(index.idf(term) for term in asked)
    ranked = sorted(zip(index.scores(asked), documents, passages, strict=True), key=lambda one: -one[0])
    for score, document, passage in ranked[:5]:
        said = asked.intersection((*document, *terms(passage.heading)))
        if score and sum(index.idf(term) for term in said) >= enough * whole:
            return passage.text
    return None
