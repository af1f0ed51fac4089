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

WINDOW = 200  # the last calls that count, of each provider, lane and size of prompt


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished call: time to first token in ms, tokens per second over all of it, tokens in and out."""

    ttft_ms: float
    throughput_tps: float
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Speed:
    """What the latest calls of one provider, lane and size of prompt say."""

    samples: tuple[Sample, ...]

    def ttft_ms(self, percentile: Percentile = "p50") -> float:
        """Time to first token in ms; at p95, 95 of 100 calls were quicker."""
        return _nearest_rank([s.ttft_ms for s in self.samples], 50 if percentile == "p50" else 95)

    def throughput_tps(self, percentile: Percentile = "p50") -> float:
        """Tokens per second; at p95, 95 of 100 calls were faster."""
        # The worst case of a speed is its lower end.
        return _nearest_rank([s.throughput_tps for s in self.samples], 50 if percentile == "p50" else 5)


class Measurements:
    """The latest calls of each provider, and what they say. Safe to use from several threads.

    What runs at different speeds at one provider, such as its tiers, has lanes of its own.

    Calls are compared with calls of a similar size: a provider that happens to get long prompts is not slow for it.
    """

    def __init__(self) -> None:
        self._samples: defaultdict[tuple[str, str], dict[int, deque[Sample]]] = defaultdict(dict)
        self._lengths: deque[int] = deque(maxlen=WINDOW)
        self._lock = threading.Lock()

    def add(self, provider: str, lane: str, sample: Sample) -> None:
        """Note a finished call."""
        with self._lock:
            sizes = self._samples[provider, lane]
            sizes.setdefault(_size(sample.prompt_tokens), deque(maxlen=WINDOW)).append(sample)
            self._lengths.append(sample.completion_tokens)

    def speed(self, provider: str, lane: str, prompt_tokens: int) -> Speed | None:
        """How quick prompts of about this length have been, or the nearest length there is. None before any call."""
        wanted = _size(prompt_tokens)
        with self._lock:
            sizes = self._samples.get((provider, lane), {})
            nearest = min(sizes, key=lambda size: (abs(size - wanted), size), default=None)
            return None if nearest is None else Speed(tuple(sizes[nearest]))

    def overall(self, provider: str) -> Speed | None:
        """How quick a provider has been in all tiers and with prompts of all lengths. None before any call."""
        with self._lock:
            samples = [
                sample
                for (name, _), sizes in self._samples.items()
                if name == provider
                for latest in sizes.values()
                for sample in latest
            ]
        return Speed(tuple(samples)) if samples else None

    def completion_tokens(self) -> float | None:
        """Tokens that an answer has on average, whoever gave it. None before the first call.

        By provider it would make those look dear that happen to get the long answers.
        """
        with self._lock:
            return statistics.fmean(self._lengths) if self._lengths else None


def _size(prompt_tokens: int) -> int:
    """A number that grows by one with every fourfold length, from 32 tokens on."""
    return max(prompt_tokens.bit_length(), 4) // 2


def _nearest_rank(values: Sequence[float], percent: int) -> float:
    """Always a value that has really been measured."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
