"""Requests that the sandbox has seen and decisions it has made, for tests to assert on and people to look at."""

from __future__ import annotations

import re
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from auriko.sandbox.answer import Finished
from auriko.sandbox.journal.decisions import candidate_record, dropped_record
from auriko.sandbox.journal.records import AttemptRecord, DecisionRecord, Report, Spend
from auriko.sandbox.request import InferenceRequest
from auriko.sandbox.router.candidates import Candidate
from auriko.sandbox.router.decide import Decision, strategy_of
from auriko.sandbox.router.filters import NobodyError

RETRY_HEADER = "x-auriko-retry-count"

_KEPT = 1000
_KEPT_BYTES = 64 * 1024 * 1024  # of bodies, which may hold pictures
_SECRETS = frozenset({"x-api-key", "api-key", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it arrived.

    Attributes:
        headers: By lower-case name; the key in `authorization` is replaced by asterisks.
        json: The body, or None if it was not a JSON object.
        size: Bytes of the body.
        connection: Number of the connection that it came by.
        at: `time.monotonic()` of its arrival.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    json: Any
    size: int
    connection: int
    at: float

    @property
    def retry(self) -> int:
        """The number of times that the client has tried this before, by its own count."""
        count = self.headers.get(RETRY_HEADER, "")
        return int(count) if re.fullmatch("[0-9]{1,9}", count) else 0


class _Reply(NamedTuple):
    retry_after: float | None
    at: float


class _Noted:
    """A request and the reply to it, once there is one."""

    def __init__(self, request: ReceivedRequest) -> None:
        self.request = request
        self.reply: _Reply | None = None


class Journal:
    """The latest requests and decisions; old ones are forgotten.

    Attributes:
        spend: What each provider has been asked and paid for, by its id, since the start.
    """

    def __init__(self) -> None:
        self.decisions: deque[DecisionRecord] = deque(maxlen=_KEPT)
        self.spend: dict[str, Spend] = {}
        self._noted: deque[_Noted] = deque()
        self._bytes = 0
        self._statuses: Counter[int] = Counter()
        self._connections: set[int] = set()
        self._retries = self._waited = self._hurried = 0
        self._total = 0

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The latest requests, oldest first."""
        return [noted.request for noted in self._noted.copy()]

    def arrived(self, request: ReceivedRequest) -> Callable[[int, str | None], None]:
        """Note a request, and whether it waited as long as it had been told to.

        What comes back takes note of the reply: its status, and its header `Retry-After`.
        """
        self._total += 1
        self._connections.add(request.connection)
        if request.retry:
            self._retries += 1
            self._judge_wait(request)
        noted = _Noted(request)
        self._noted.append(noted)
        self._bytes += request.size
        while len(self._noted) > _KEPT or (self._bytes > _KEPT_BYTES and len(self._noted) > 1):
            self._bytes -= self._noted.popleft().request.size

        def answered(status: int, retry_after: str | None) -> None:
            self._statuses[status] += 1
            noted.reply = _Reply(None if retry_after is None else float(retry_after), time.monotonic())

        return answered

    def decided(self, request: InferenceRequest, decision: Decision) -> list[AttemptRecord]:
        """Note a decision; the attempts that come of it are put into the list that comes back."""
        return self._note(request, decision)

    def refused(self, request: InferenceRequest, nobody: NobodyError) -> None:
        """Note that nobody could serve a request."""
        self._note(request, Decision(strategy_of(request), nobody.message, (), nobody.dropped))

    def _note(self, request: InferenceRequest, decision: Decision) -> list[AttemptRecord]:
        attempts: list[AttemptRecord] = []
        self.decisions.append(
            {
                "id": f"dec_{secrets.token_hex(8)}",
                "request_id": request.id,
                "at": time.time(),
                "endpoint": request.endpoint,
                "models": list(request.models),
                "strategy": decision.strategy,
                "reason": decision.reason,
                "candidates": [candidate_record(scored) for scored in decision.order],
                "dropped": [dropped_record(candidate, drop) for candidate, drop in decision.dropped],
                "attempts": attempts,
            }
        )
        return attempts

    def tried(self, attempts: list[AttemptRecord], candidate: Candidate) -> AttemptRecord:
        """Note that a candidate is being tried."""
        attempt: AttemptRecord = {"provider": candidate.provider, "model": candidate.model.id}
        attempts.append(attempt)
        self._spend(attempt)["tried"] += 1
        return attempt

    def failed(self, attempt: AttemptRecord, code: str, message: str) -> None:
        """Note that an attempt came to nothing."""
        attempt.update({"failed": message, "code": code})
        self._spend(attempt)["failed"] += 1

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
        spend = self._spend(attempt)
        spend["answered"] += 1
        spend["prompt_tokens"] += end.counts.prompt
        spend["completion_tokens"] += end.counts.completion
        spend["usd"] += end.bill.usd

    def _spend(self, attempt: AttemptRecord) -> Spend:
        nothing: Spend = {
            "tried": 0,
            "answered": 0,
            "failed": 0,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "usd": 0.0,
        }
        return self.spend.setdefault(attempt["provider"], nothing)

    def report(self) -> Report:
        """The clients' behaviour so far."""
        return {
            "requests": self._total,
            "connections": len(self._connections),
            "statuses": {str(status): count for status, count in sorted(self._statuses.items())},
            "retries": self._retries,
            "retry_after": {"honoured": self._waited, "ignored": self._hurried},
        }

    def _judge_wait(self, retry: ReceivedRequest) -> None:
        """Compare with the last reply to the same body, if that said how long to wait."""
        for noted in reversed(self._noted):
            request, reply = noted.request, noted.reply
            if reply and (request.path, request.json, request.retry) == (retry.path, retry.json, retry.retry - 1):
                if reply.retry_after is not None:
                    waited = retry.at - reply.at >= reply.retry_after
                    self._waited += waited
                    self._hurried += not waited
                return


def redacted(headers: dict[str, str]) -> dict[str, str]:
    """The headers without keys."""
    hidden = dict.fromkeys(headers.keys() & _SECRETS, "***")
    if "authorization" in headers:
        scheme, space, _ = headers["authorization"].partition(" ")
        hidden["authorization"] = f"{scheme} ***" if space else "***"
    return headers | hidden
