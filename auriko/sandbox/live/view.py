"""The contents of the page, taken from the sandbox's services: no keys, and nothing of what was asked or answered."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from auriko.sandbox.accounts.keys import DEFAULT_KEY
from auriko.sandbox.catalog.model import Model, Provider
from auriko.sandbox.http.operations import Services
from auriko.sandbox.journal.decisions import Spend
from auriko.sandbox.journal.records import AttemptRecord, DecisionRecord, Report
from auriko.sandbox.journal.requests import NotedRequest
from auriko.sandbox.live.charts import Bars, Timeline, bars_of, sparks, timeline
from auriko.sandbox.router.speed import Speed

_SHOWN_CALLS = 25
_SPARKS = 40
_MINUTES = 5


class Shown(NamedTuple):
    """The part of the calls that is asked for in the page's address.

    Attributes:
        errors: Whether it is those alone that came to nothing.
        provider: Those of this provider, if it is named.
        model: Those of this model, if it is named.
    """

    errors: bool = False
    provider: str = ""
    model: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Shown:
        """The filter of an address."""
        return cls(query.get("show") == "errors", query.get("provider", ""), query.get("model", ""))


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A provider, how it is doing, and the line of its latest times to the first token."""

    provider: Provider
    is_down: bool
    spend: Spend
    speed: Speed | None
    spark: str


@dataclass(frozen=True, slots=True)
class CallView:
    """A request, the decision that it led to, if it came so far, and what came of both."""

    noted: NotedRequest
    decision: DecisionRecord | None

    @property
    def clock(self) -> str:
        """When it arrived, by this machine's clock."""
        return time.strftime("%H:%M:%S", time.localtime(self.noted.at))

    @property
    def attempts(self) -> list[AttemptRecord]:
        """The attempts at providers, the last one being the one that counts."""
        return self.decision["attempts"] if self.decision is not None else []

    @property
    def last(self) -> AttemptRecord | None:
        """The attempt that counts."""
        return self.attempts[-1] if self.attempts else None

    @property
    def state(self) -> str:
        """The end of the request, if it has ended: "answered", "failed" or "open"."""
        last = self.last
        if self.noted.failed or (last is not None and "failed" in last):
            return "failed"
        if self.noted.status is None or (last is not None and "usd" not in last):
            return "open"
        return "answered"

    @property
    def code(self) -> str:
        """The code of the error, or how the reply broke off."""
        if self.noted.broken == "cut":
            return "cut by the sandbox"
        code = self.noted.code or (self.last.get("code") if self.last is not None else None)
        return code or ("left by the client" if self.noted.broken else "no error of the API")

    @property
    def then(self) -> str:
        """What the client did next, and what it had done before."""
        told = [f"retry {self.noted.request.retry}"] if self.noted.request.retry else []
        if self.noted.retried:
            told.append("sent again")
        elif self.state == "failed":
            told.append("not sent again")
        return ", ".join(told)

    @property
    def usd(self) -> float:
        """What it cost as far as it is known."""
        return sum(attempt.get("usd", 0.0) for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the page shows."""

    address: str
    api_key: str | None
    report: Report
    errors: int
    models: Sequence[Model]
    providers: Sequence[ProviderView]
    calls: Sequence[CallView]
    shown: Shown
    over_time: Timeline
    total: Spend
    by_model: Mapping[str, float]

    @property
    def spent(self) -> Bars:
        """The sums spent by provider, the most first."""
        return bars_of({each.provider.id: each.spend.usd for each in self.providers})

    @property
    def spent_by_model(self) -> Bars:
        """The sums spent by model, the most first."""
        return bars_of(self.by_model, colours=[model.id for model in self.models])

    @property
    def quickness(self) -> Bars:
        """The median time to the first token by provider in ms, the quickest first."""
        times = {each.provider.id: each.speed.ttft_ms() if each.speed else None for each in self.providers}
        return bars_of(times, shortest_first=True)


def current_view(services: Services, address: str, shown: Shown) -> View:
    """The present state.

    Args:
        services: The sandbox's.
        address: Where clients find the API.
        shown: Which calls are to be shown.
    """
    decisions = services.decision_log.decisions
    by_request = {decision["request_id"]: decision for decision in decisions}
    calls = [CallView(noted, by_request.get(noted.id)) for noted in reversed(services.request_log.noted)]
    catalog = services.catalog.providers()
    lines = sparks({each.id: list(islice(_times(decisions, each.id), _SPARKS))[::-1] for each in catalog})
    spend, total = services.decision_log.spend, Spend()
    for each in spend.values():
        total.add(each)
    by_model: defaultdict[str, float] = defaultdict(float)
    for decision in decisions:
        for attempt in decision["attempts"]:
            by_model[attempt["model"]] += attempt.get("usd", 0.0)
    return View(
        address=address,
        api_key=DEFAULT_KEY if services.public_journal else None,
        report=services.request_log.report(),
        errors=services.request_log.errors,
        models=list(services.catalog),
        providers=[
            ProviderView(
                provider=each,
                is_down=services.faults.is_down(each.id),
                spend=spend.get(each.id, Spend()),
                speed=services.measurements.overall(each.id),
                spark=lines[each.id],
            )
            for each in catalog
        ],
        calls=list(islice((call for call in calls if _is_shown(call, shown)), _SHOWN_CALLS)),
        shown=shown,
        over_time=timeline(
            ((call.noted.at, 1, call.state == "failed", call.usd) for call in calls),
            now=time.time(),
            seconds=60.0 * _MINUTES,
            slots=60,
            began=f"{_MINUTES} min ago",
            each=f"{_MINUTES} s",
        ),
        total=total,
        by_model=by_model,
    )


def _is_shown(call: CallView, shown: Shown) -> bool:
    if shown.errors and call.state != "failed":
        return False
    if shown.provider and all(attempt["provider"] != shown.provider for attempt in call.attempts):
        return False
    if not shown.model:
        return True
    asked = call.decision["models"] if call.decision is not None else []
    return shown.model in {*asked, *(attempt["model"] for attempt in call.attempts)}


def _times(decisions: Sequence[DecisionRecord], provider: str) -> Iterator[float]:
    """Times to the first token of this provider's calls in ms, the latest first."""
    for decision in reversed(decisions):
        for attempt in decision["attempts"]:
            if attempt["provider"] == provider and "ttft_ms" in attempt:
                yield attempt["ttft_ms"]
