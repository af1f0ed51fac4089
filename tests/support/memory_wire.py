"""Transports of ours over wires in memory: what a server sends is read in pieces, without a socket or a wait."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpcore
import httpx
import pytest

import auriko._http.network_backend
import auriko._http.shards
from auriko._http.asyncio_stream import AsyncioStream, _fail
from auriko._http.channel import AsyncChannel, Channel
from auriko._http.network_backend import AsyncBackend, Backend
from auriko._http.pool import AsyncPool, Pool
from auriko._rules.exchange import Close, Read, Send, Steps
from auriko.errors import AurikoAPIError
from tests.support.http_grammar import Wire

URL = "http://127.0.0.1:1/v1"
OPTIONS: dict[str, Any] = {"verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "limits": httpx.Limits(max_connections=2)}
_FOREVER = httpx.Timeout(60.0)
# Status and body, or the error; and whether the connection would be used for the next call.
Outcome = tuple[tuple[int, bytes] | AurikoAPIError, bool]


def _steps() -> Steps[tuple[int, bytes]]:
    answer = yield Send("POST", f"{URL}/x", httpx.Headers({"Host": "x", "Accept": "*/*"}), b"{}", _FOREVER, None)
    body = b""
    while part := (yield Read(None)):
        body += part
    yield Close()
    return answer.status, body


class _Stream(httpcore.NetworkStream):
    def __init__(self, sent: Wire) -> None:
        self._pieces = list(sent.pieces)
        self._closes = sent.closes

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        if self._closes:
            return b""
        raise httpcore.ReadTimeout("silence")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pass

    def close(self) -> None:
        pass

    def get_extra_info(self, info: str) -> Any:
        return bool(self._pieces) or self._closes if info == "is_readable" else None


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self.sent = Wire()

    def connect_tcp(self, *_args: Any, **_more: Any) -> httpcore.NetworkStream:
        return _Stream(self.sent)


class _AsyncStream(httpcore.AsyncNetworkStream):
    """As for trio, and behind proxies."""

    def __init__(self, inner: _Stream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pass

    async def aclose(self) -> None:
        pass

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Transport(asyncio.Transport):
    """One of asyncio's, which delivers a piece with each turn of the loop."""

    def __init__(self, sent: Wire, sock: socket.socket, stream: AsyncioStream) -> None:
        super().__init__({"socket": sock})
        self._sent = sent
        self._stream = stream
        self._closed = False
        stream.connection_made(self)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self._closed

    def abort(self) -> None:
        self._closed = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        asyncio.get_running_loop().call_soon(self._deliver, list(self._sent.pieces))

    def _deliver(self, pieces: list[bytes]) -> None:
        stream = self._stream
        if self._closed:
            return
        if pieces:
            stream.data_received(pieces.pop(0))
        elif self._sent.closes:
            stream.eof_received()
            return
        elif stream._reading is not None:
            _fail(stream._reading, httpcore.ReadTimeout)
        asyncio.get_running_loop().call_soon(self._deliver, pieces)


class _Network(httpcore.AsyncNetworkBackend):
    """By way of httpcore's backends, or of `connect`, as on asyncio."""

    def __init__(self, sock: socket.socket) -> None:
        self.sent = Wire()
        self._sock = sock

    async def connect_tcp(self, *_args: Any, **_more: Any) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(_Stream(self.sent))

    async def connect(self, *_args: Any) -> AsyncioStream:
        stream = AsyncioStream(asyncio.get_running_loop())
        _Transport(self.sent, self._sock, stream)
        return stream


def _on(transport: Any, backend: Any) -> Any:
    """The transport with this network below it."""
    if hasattr(transport, "_pool"):
        transport._pool._network_backend = backend
    else:
        transport._backend = backend
    return transport


def _would_be_used_again(transport: Any) -> bool:
    """Whether the connection of the last call is idle and sound."""
    if hasattr(transport, "_pool"):
        return any(connection.is_idle() and not connection.has_expired() for connection in transport._pool.connections)
    return transport._take_idle() is not None


def _close_connections(transport: Any) -> Any:
    """Closes them, so that the next call has a new one."""
    if isinstance(transport, httpx.HTTPTransport):
        return transport._pool.close()
    if isinstance(transport, httpx.AsyncHTTPTransport):
        return transport._pool.aclose()
    transport._close_all()
    transport._closed = False
    return asyncio.sleep(0) if isinstance(transport, httpx.AsyncBaseTransport) else None


@contextlib.contextmanager
def in_threads(transport: Any) -> Iterator[Callable[[Wire], Outcome]]:
    """What comes of a wire in a client for threads, over this transport."""
    backend = _Backend()
    _on(transport, Backend(backend))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auriko._http.shards, "open_transport", lambda *_: transport)
        pool = Pool(URL, None)

        def outcome(sent: Wire) -> Outcome:
            backend.sent = sent
            result: Any
            try:
                result = Channel(pool).run(_steps())
            except AurikoAPIError as error:
                result = error
            reused = _would_be_used_again(transport)
            _close_connections(transport)
            return result, reused

        yield outcome
        pool.close()


async def on_loop(wires: list[Wire], transport: Any, *, asyncios_own: bool) -> list[Outcome]:
    """What comes of each wire in a client for event loops, over this transport."""
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.MonkeyPatch.context() as patch:
        network = _Network(ours)
        patch.setattr(auriko._http.network_backend, "connect_on_asyncio", network.connect)
        _on(transport, AsyncBackend(network, proxied=not asyncios_own))
        patch.setattr(auriko._http.shards, "open_transport", lambda *_: transport)
        pool = AsyncPool(URL, None)
        outcomes: list[Outcome] = []
        for sent in wires:
            network.sent = sent
            result: Any
            try:
                result = await AsyncChannel(pool).run(_steps())
            except AurikoAPIError as error:
                result = error
            for _ in range(len(sent.pieces) + 2):
                await asyncio.sleep(0)  # so that what is left arrives
            reused = _would_be_used_again(transport)
            await _close_connections(transport)
            outcomes.append((result, reused))
        await pool.close()
        return outcomes
