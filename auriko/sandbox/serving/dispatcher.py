"""The gateway itself, without HTTP: it decides, tries, falls back, and knows what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from auriko.sandbox.accounts.keys import Account
from auriko.sandbox.answer import Delta, Finished
from auriko.sandbox.catalog.billing import TokenCounts, bill
from auriko.sandbox.catalog.model import Catalog
from auriko.sandbox.engines.tokens import count_prompt_tokens
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.journal.decisions import DecisionLog
from auriko.sandbox.journal.records import AttemptRecord
from auriko.sandbox.request import InferenceRequest, RoutingWarning
from auriko.sandbox.router.candidates import Candidate
from auriko.sandbox.router.decide import decide
from auriko.sandbox.router.filters import Assessed, NoCandidateError
from auriko.sandbox.router.scoring import Pick
from auriko.sandbox.serving.attempt import Attempt, AttemptFailedError, OutOfTimeError
from auriko.sandbox.serving.provider_limits import dropped_params, effort_warning
from auriko.sandbox.serving.runtime import Runtime

T = TypeVar("T")

_SERVER_TIMEOUT_SECONDS = 600.0
_USUAL_ANSWER_TOKENS = 64.0  # until there has been an answer


@dataclass(frozen=True, slots=True)
class Route:
    """The server of a request: what a reply needs to say beside the answer.

    Attributes:
        engine: The name of what really answers.
    """

    candidate: Candidate
    engine: str
    strategy: str
    warnings: tuple[RoutingWarning, ...]

    @property
    def fingerprint(self) -> str:
        """The name of what really runs, for `system_fingerprint`."""
        return f"auriko-sandbox:{self.engine}"

    @property
    def service_tier(self) -> str | None:
        """The tier, if it is not the standard one."""
        return None if self.candidate.tier.name == "standard" else self.candidate.tier.name

    def metadata(self, finished: Finished) -> dict[str, Any]:
        """`routing_metadata` (API section 11.1)."""
        cost: dict[str, Any] = {"usd": finished.bill.usd}
        if finished.counts.cached:
            cost["cache_savings_percent"] = finished.bill.saved_percent
            cost["cache_savings_usd"] = finished.bill.saved_usd
        upstream = self.candidate.offer.upstream_model if self.engine == self.candidate.engine else None
        metadata: dict[str, Any] = {
            "provider": self.candidate.provider,
            "provider_model_id": upstream or f"sandbox/{self.engine}",
            "model_canonical": self.candidate.model.id,
            "routing_strategy": self.strategy,
            "ttft_ms": round(finished.ttft_ms, 3),
            "throughput_tps": round(finished.throughput_tps, 3),
            "cost": cost,
        }
        if self.warnings:
            metadata["warnings"] = [warning._asdict() for warning in self.warnings]
        return metadata


@dataclass(frozen=True, slots=True)
class _Estimate:
    """What is known of a request before it is served.

    Attributes:
        cached_share: The share of its prompt that caches have on average; whose has this very one, nobody tells.
    """

    prompt_tokens: int
    answer_tokens: int
    cached_share: float


class Dispatcher:
    """Serves requests, and keeps a log of how."""

    def __init__(
        self, catalog: Catalog, runtime: Runtime, own_keys: Collection[str], log: DecisionLog, pick: Pick
    ) -> None:
        self._catalog = catalog
        self._known_providers = frozenset(provider.id for provider in catalog.providers())
        self._runtime = runtime
        self._own_keys = own_keys
        self._log = log
        self._pick = pick

    async def complete(self, request: InferenceRequest, account: Account) -> tuple[Route, list[Delta]]:
        """The route of who answered, and the whole answer.

        Raises:
            GatewayError: Nobody could answer.
        """

        async def collect(deltas: AsyncGenerator[Delta, None], _: str) -> list[Delta]:
            async with aclosing(deltas):
                return [delta async for delta in deltas]

        return await self._try_in_order(request, account, collect)

    async def stream(self, request: InferenceRequest, account: Account) -> tuple[Route, AsyncGenerator[Delta, None]]:
        """The route of who answers, and the answer in deltas; the first is there already.

        Raises:
            GatewayError: Nobody could begin to answer. Later failures raise it from the iterator.
        """

        async def begin(deltas: AsyncGenerator[Delta, None], provider: str) -> AsyncGenerator[Delta, None]:
            return _resume(await anext(deltas), deltas, provider)

        return await self._try_in_order(request, account, begin)

    async def _try_in_order(
        self,
        request: InferenceRequest,
        account: Account,
        take: Callable[[AsyncGenerator[Delta, None], str], Awaitable[T]],
    ) -> tuple[Route, T]:
        started = time.perf_counter()
        estimate = self._estimate(request)
        try:
            decision = decide(
                request,
                self._catalog,
                self._own_keys,
                estimate.prompt_tokens,
                lambda candidate: self._assess(candidate, request, estimate),
                self._pick,
            )
        except NoCandidateError as error:
            self._log.refused(request, error)
            raise
        attempts = self._log.decided(request, decision)
        failures: list[tuple[str, AttemptFailedError]] = []
        for scored in decision.order:
            candidate = scored.assessed.candidate
            attempt = Attempt(self._runtime, request, candidate, account, _deadline(request, started))
            noted = self._log.tried(attempts, candidate)
            try:
                taken = await take(self._recorded(attempt.deltas(), noted), candidate.provider)
            except AttemptFailedError as error:
                failures.append((candidate.provider, error))
                continue
            warnings = tuple(_warnings(request, candidate, failures, self._known_providers))
            return Route(candidate, attempt.engine, decision.strategy, warnings), taken
        provider, last = failures[-1]
        raise last.as_reply(provider)

    async def _recorded(
        self, deltas: AsyncGenerator[Delta, None], attempt: AttemptRecord
    ) -> AsyncGenerator[Delta, None]:
        """The same deltas; how they end goes into the log."""
        async with aclosing(deltas):
            try:
                async for delta in deltas:
                    if isinstance(delta, Finished):
                        self._log.finished(attempt, delta)
                    yield delta
            except (AttemptFailedError, GatewayError) as error:
                self._log.failed(attempt, error.code, error.message)
                raise
            except (GeneratorExit, asyncio.CancelledError):
                if "usd" not in attempt:
                    self._log.failed(attempt, "client_disconnected", "The client left.")
                raise

    def _estimate(self, request: InferenceRequest) -> _Estimate:
        usual = self._runtime.measurements.completion_tokens() or _USUAL_ANSWER_TOKENS
        limit = request.prompt.max_tokens
        return _Estimate(
            prompt_tokens=count_prompt_tokens(request.prompt),
            answer_tokens=round(usual if limit is None else min(usual, limit)),
            cached_share=self._runtime.measurements.cached_share(),
        )

    def _assess(self, candidate: Candidate, request: InferenceRequest, estimate: _Estimate) -> Assessed:
        routing = request.routing
        speed = self._runtime.measurements.speed(candidate.provider, candidate.lane, estimate.prompt_tokens)
        return Assessed(
            candidate=candidate,
            expected_usd=self._expected_usd(candidate, estimate),
            speed=speed,
            ttft_ms=None if speed is None else speed.ttft_ms(routing.ttft_percentile),
            throughput_tps=None if speed is None else speed.throughput_tps(routing.throughput_percentile),
        )

    def _expected_usd(self, candidate: Candidate, estimate: _Estimate) -> float:
        """Price times tokens, less what this provider's cache saves on average."""
        prompt, tier = estimate.prompt_tokens, candidate.tier
        is_cached = tier.cache_read is not None and prompt >= candidate.offer.provider.cache_min_tokens
        cached = int(estimate.cached_share * prompt) if is_cached else 0
        return bill(tier, TokenCounts(prompt, estimate.answer_tokens, cached=cached)).usd


