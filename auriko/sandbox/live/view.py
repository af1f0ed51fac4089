"""The contents of the page, taken from the sandbox's services: no keys, and nothing of what was asked or answered."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from auriko.sandbox.catalog.model import Provider
from auriko.sandbox.journal.records import AttemptRecord, DecisionRecord, Report, Spend
from auriko.sandbox.router.speed import Speed

if TYPE_CHECKING:
    from auriko.sandbox.catalog.model import Model
    from auriko.sandbox.http.endpoints import Services

_SHOWN_CALLS = 15
_SPARKS = 40
_COLOURS = 8  # of the style
_NOTHING: Spend = {"tried": 0, "answered": 0, "failed": 0, "prompt_tokens": 0, "completion_tokens": 0, "usd": 0.0}


class Bar(NamedTuple):
    """One provider's bar; `share` is its length from 0 to 1, `series` the number of its colour."""

    name: str
    amount: float
    share: float
    series: int


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A provider, how it is doing, and the times to its latest first tokens in ms, oldest first."""

    provider: Provider
    is_down: bool
    spend: Spend
    speed: Speed | None
    latest_ms: Sequence[float]

    @property
    def spark(self) -> str:
        """The latest times as the points of a line that is 100 wide and 24 high, on a logarithmic scale."""
        heights = [math.log10(max(ms, 0.1)) for ms in self.latest_ms]
        low, high = min(heights, default=0.0), max(heights, default=0.0)
        span = max(high - low, 0.5)
        step = 100 / max(len(heights) - 1, 1)
        return " ".join(f"{i * step:.1f},{22 - 20 * (height - low) / span:.1f}" for i, height in enumerate(heights))


@dataclass(frozen=True, slots=True)
class CallView:
    """A decision and what came of it."""

    decision: DecisionRecord

    @property
    def clock(self) -> str:
        """When it was made, by this machine's clock."""
        return time.strftime("%H:%M:%S", time.localtime(self.decision["at"]))

    @property
    def last(self) -> AttemptRecord | None:
        """The attempt that counts."""
        return self.decision["attempts"][-1] if self.decision["attempts"] else None

    @property
    def failures(self) -> list[AttemptRecord]:
        """The attempts that came to nothing before it."""
        return self.decision["attempts"][:-1]

    @property
    def state(self) -> str:
        """The end of an attempt, if it has ended: "answered", "failed" or "open"."""
        last = self.last
        if not self.decision["candidates"]:
            return "failed"
        if last is None or ("failed" not in last and "usd" not in last):
            return "open"
        return "failed" if "failed" in last else "answered"


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the page shows."""

    address: str
    report: Report
    models: Sequence[Model]
    providers: Sequence[ProviderView]
    calls: Sequence[CallView]
    total: Spend

    @property
    def spent(self) -> list[Bar]:
        """The sums spent by provider, the most first."""
        return self._bars([each.spend["usd"] or None for each in self.providers])[::-1]

    @property
    def quickness(self) -> list[Bar]:
        """The median time to the first token by provider in ms, the quickest first."""
        return self._bars([each.speed.ttft_ms() if each.speed else None for each in self.providers])

    def _bars(self, amounts: Sequence[float | None]) -> list[Bar]:
        """A bar for each provider that has an amount, the shortest first."""
        most = max((amount for amount in amounts if amount is not None), default=0.0)
        bars = [
            Bar(each.provider.id, amount, amount / most, number % _COLOURS)
            for number, (each, amount) in enumerate(zip(self.providers, amounts, strict=True))
            if amount is not None
        ]
        return sorted(bars, key=lambda bar: bar.amount)


def look_at(services: Services, address: str) -> View:
    """The present state; `address` is where clients find the API."""
    journal = services.journal
    decisions = list(journal.decisions)
    providers = [
        ProviderView(
            provider=provider,
            is_down=services.faults.is_down(provider.id),
            spend=journal.spend.get(provider.id, _NOTHING),
            speed=services.measurements.overall(provider.id),
            latest_ms=list(islice(_times(decisions, provider.id), _SPARKS))[::-1],
        )
        for provider in services.catalog.providers()
    ]
    return View(
        address=address,
        report=journal.report(),
        models=list(services.catalog),
        providers=providers,
        calls=[CallView(decision) for decision in reversed(decisions[-_SHOWN_CALLS:])],
        total=_sum([each.spend for each in providers]),
    )


def _times(decisions: Sequence[DecisionRecord], provider: str) -> Iterator[float]:
    """Times to the first token of this provider's calls in ms, the latest first."""
    for decision in reversed(decisions):
        for attempt in decision["attempts"]:
            if attempt["provider"] == provider and "ttft_ms" in attempt:
                yield attempt["ttft_ms"]


def _sum(spends: Sequence[Spend]) -> Spend:
    return {
        "tried": sum(each["tried"] for each in spends),
        "answered": sum(each["answered"] for each in spends),
        "failed": sum(each["failed"] for each in spends),
        "prompt_tokens": sum(each["prompt_tokens"] for each in spends),
        "completion_tokens": sum(each["completion_tokens"] for each in spends),
        "usd": math.fsum(each["usd"] for each in spends),
    }
