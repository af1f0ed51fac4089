"""What calls cost, added up in one place: every finished call of a client is told to the trackers of its context.

A tracker counts the calls that start inside its `with` block, whichever framework makes them, sync or async,
streamed or not. A cost that the gateway did not report counts as unknown, never as 0.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Literal

from auriko.errors import APIStatusError, BudgetExceededError
from auriko.models.common import ResponseUsage, Usage
from auriko.models.routing import RoutingMetadata
from auriko.response_headers import ResponseHeaders

logger: Final = logging.getLogger("auriko")
_active: ContextVar[tuple[SpendTracker, ...]] = ContextVar("auriko_trackers", default=())


@dataclass(frozen=True)
class CallRecord:
    """One call and what it cost.

    Attributes:
        status: `ok`, `error`, or `abandoned` for a call that was cancelled or a stream that was not read to its end.
        model_asked: The model or models that the request named.
        model: The model that answered, or None where it is not known.
        provider: The provider that answered, or None.
        usd: What was billed, in USD; None where it is not known.
        may_be_billed: Whether the gateway may have billed the call.
        cache_savings_usd: What the provider's cache saved, in USD.
        prompt_tokens: Tokens in.
        completion_tokens: Tokens out.
        cached_tokens: Tokens read from the provider's cache.
        cache_write_tokens: Tokens written to it.
        reasoning_tokens: Tokens of reasoning among those out.
        ttft_ms: Time to the first token in milliseconds, as the gateway says, else as seen here in a stream.
        duration_ms: Time from the start of the call to its end, in milliseconds.
        started_at: When it started, in seconds since the epoch.
        stream: Whether the answer was streamed.
        request_id: The request's id.
        tags: The tags of the trackers that it was told to.
        error: The name of the exception's class, or None.
    """

    status: Literal["ok", "error", "abandoned"]
    model_asked: str
    model: str | None
    provider: str | None
    usd: float | None
    may_be_billed: bool
    cache_savings_usd: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    ttft_ms: float | None
    duration_ms: float
    started_at: float
    stream: bool
    request_id: str | None
    tags: tuple[str, ...]
    error: str | None

    def __str__(self) -> str:
        answered = f"{self.model or self.model_asked} by {self.provider or 'an unknown provider'}"
        cost = f"${self.usd:.6f}" if self.usd is not None else "unknown cost" if self.may_be_billed else "not billed"
        return (
            f"{self.status}: {self.error or answered}, {cost}, {self.duration_ms:.0f} ms, request id {self.request_id}"
        )


@dataclass
class SpendTotal:
    """A sum over calls.

    Attributes:
        calls: How many calls.
        usd: What is known to have been billed, in USD.
        unknown_cost_calls: How many calls may have been billed at a cost that is not known.
        prompt_tokens: Tokens in.
        completion_tokens: Tokens out.
        cache_savings_usd: What caches saved, in USD.
    """

    calls: int = 0
    usd: float = 0.0
    unknown_cost_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cache_savings_usd: float = 0.0

    def add(self, record: CallRecord) -> None:
        """Counts one call."""
        self.calls += 1
        self.usd += record.usd or 0.0
        self.unknown_cost_calls += record.usd is None and record.may_be_billed
        self.prompt_tokens += record.prompt_tokens or 0
        self.completion_tokens += record.completion_tokens or 0
        self.cache_savings_usd += record.cache_savings_usd or 0.0


class SpendTracker:
    """Adds up calls, safely over threads and event loops.

    Args:
        limit_usd: Once so much has been spent, in USD, the next call raises `BudgetExceededError` before its
            request. Calls in flight are finished, so the sum may pass the limit by what they cost.
        tags: Labels that go into the records.
    """

    def __init__(self, limit_usd: float | None = None, *, tags: tuple[str, ...] | list[str] = ()) -> None:
        if limit_usd is not None and not limit_usd >= 0:
            raise ValueError(f"limit_usd must be 0 or more, not {limit_usd!r}")
        self.limit_usd = limit_usd
        self.tags = tuple(tags)
        self._lock = threading.Lock()
        self._records: list[CallRecord] = []
        self._total = SpendTotal()

    @property
    def records(self) -> list[CallRecord]:
        """The calls so far, in the order in which they ended."""
        with self._lock:
            return list(self._records)

    @property
    def usd(self) -> float:
        """What is known to have been billed, in USD."""
        return self._total.usd

    @property
    def calls(self) -> int:
        """How many calls have ended."""
        return self._total.calls

    @property
    def unknown_cost_calls(self) -> int:
        """How many calls may have been billed at a cost that is not known."""
        return self._total.unknown_cost_calls

    @property
    def total(self) -> SpendTotal:
        """The sum over all calls."""
        return self._sum(lambda _record: None).get(None, SpendTotal())

    def by_provider(self) -> dict[str | None, SpendTotal]:
        """Sums by the provider that answered; None stands for calls where it is not known."""
        return self._sum(lambda record: record.provider)

    def by_model(self) -> dict[str | None, SpendTotal]:
        """Sums by the model that answered; None stands for calls where it is not known."""
        return self._sum(lambda record: record.model)

    def check(self) -> None:
        """Nothing, while the limit is not reached.

        Raises:
            BudgetExceededError: So much has been spent that no call may start.
        """
        limit, spent = self.limit_usd, self.usd
        if limit is not None and spent >= limit:
            raise BudgetExceededError(
                f"The spend limit of ${limit:g} is reached: ${spent:.6f} in {self.calls} calls. "
                "No request was sent; raise limit_usd to go on.",
                code="local_budget_exceeded",
                limit_usd=limit,
                spent_usd=spent,
            )

    def add(self, record: CallRecord) -> None:
        """Counts one call."""
        with self._lock:
            self._records.append(record)
            self._total.add(record)

    def _sum(self, key: Callable[[CallRecord], str | None]) -> dict[str | None, SpendTotal]:
        sums: dict[str | None, SpendTotal] = {}
        for record in self.records:
            sums.setdefault(key(record), SpendTotal()).add(record)
        return sums

    def __repr__(self) -> str:
        unknown = f", {self.unknown_cost_calls} of unknown cost" if self.unknown_cost_calls else ""
        return f"SpendTracker(${self.usd:.6f} in {self.calls} calls{unknown})"


@contextmanager
def track_spend(limit_usd: float | None = None, *, tags: tuple[str, ...] | list[str] = ()) -> Generator[SpendTracker]:
    """A tracker of every call that starts within the `with` block, in this context and those copied from it.

    Args:
        limit_usd: Once so much has been spent, in USD, the next call raises `BudgetExceededError`.
        tags: Labels that go into the records.
    """
    tracker = SpendTracker(limit_usd, tags=tags)
    token = _active.set((*_active.get(), tracker))
    try:
        yield tracker
    finally:
        _active.reset(token)


class Observation:
    """One call under way, on behalf of the trackers that were active when it started."""

    __slots__ = ("_done", "_first_at", "_model", "_started", "_started_at", "_stream", "_trackers")

    def __init__(self, model: str, *, stream: bool) -> None:
        self._trackers = _active.get()
        for tracker in self._trackers:
            tracker.check()
        self._model = model
        self._stream = stream
        self._started = time.monotonic()
        self._started_at = time.time()
        self._first_at: float | None = None
        self._done = not self._trackers and not logger.isEnabledFor(logging.INFO)

    def first_item(self) -> None:
        """Notes that the first item of a stream has arrived."""
        self._first_at = time.monotonic()

    def finish(
        self, headers: ResponseHeaders | None, usage: Usage | ResponseUsage | None, metadata: RoutingMetadata | None
    ) -> None:
        """Records a call that came to its end."""
        self._record("ok", headers, usage, metadata)

    def abandon(
        self, headers: ResponseHeaders | None, usage: Usage | ResponseUsage | None, metadata: RoutingMetadata | None
    ) -> None:
        """Records a stream that was not read to its end."""
        self._record("abandoned", headers, usage, metadata)

    def fail(
        self,
        error: BaseException,
        headers: ResponseHeaders | None = None,
        usage: Usage | ResponseUsage | None = None,
        metadata: RoutingMetadata | None = None,
    ) -> None:
        """Records a call that raised or was cancelled; what a stream had told of its cost before counts."""
        if isinstance(error, GeneratorExit):
            self._record("abandoned", headers, usage, metadata)
        else:
            headers = headers or getattr(error, "response_headers", None)
            self._record("error", headers, usage, metadata, error)

    def _record(
        self,
        status: Literal["ok", "error", "abandoned"],
        headers: ResponseHeaders | None,
        usage: Usage | ResponseUsage | None,
        metadata: RoutingMetadata | None,
        error: BaseException | None = None,
    ) -> None:
        if self._done:
            return
        self._done = True
        tokens = usage.as_chat_usage() if isinstance(usage, ResponseUsage) else usage
        prompt = tokens.prompt_tokens_details if tokens is not None else None
        completion = tokens.completion_tokens_details if tokens is not None else None
        cost = metadata.cost if metadata is not None else None
        refused = isinstance(error, APIStatusError) and self._first_at is None
        seen_ms = (self._first_at - self._started) * 1000 if self._first_at is not None else None
        said_ms = metadata.ttft_ms if metadata is not None else None
        record = CallRecord(
            status=status,
            model_asked=self._model,
            model=metadata.model_canonical if metadata is not None else None,
            provider=metadata.provider if metadata is not None else None,
            usd=cost.usd if cost is not None else None,
            may_be_billed=not refused,
            cache_savings_usd=cost.cache_savings_usd if cost is not None else None,
            prompt_tokens=tokens.prompt_tokens if tokens is not None else None,
            completion_tokens=tokens.completion_tokens if tokens is not None else None,
            cached_tokens=prompt.cached_tokens if prompt is not None else None,
            cache_write_tokens=prompt.cache_write_tokens if prompt is not None else None,
            reasoning_tokens=completion.reasoning_tokens if completion is not None else None,
            ttft_ms=said_ms if said_ms is not None else seen_ms,
            duration_ms=(time.monotonic() - self._started) * 1000,
            started_at=self._started_at,
            stream=self._stream,
            request_id=headers.request_id if headers is not None else None,
            tags=tuple(tag for tracker in self._trackers for tag in tracker.tags),
            error=type(error).__name__ if error is not None else None,
        )
        logger.info("%s", record)
        for tracker in self._trackers:
            tracker.add(record)
