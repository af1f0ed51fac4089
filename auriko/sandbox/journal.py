"""What the sandbox has seen and decided, for tests to assert on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it arrived.

    Attributes:
        headers: By lower-case name; the key in `authorization` is replaced by asterisks.
        json: The body, or None if it was not JSON.
        connection: Number of the connection that it came by, from 1.
        at: `time.monotonic()` of its arrival.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    json: Any
    connection: int
    at: float


class Journal:
    """The latest requests and decisions; old ones are forgotten."""

    def __init__(self) -> None:
        self.requests: deque[ReceivedRequest] = deque(maxlen=_KEPT)
        self.decisions: deque[dict[str, Any]] = deque(maxlen=_KEPT)


def redacted(headers: dict[str, str]) -> dict[str, str]:
    """The headers without the key."""
    if "authorization" not in headers:
        return headers
    scheme, _, _ = headers["authorization"].partition(" ")
    return {**headers, "authorization": f"{scheme} ***"}
