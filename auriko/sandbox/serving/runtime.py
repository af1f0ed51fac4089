"""The runtime of attempts, and their settlement: figures, tokens and a bill."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from auriko.sandbox.accounts.keys import Account
from auriko.sandbox.answer import Finished
from auriko.sandbox.catalog.billing import TokenCounts, bill
from auriko.sandbox.engines.tokens import count_audio_tokens
from auriko.sandbox.faults import Faults
from auriko.sandbox.request import InferenceRequest
from auriko.sandbox.router.candidates import Candidate
from auriko.sandbox.router.speed import Sample
from auriko.sandbox.serving.engine_pool import EnginePool
from auriko.sandbox.serving.measurements import Measurements
from auriko.sandbox.serving.prefix_cache import PrefixCache
from auriko.sandbox.serving.signatures import Signer


@dataclass(slots=True)
class Progress:
    """The measurements of an attempt so far: `perf_counter` times and tokens."""

    started: float = field(default_factory=time.perf_counter)
    first: float | None = None
    last: float | None = None
    prompt: int = 0
    completion: int = 0
    reasoning: int = 0
    image: int = 0
    cached: int | None = None

    def saw(self, moment: float) -> None:
        """Note that something came at this moment."""
        if self.first is None:
            self.first = moment
        self.last = moment

    def speed(self, tokens: int) -> tuple[float, float]:
        """(ms until the first came, tokens a second until the last did)."""
        ended = time.perf_counter() if self.last is None else self.last
        first = ended if self.first is None else self.first
        return (first - self.started) * 1000, tokens / max(ended - self.started, 1e-6)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Engines, caches and measurements of one sandbox."""

    engines: EnginePool
    measurements: Measurements
    cache: PrefixCache
    signer: Signer
    faults: Faults

    def cached(self, request: InferenceRequest, candidate: Candidate, account: Account) -> float:
        """The share of this prompt that the candidate's cache holds."""
        if candidate.tier.cache_read is None:
            return 0.0
        text, at_least = "".join(request.texts()), candidate.offer.provider.cache_min_tokens
        return self.cache.peek(_cache_scope(candidate, account), text, at_least)

    def settle(
        self, request: InferenceRequest, candidate: Candidate, account: Account, progress: Progress, engine: str
    ) -> Finished:
        """The end of an attempt: it is measured, its prompt cached, and its cost charged.

        What another engine than the provider's own has answered says nothing of the provider's speed.
        """
        counts = self._counts(request, candidate, account, progress)
        ttft_ms, throughput_tps = progress.speed(counts.completion)
        if engine == candidate.engine:
            sample = Sample(ttft_ms, throughput_tps, counts.prompt, counts.completion, counts.cached)
            self.measurements.add(candidate.provider, candidate.lane, sample)
        cost = bill(candidate.tier, counts)
        account.charge(cost.usd)
        return Finished(counts, cost, ttft_ms, throughput_tps)

    def _counts(
        self, request: InferenceRequest, candidate: Candidate, account: Account, progress: Progress
    ) -> TokenCounts:
        provider, tier = candidate.offer.provider, candidate.tier
        scope = _cache_scope(candidate, account)
        lookup = self.cache.use(scope, "".join(request.texts()), provider.cache_min_tokens)
        read, written = int(lookup.read * progress.prompt), int(lookup.written * progress.prompt)
        if progress.cached is not None:  # an upstream has a cache of its own, and says what it read
            read, written = progress.cached, 0
        return TokenCounts(
            prompt=progress.prompt,
            completion=progress.completion + progress.reasoning + progress.image,
            cached=0 if tier.cache_read is None else read,
            written=0 if tier.cache_write is None else written,
            reasoning=progress.reasoning,
            image=progress.image,
            audio=min(count_audio_tokens(request.prompt), progress.prompt),
        )


def _cache_scope(candidate: Candidate, account: Account) -> str:
    """The name of the prompt cache that serves this candidate and this caller."""
    return f"{candidate.provider}/{candidate.model.id}/{account.key}"
