"""The latest calls of each provider, from which its speed is known."""

from __future__ import annotations

import statistics
import threading
from collections import defaultdict, deque

from auriko.sandbox.router.speed import Sample, Speed

WINDOW = 200  # the last calls that count, of each provider, lane and size of prompt


class Measurements:
    """The latest calls of each provider, and what they say. Safe to use from several threads.

    What runs at different speeds at one provider, such as its tiers, has lanes of its own.

    Calls are compared with calls of a similar size: a provider that happens to get long prompts is not slow for it.
    """

    def __init__(self) -> None:
        self._samples: defaultdict[tuple[str, str], dict[int, deque[Sample]]] = defaultdict(dict)
        self._latest: deque[Sample] = deque(maxlen=WINDOW)
        self._lock = threading.Lock()

    def add(self, provider: str, lane: str, sample: Sample) -> None:
        """Note a finished call."""
        with self._lock:
            sizes = self._samples[provider, lane]
            sizes.setdefault(_size(sample.prompt_tokens), deque(maxlen=WINDOW)).append(sample)
            self._latest.append(sample)

    def speed(self, provider: str, lane: str, prompt_tokens: int) -> Speed | None:
        """The speed of prompts of about this length, or the nearest length there is. None before any call."""
        wanted = _size(prompt_tokens)
        with self._lock:
            sizes = self._samples.get((provider, lane), {})
            nearest = min(sizes, key=lambda size: (abs(size - wanted), size), default=None)
            return None if nearest is None else Speed(tuple(sizes[nearest]))

    def overall(self, provider: str) -> Speed | None:
        """The speed of a provider in all tiers and with prompts of all lengths. None before any call."""
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
            return statistics.fmean(each.completion_tokens for each in self._latest) if self._latest else None

    def cached_share(self) -> float:
        """The share of all prompts' tokens that came from caches, whoever's, of 0 to 1.

        By provider it would draw all calls to those who happen to have got some.
        """
        with self._lock:
            prompts = sum(each.prompt_tokens for each in self._latest)
            return sum(each.cached_tokens for each in self._latest) / max(prompts, 1)


def _size(prompt_tokens: int) -> int:
    """A number that grows by one with every fourfold length, from 32 tokens on."""
    return max(prompt_tokens.bit_length(), 4) // 2
