"""A summary made of a text's own sentences."""

from __future__ import annotations

from collections import Counter

from auriko.sandbox.engines.extract_text import terms, units

_SENTENCES = 3


def summarise(text: str) -> str:
    """The sentences that say most of what the text keeps coming back to, in their order."""
    pieces = units(text)
    words = [terms(piece.text) for piece in pieces]
    frequency = Counter(word for own in words for word in set(own))
    scores = [sum(frequency[word] for word in set(own)) / (len(own) + 5) for own in words]
    best = sorted(range(len(pieces)), key=lambda number: -scores[number])[:_SENTENCES]
    return " ".join(pieces[number].text for number in sorted(best))
