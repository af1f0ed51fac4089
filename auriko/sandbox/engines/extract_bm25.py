"""BM25: how well each document fits a query. The documents are a prompt's sentences: an index lives for one call."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

_K1 = 1.2
_B = 0.5


class BM25:
    """An index over `documents`, each a list of terms."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self._counts = [Counter(document) for document in documents]
        self._lengths = [len(document) for document in documents]
        self._average = (sum(self._lengths) / len(documents) if documents else 0.0) or 1.0
        self._frequencies: Counter[str] = Counter()
        for counts in self._counts:
            self._frequencies.update(counts.keys())

    def idf(self, frequency: int) -> float:
        """How telling a term is that occurs in `frequency` documents; one that occurs in none is the most telling."""
        return math.log(1 + (len(self._counts) - frequency + 0.5) / (frequency + 0.5))

    def scores(self, query: Mapping[str, float]) -> list[float]:
        """One score per document for the weighted terms of `query`."""
        weights = {
            term: weight * self.idf(self._frequencies[term])
            for term, weight in query.items()
            if term in self._frequencies
        }
        return [
            sum(weight * self._saturation(number, counts[term]) for term, weight in weights.items() if term in counts)
            for number, counts in enumerate(self._counts)
        ]

    def _saturation(self, number: int, count: int) -> float:
        return count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * self._lengths[number] / self._average))
