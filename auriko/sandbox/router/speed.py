"""Speeds of providers: measured, never assumed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from auriko.sandbox.routing_options import Percentile


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished call: time to first token in ms, tokens per second over all of it, tokens in, out and cached."""

    ttft_ms: float
    throughput_tps: float
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed of the latest calls of one provider, lane and size of prompt."""

    samples: tuple[Sample, ...]

    def ttft_ms(self, percentile: Percentile = "p50") -> float:
        """Time to first token in ms; at p95, 95 of 100 calls were quicker."""
        return _nearest_rank([s.ttft_ms for s in self.samples], 50 if percentile == "p50" else 95)

    def throughput_tps(self, percentile: Percentile = "p50") -> float:
        """Tokens per second; at p95, 95 of 100 calls were faster."""
        # The worst case of a speed is its lower end.
        return _nearest_rank([s.throughput_tps for s in self.samples], 50 if percentile == "p50" else 5)


def _nearest_rank(values: Sequence[float], percent: int) -> float:
    """Always a value that has really been measured."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
