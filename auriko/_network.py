"""What httpx and httpcore cannot be asked for: bounds of time on single reads, and a pool that cancelling leaves whole.

httpx fixes its timeouts when a request starts, but a deadline and a stream's idle time bound each read anew. httpcore
takes the network backend as an argument; the one here passes everything on, with timeouts cut to the bound that holds
in the present context.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable
from contextvars import ContextVar
from typing import Any, Final

import h11
import httpcore
import httpx

# The extension of a request by which it is found again in its pool.
MARK: Final = "auriko"
MAX_READ: Final = 64 * 1024
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


# The private names of httpx and httpcore in use are in the five functions below; a test watches over them.


def bound_reads(transport: httpx.HTTPTransport | httpx.AsyncHTTPTransport) -> None:
    """Puts our backend below an httpx transport, which has no argument for it."""
    pool: Any = transport._pool  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    inner = pool._network_backend  # noqa: SLF001
    if not isinstance(inner, (_Backend, _AsyncBackend)):
        wrapper = _Backend if isinstance(transport, httpx.HTTPTransport) else _AsyncBackend
        pool._network_backend = wrapper(inner)  # noqa: SLF001


def shut(transport: httpx.HTTPTransport) -> None:
    """Closes a transport, also for threads that are connecting: their connections close as soon as they are there."""
    pool: Any = transport._pool  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    pool._network_backend.closed = True  # noqa: SLF001
    transport.close()


def bound_client(client: httpx.Client) -> None:
    """Does so for the transports of a user's client; those of other libraries stay as they are."""
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        if isinstance(transport, httpx.HTTPTransport):
            bound_reads(transport)


def discard(transport: httpx.HTTPTransport | httpx.AsyncHTTPTransport, mark: object) -> None:
    """Takes what a failed or cancelled call left in a pool out of it, at once and without awaiting.

    A task that is cancelled while httpcore 1.0 takes a lock leaves its connection or its request behind, so does a
    TLS failure inside a proxy's tunnel; a pool that has lost enough of them makes every call wait for nothing.
    """
    pool: Any = transport._pool  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    with pool._optional_thread_lock:  # noqa: SLF001
        requests: list[Any] = pool._requests  # noqa: SLF001
        requests[:] = [entry for entry in requests if entry.request.extensions.get(MARK) is not mark]
        in_use = {id(entry.connection) for entry in requests}
        lost: list[Any] = []
        for connection in pool.connections:
            if id(connection) not in in_use and not connection.is_idle() and not connection.is_closed():
                pool._connections.remove(connection)  # noqa: SLF001
                lost.append(connection)
        lost += pool._assign_requests_to_connections()  # noqa: SLF001
    for connection in lost:
        if isinstance(transport, httpx.HTTPTransport):
            connection.close()
        else:
            _finish_now(connection.aclose())


def arrived_body(response: httpx.Response) -> ReadableBody | None:
    """What reads the body straight from its connection, or None where that is not one of ours."""
    stream: Any = response.stream
    if isinstance(stream, ReadableBody):
        return stream
    try:
        protocol = stream._httpcore_stream._stream._connection._h11_state  # noqa: SLF001
        return ArrivedBody(protocol, response.extensions["network_stream"])
    except (AttributeError, KeyError):
        return None


class ReadableBody(ABC):
    """A body as its bytes arrive."""

    __slots__ = ()

    @property
    @abstractmethod
    def connection(self) -> Any:
        """What to read more from: bytes by `read(at most, bound in seconds)`, awaited on event loops."""

    @abstractmethod
    def add(self, read: bytes) -> None:
        """Takes what was read; nothing is the end of the connection."""

    @abstractmethod
    def take(self) -> bytes | None:
        """All that has arrived and was not taken before: empty at the body's end, None if more is to be read.

        Raises:
            httpcore.ProtocolError, httpx.HTTPError: The connection ended within the body, or brought what is no HTTP.
        """


class ArrivedBody(ReadableBody):
    """A body in httpcore, which hands out one HTTP chunk at a time, through four generators."""

    __slots__ = ("_connection", "_ended", "_failure", "_protocol")

    def __init__(self, protocol: h11.Connection, connection: Any) -> None:
        self._connection = connection
        self._protocol = protocol
        self._ended = False
        self._failure: h11.RemoteProtocolError | None = None

    @property
    def connection(self) -> Any:
        return self._connection

    def add(self, read: bytes) -> None:
        self._protocol.receive_data(read)

    def take(self) -> bytes | None:
        parts: list[bytes] = []
        try:
            while not self._ended and self._failure is None:
                event = self._protocol.next_event()
                if isinstance(event, h11.Data):
                    parts.append(event.data)
                elif event is h11.NEED_DATA:
                    if not parts:
                        return None
                    break
                else:
                    self._ended = True
        except h11.RemoteProtocolError as error:
            self._failure = error
        if self._failure is not None and not parts:
            raise httpcore.RemoteProtocolError(str(self._failure)) from self._failure
        return b"".join(parts)


def _finish_now(closing: Coroutine[Any, Any, None]) -> None:
    """Closes a socket without waiting: where its closing only gives others a turn, it goes on at once.

    On trio that turn is where the socket has been closed already.
    """
    with contextlib.suppress(StopIteration, RuntimeError, OSError):
        while closing.send(None) is None:
            pass
    closing.close()


def cut(timeout: float | None) -> float | None:
    """A bound in seconds, cut to the one that holds in the present context."""
    until = _until.get()
    if until is None:
        return timeout
    # A timeout of 0 would make a socket non-blocking, which is another kind of error.
    left = max(until - time.monotonic(), 0.001)
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._pid = os.getpid()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, cut(timeout))

    def close(self) -> None:
        if self._pid == os.getpid():  # the socket of a parent process must not be shut down
            with contextlib.suppress(OSError):
                # Without it, a thread that waits for this socket would go on waiting.
                self._inner.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, cut(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner
        self.closed = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = _Stream(self._inner.connect_tcp(host, port, cut(timeout), local_address, socket_options))
        if self.closed:
            stream.close()
            raise httpcore.ConnectError("The client was closed meanwhile.")
        return stream


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, cut(timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, cut(timeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, cut(timeout)))
        except BaseException:
            _finish_now(self._inner.aclose())  # httpcore forgets it when it is cancelled here
            raise

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
        return _AsyncStream(await self._inner.connect_tcp(host, port, cut(timeout), local_address, socket_options))
