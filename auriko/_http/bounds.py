"""Bounds of time on connections, and heads that are sent with their bodies."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Final

# What is sent within one bound, so that a large request may take its time, and a server that takes no more is noticed.
_PIECE: Final = 64 * 1024
_until: ContextVar[float | None] = ContextVar("auriko_until", default=None)


class bounded:  # noqa: N801 - it is used like a function, and a generator would take ten times as long
    """Within it, no read or connect of our own connections lasts beyond `until` on the monotonic clock."""

    __slots__ = ("_token", "_until")

    def __init__(self, until: float | None) -> None:
        self._until = until

    def __enter__(self) -> None:
        self._token = _until.set(self._until) if self._until is not None else None

    def __exit__(self, *_error: object) -> None:
        if self._token is not None:
            _until.reset(self._token)


def clamp_here(timeout: float | None) -> float | None:
    """A bound in seconds, cut to the one that holds in the present context."""
    return clamp(timeout, _until.get())


def clamp(timeout: float | None, until: float | None) -> float | None:
    """A bound in seconds, cut to what is left until then on the monotonic clock."""
    rest = remaining(until)
    if rest is None or timeout is None:
        return timeout if rest is None else rest
    return min(timeout, rest)


def remaining(until: float | None) -> float | None:
    """The seconds until then; never 0, which would make a socket non-blocking."""
    return None if until is None else max(until - time.monotonic(), 0.001)


class HeldHead:
    """The head of a request, which waits for its body: httpcore writes them apart, which makes two packets of them."""

    __slots__ = ("_head", "_joins")

    def __init__(self, *, joins: bool = True) -> None:
        self._head = b""
        self._joins = joins

    def join(self, data: bytes) -> list[bytes]:
        """The pieces to be sent now. After each request there is a write of nothing, so that no head is left behind."""
        head, self._head = self._head, b""
        if self._joins and not head and data.startswith(b"POST ") and data.endswith(b"\r\n\r\n"):
            self._head = data
            return []
        data = head + data
        if len(data) <= _PIECE:
            return [data] if data else []
        return [data[start : start + _PIECE] for start in range(0, len(data), _PIECE)]


def readable(sock: Any) -> Callable[[], bool]:
    """A function that is true if a socket can be read from at once, as one that has ended can."""
    if not hasattr(select, "poll"):  # Windows
        return lambda: bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return lambda: bool(poll.poll(0))


def close_at_once(closing: Coroutine[Any, Any, None]) -> None:
    """Closes a socket without waiting: where its closing only gives others a turn, it goes on at once.

    On trio that turn is where the socket has been closed already.
    """
    with contextlib.suppress(StopIteration, RuntimeError, OSError):
        while closing.send(None) is None:
            pass
    closing.close()
