"""Decisions of the router and the attempts that came of them, as JSON, for tests and for the live page."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict, deque
from dataclasses import dataclass

from auriko.sandbox.answer import Finished
from auriko.sandbox.journal.records import (
    AttemptRecord,
    CandidateRecord,
    DecisionRecord,
    OfferRecord,
    SpeedRecord,
)
from auriko.sandbox.request import InferenceRequest
from auriko.sandbox.router.candidates import Candidate
from auriko.sandbox.router.decide import Decision, strategy_of
from auriko.sandbox.router.filters import NoCandidateError
from auriko.sandbox.router.scoring import Scored
from auriko.sandbox.router.speed import Speed

_KEPT = 1000


@dataclass(slots=True)
class Spend:
    """The attempts at one provider, how they ended, and what it was paid."""

    tried: int = 0
    answered: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0

    def add(self, other: Spend) -> None:
        """Takes another's into these."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class DecisionLog:
    """The latest decisions; old ones are forgotten.

    Attributes:
        spend: What each provider has been asked and paid for, by its id, since the start.
    """

    def __init__(self) -> None:
        self._decisions: deque[DecisionRecord] = deque(maxlen=_KEPT)
        self.spend: defaultdict[str, Spend] = defaultdict(Spend)

    @property
    def decisions(self) -> list[DecisionRecord]:
        """The latest decisions, oldest first."""
        return list(self._decisions)

    def decided(self, request: InferenceRequest, decision: Decision) -> list[AttemptRecord]:
        """Note a decision; the attempts that come of it are put into the list that comes back."""
        attempts: list[AttemptRecord] = []
        self._decisions.append(
            {
                "id": f"dec_{secrets.token_hex(8)}",
                "request_id": request.id,
                "at": time.time(),
                "endpoint": request.endpoint,
                "models": list(request.models),
                "strategy": decision.strategy,
                "reason": decision.reason,
                "candidates": [_candidate_record(scored) for scored in decision.order],
                "dropped": [
                    {**_offer_record(candidate), "code": drop.code, "reason": drop.reason}
                    for candidate, drop in decision.dropped
                ],
                "attempts": attempts,
            }
        )
        return attempts

    def refused(self, request: InferenceRequest, error: NoCandidateError) -> None:
        """Note that nobody could serve a request."""
        self.decided(request, Decision(strategy_of(request), error.message, (), error.dropped))

    def tried(self, attempts: list[AttemptRecord], candidate: Candidate) -> AttemptRecord:
        """Note that a candidate is being tried."""
        attempt: AttemptRecord = {"provider": candidate.provider, "model": candidate.model.id}
        attempts.append(attempt)
        self.spend[candidate.provider].tried += 1
        return attempt

    def failed(self, attempt: AttemptRecord, code: str, message: str) -> None:
        """Note that an attempt came to nothing."""
        attempt.update({"failed": message, "code": code})
        self.spend[attempt["provider"]].failed += 1

    def finished(self, attempt: AttemptRecord, end: Finished) -> None:
        """Note the end of an answer: what was measured, and what it cost."""
        attempt.update(
            {
                "ttft_ms": end.ttft_ms,
                "throughput_tps": end.throughput_tps,
                "prompt_tokens": end.counts.prompt,
                "completion_tokens": end.counts.completion,
                "cached_tokens": end.counts.cached,
                "usd": end.bill.usd,
            }
        )
        self.spend[attempt["provider"]].add(Spend(0, 1, 0, end.counts.prompt, end.counts.completion, end.bill.usd))


def _offer_record(candidate: Candidate) -> OfferRecord:
    return {
        "model": candidate.model.id,
        "provider": candidate.provider,
        "tier": candidate.tier.name,
        "engine": candidate.engine,
    }


def _candidate_record(scored: Scored) -> CandidateRecord:
    """A candidate that could serve the request."""
    assessed = scored.assessed
    return {
        **_offer_record(assessed.candidate),
        "score": scored.score,
        "parts": scored.parts._asdict(),
        "expected_usd": assessed.expected_usd,
        "ttft_ms": assessed.ttft_ms,
        "throughput_tps": assessed.throughput_tps,
        "measured": None if assessed.speed is None else _speed_record(assessed.speed),
    }


def _speed_record(speed: Speed) -> SpeedRecord:
    return {
        "calls": len(speed.samples),
        "ttft_ms": {"p50": speed.ttft_ms("p50"), "p95": speed.ttft_ms("p95")},
        "throughput_tps": {"p50": speed.throughput_tps("p50"), "p95": speed.throughput_tps("p95")},
    }
