"""What the sandbox has seen and decided, for tests to assert on."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, NamedTuple

RETRY_HEADER = "x-auriko-retry-count"

_KEPT = 1000


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it arrived.

    Attributes:
        headers: By lower-case name; the key in `authorization` is replaced by asterisks.
        json: The body, or None if it was not a JSON object.
        connection: Number of the connection that it came by.
        at: `time.monotonic()` of its arrival.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    json: Any
    connection: int
    at: float

    @property
    def retry(self) -> int:
        """How many times the client has tried this before, by its own count."""
        count = self.headers.get(RETRY_HEADER, "")
        return int(count) if count.isdigit() else 0


class _Reply(NamedTuple):
    request: ReceivedRequest
    status: int
    retry_after: float | None


class Journal:
    """The latest requests and decisions; old ones are forgotten."""

    def __init__(self) -> None:
        self.requests: deque[ReceivedRequest] = deque(maxlen=_KEPT)
        self.decisions: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._replies: deque[_Reply] = deque(maxlen=_KEPT)
        self._statuses: Counter[int] = Counter()
        self._connections: set[int] = set()
        self._retries = self._waited = self._hurried = 0
        self._total = 0

    def arrived(self, request: ReceivedRequest) -> None:
        """Note a request, and whether it waited as long as it had been told to."""
        self._total += 1
        self._connections.add(request.connection)
        if request.retry:
            self._retries += 1
            self._judge_wait(request)
        self.requests.append(request)

    def answered(self, request: ReceivedRequest, status: int, retry_after: str | None) -> None:
        """Note the reply to a request; `retry_after` is the header of that name."""
        self._statuses[status] += 1
        self._replies.append(_Reply(request, status, None if retry_after is None else float(retry_after)))

    def report(self) -> dict[str, Any]:
        """How the clients have behaved so far."""
        return {
            "requests": self._total,
            "connections": len(self._connections),
            "statuses": {str(status): count for status, count in sorted(self._statuses.items())},
            "retries": self._retries,
            "retry_after": {"honoured": self._waited, "ignored": self._hurried},
        }

    def _judge_wait(self, retry: ReceivedRequest) -> None:
        """Compare with the last reply to the same body, if that said how long to wait."""
        for request, _, retry_after in reversed(self._replies):
            if request.path == retry.path and request.json == retry.json and request.retry == retry.retry - 1:
                if retry_after is not None:
                    waited = retry.at - request.at
                    self._waited += waited >= retry_after
                    self._hurried += waited < retry_after
                return


def redacted(headers: dict[str, str]) -> dict[str, str]:
    """The headers without the key."""
    if "authorization" not in headers:
        return headers
    scheme, _, _ = headers["authorization"].partition(" ")
    return {**headers, "authorization": f"{scheme} ***"}
