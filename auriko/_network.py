"""Bounds of time on single reads, which httpx fixes when a request starts.

A deadline and a stream's idle time must bound each read anew. httpcore takes the network backend as an argument;
the one here passes everything on, with timeouts cut to the bound that holds in the present context.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterable
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

_until: ContextVar[float | None] = ContextVar("auriko_until", default=None)


@contextlib.contextmanager
def bounded(until: float | None) -> Generator[None]:
    """Within it, no read or connect of our own connections lasts beyond `until` on the monotonic clock."""
    if until is None:
        yield
        return
    token = _until.set(until)
    try:
        yield
    finally:
        _until.reset(token)


def bound_reads(transport: httpx.HTTPTransport | httpx.AsyncHTTPTransport) -> None:
    """Puts our backend below an httpx transport, which has no argument for it.

    These are the only private names of httpx and httpcore in use; a test watches over them.
    """
    pool: Any = transport._pool  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    wrapper = _Backend if isinstance(transport, httpx.HTTPTransport) else _AsyncBackend
    pool._network_backend = wrapper(pool._network_backend)  # noqa: SLF001


def _cut(timeout: float | None) -> float | None:
    until = _until.get()
    if until is None:
        return timeout
    # A timeout of 0 would make a socket non-blocking, which is another kind of error.
    left = max(until - time.monotonic(), 0.001)
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _cut(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _cut(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_tcp(host, port, _cut(timeout), local_address, socket_options))


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, _cut(timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, _cut(timeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, _cut(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _AsyncBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await self._inner.connect_tcp(host, port, _cut(timeout), local_address, socket_options))