def _deadline(request: InferenceRequest, started: float) -> float:
    routing = request.routing
    timeout = _SERVER_TIMEOUT_SECONDS if routing.timeout_ms is None else routing.timeout_ms / 1000
    deadline = time.perf_counter() + timeout
    if routing.deadline_ms is None:
        return deadline
    return min(deadline, started + routing.deadline_ms / 1000)


async def _resume(first: Delta, rest: AsyncGenerator[Delta, None], provider: str) -> AsyncGenerator[Delta, None]:
    async with aclosing(rest):
        yield first
        try:
            async for delta in rest:
                yield delta
        except OutOfTimeError as failure:
            raise GatewayError("stream_duration_exceeded", failure.message, provider=provider) from failure
        except AttemptFailedError as failure:
            raise failure.as_reply(provider) from failure


def _warnings(
    request: InferenceRequest,
    candidate: Candidate,
    failures: list[tuple[str, AttemptFailedError]],
    known_providers: Collection[str],
) -> Iterator[RoutingWarning]:
    yield from request.warnings
    provider = candidate.offer.provider
    for name in dropped_params(request, candidate):
        reason = f"{provider.id} does not take {name} here; it was not forwarded."
        yield RoutingWarning("unsupported_parameter", f"{name}_dropped", reason)
    if changed := effort_warning(request, candidate):
        yield changed
    for name in request.extensions:
        if name not in known_providers:
            yield RoutingWarning("unknown_provider", "extension_not_used", f"{name} is not a provider.")
        elif name != provider.id:
            yield RoutingWarning(
                "ignored_extension", "extension_not_used", f"{name} did not answer; {provider.id} did."
            )
    for failed, failure in failures:
        kind = "provider_timeout" if failure.code == "upstream_timeout" else "provider_error"
        yield RoutingWarning(kind, failure.code, f"{failed} was tried first: {failure.message}")
