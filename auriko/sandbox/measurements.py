"""How quick providers have been: measured, never assumed."""

from __future__ import annotations

import math
import statistics
import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Percentile = Literal["p50", "p95"]

WINDOW = 200  # the last calls that count


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished call: its time to first token in ms, tokens per second over all of it, tokens that came out."""

    ttft_ms: float
    throughput_tps: float
    completion_tokens: int


class Measurements:
    """The latest calls of each provider and tier, and what they say. Safe to use from several threads."""

    def __init__(self) -> None:
        self._samples: defaultdict[tuple[str, str], deque[Sample]] = defaultdict(lambda: deque(maxlen=WINDOW))
        self._lengths: deque[int] = deque(maxlen=WINDOW)
        self._lock = threading.Lock()

    def add(self, provider: str, tier: str, sample: Sample) -> None:
        """Note a finished call."""
        with self._lock:
            self._samples[provider, tier].append(sample)
            self._lengths.append(sample.completion_tokens)

    def ttft_ms(self, provider: str, tier: str, percentile: Percentile = "p50") -> float | None:
        """Time to first token in ms; at p95, 95 of 100 calls were quicker. None before the first call."""
        return _quantile([s.ttft_ms for s in self._latest(provider, tier)], 50 if percentile == "p50" else 95)

    def throughput_tps(self, provider: str, tier: str, percentile: Percentile = "p50") -> float | None:
        """Tokens per second; at p95, 95 of 100 calls were faster. None before the first call."""
        # The worst case of a speed is its lower end.
        values = [s.throughput_tps for s in self._latest(provider, tier)]
        return _quantile(values, 50 if percentile == "p50" else 5)

    def completion_tokens(self) -> float | None:
        """Tokens that an answer has on average, whoever gave it. None before the first call.

        By provider it would make those look dear that happen to get the long answers.
        """
        with self._lock:
            return statistics.fmean(self._lengths) if self._lengths else None

    def _latest(self, provider: str, tier: str) -> tuple[Sample, ...]:
        with self._lock:
            return tuple(self._samples.get((provider, tier), ()))


def _quantile(values: Sequence[float], percent: int) -> float | None:
    """The nearest rank: always a value that has really been measured."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1] if values else None
