"""Requests that the sandbox has received and how it replied, for tests to assert on and people to look at."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Literal

from auriko.sandbox.journal.records import Report

# Auriko's clients count by the first, those of the package openai by the second.
RETRY_HEADER = "x-auriko-retry-count"
_RETRY_HEADERS = (RETRY_HEADER, "x-stainless-retry-count")

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
    def kept(self) -> int:
        """The bytes of what is kept of the body."""
        return self.size if self.json is not None else 0

    @property
    def retry(self) -> int:
        """The number of times that the client has tried this before, by its own count."""
        count = next((self.headers[name] for name in _RETRY_HEADERS if name in self.headers), "")
        return int(count) if re.fullmatch("[0-9]{1,9}", count) else 0


@dataclass(slots=True)
class NotedRequest:
    """A request and what came of it, as far as it is known.

    Attributes:
        id: The reply's X-Request-ID.
        at: When it arrived, in seconds since the epoch.
        status: The status of the reply, or None before it.
        code: The code of the error, or None.
        broken: How the reply ended early: `cut` by the sandbox, or `left` by the client; None where it did not.
        retried: Whether the client has sent it again since.
        retry_after: The seconds of that header of the reply.
        answered_at: `time.monotonic()` of the reply.
    """

    request: ReceivedRequest
    id: str
    at: float = field(default_factory=time.time)
    status: int | None = None
    code: str | None = None
    broken: Literal["cut", "left"] | None = None
    retried: bool = False
    retry_after: float | None = None
    answered_at: float | None = None

    @property
    def failed(self) -> bool:
        """True if no whole reply came of it."""
        return self.broken is not None or (self.status is not None and self.status >= 400)


class RequestLog:
    """The latest requests; old ones are forgotten."""

    def __init__(self) -> None:
        self._noted: deque[NotedRequest] = deque()
        self._bytes = 0
        self._statuses: Counter[int] = Counter()
        self._cut = 0
        self._connections: set[int] = set()
        self._retries = self._waited = self._hurried = 0
        self._total = 0

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The latest requests, oldest first."""
        return [noted.request for noted in self._noted.copy()]

    @property
    def noted(self) -> list[NotedRequest]:
        """The latest requests with what came of them, oldest first."""
        return list(self._noted.copy())

    @property
    def errors(self) -> int:
        """How many requests got an error, or a reply that the sandbox cut."""
        return self._cut + sum(count for status, count in self._statuses.items() if status >= 400)

    def add(self, request: ReceivedRequest, request_id: str) -> NotedRequest:
        """Note a request, and whether it waited as long as it had been told to."""
        self._total += 1
        self._connections.add(request.connection)
        if request.retry:
            self._retries += 1
            self._judge_wait(request)
        noted = NotedRequest(request, request_id)
        self._noted.append(noted)
        self._bytes += request.kept
        while len(self._noted) > _KEPT or (self._bytes > _KEPT_BYTES and len(self._noted) > 1):
            self._bytes -= self._noted.popleft().request.kept
        return noted

    def answered(self, noted: NotedRequest, status: int, retry_after: str | None, code: str | None) -> None:
        """Note the head of the reply to a request."""
        self._statuses[status] += 1
        noted.status, noted.code, noted.answered_at = status, code, time.monotonic()
        noted.retry_after = None if retry_after is None else float(retry_after)

    def broke(self, noted: NotedRequest, how: Literal["cut", "left"]) -> None:
        """Note that the reply to a request ended early."""
        self._cut += how == "cut"
        noted.broken = how

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
            request, answered_at = noted.request, noted.answered_at
            is_this = (request.path, request.json, request.retry) == (retry.path, retry.json, retry.retry - 1)
            if is_this and answered_at is not None:
                noted.retried = True
                if noted.retry_after is not None:
                    waited = retry.at - answered_at >= noted.retry_after
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
