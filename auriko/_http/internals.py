"""What httpx and httpcore cannot be asked for: bounds of time on single reads, and a pool that cancelling leaves whole.

httpx fixes its timeouts when a request starts, but a deadline and a stream's idle time bound each read anew. httpcore
takes the network backend as an argument; the one here passes everything on, with timeouts cut to the bound that holds
in the present context.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import sys
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable
from typing import Any, Final

import h11
import httpcore
import httpx

from auriko._http.asyncio_stream import AsyncioStream
from auriko._http.bounds import Unsent, cut, readable
from auriko._http.chunked import ChunkDecoder

# The extension of a request by which it is found again in its pool.
MARK: Final = "auriko"
MAX_READ: Final = 64 * 1024
_WITHOUT_BODY: Final = frozenset({204, 304})


# The private names of httpx and httpcore in use are in the six functions below; a test watches over them.


def bound_reads(transport: httpx.HTTPTransport | httpx.AsyncHTTPTransport) -> None:
    """Puts our backend below an httpx transport, which has no argument for it."""
    pool: Any = transport._pool  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    inner = pool._network_backend  # noqa: SLF001
    if isinstance(inner, (_Backend, _AsyncBackend)):
        return
    if isinstance(transport, httpx.HTTPTransport):
        pool._network_backend = _Backend(inner)  # noqa: SLF001
    else:
        proxied = type(pool) is not httpcore.AsyncConnectionPool
        pool._network_backend = _AsyncBackend(inner, proxied=proxied)  # noqa: SLF001


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
        connection = response.extensions["network_stream"]
        if not _is_chunked(response):
            return ArrivedBody(protocol, connection)
        arrived = bytes(protocol._receive_buffer.maybe_extract_at_most(sys.maxsize) or b"")  # noqa: SLF001
    except (AttributeError, KeyError):
        return None
    body = ArrivedBody(protocol, connection, ChunkDecoder())
    if arrived:
        body.add(arrived)
    return body


def direct(stream: httpcore.AsyncNetworkStream) -> AsyncioStream | None:
    """The same connection without anyio, or None where it is not one of asyncio's."""
    try:
        loop = asyncio.get_running_loop()
        inner: Any = stream
        return AsyncioStream(inner._stream._transport, loop)  # noqa: SLF001
    except (AttributeError, RuntimeError):
        return None


def _is_chunked(response: httpx.Response) -> bool:
    return (
        response.headers.get("transfer-encoding", "").strip().lower() == "chunked"
        and response.status_code not in _WITHOUT_BODY
    )


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
    """A body in httpcore, which hands out one HTTP chunk at a time, through four generators.

    Args:
        protocol: What h11 knows of the connection; it stands before the body's first byte.
        connection: What to read more from.
        chunks: What reads chunks in its place, where there are any.
    """

    __slots__ = ("_chunks", "_connection", "_emptied", "_ended", "_failure", "_parts", "_protocol")

    def __init__(self, protocol: h11.Connection, connection: Any, chunks: ChunkDecoder | None = None) -> None:
        self._connection = connection
        self._protocol = protocol
        self._chunks = chunks
        self._parts: list[bytes] = []
        self._emptied = False  # h11 has said that it needs more; to ask again takes it as long as an event does
        self._ended = False
        self._failure: Exception | None = None

    @property
    def connection(self) -> Any:
        return self._connection

    def add(self, read: bytes) -> None:
        chunks = self._chunks
        if chunks is not None:
            if read:
                self._parts += chunks.feed(read)
            else:
                chunks.finish()
            if chunks.malformed:
                self._failure = h11.RemoteProtocolError("malformed chunk footer")
            if chunks.rest is None:
                return
            self._chunks = None  # h11 stands where the rest begins
            if chunks.rest:
                self._protocol.receive_data(chunks.rest)
            if read:
                return
        self._protocol.receive_data(read)
        self._emptied = False

    def take(self) -> bytes | None:
        parts, self._parts = self._parts, []
        if self._chunks is None and self._failure is None:
            self._ask_protocol(parts)
        if parts:
            return parts[0] if len(parts) == 1 else b"".join(parts)
        if self._failure is not None:
            raise httpcore.RemoteProtocolError(str(self._failure)) from self._failure
        return b"" if self._ended else None

    def _ask_protocol(self, parts: list[bytes]) -> None:
        try:
            while not self._ended and not self._emptied:
                event = self._protocol.next_event()
                if isinstance(event, h11.Data):
                    parts.append(event.data)
                elif event is h11.NEED_DATA:
                    self._emptied = True
                else:
                    self._ended = True
        except h11.RemoteProtocolError as error:
            self._failure = error


def _finish_now(closing: Coroutine[Any, Any, None]) -> None:
    """Closes a socket without waiting: where its closing only gives others a turn, it goes on at once.

    On trio that turn is where the socket has been closed already.
    """
    with contextlib.suppress(StopIteration, RuntimeError, OSError):
        while closing.send(None) is None:
            pass
    closing.close()


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._pid = os.getpid()
        self._unsent = Unsent()
        self._raw: socket.socket | None = inner.get_extra_info("socket")
        # TLS within TLS has more to a read than its socket's.
        nested = isinstance(inner.get_extra_info("ssl_object"), ssl.SSLObject)
        self._socket: socket.socket | None = None if nested else self._raw
        self._readable = readable(self._raw) if self._raw is not None else None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._socket is None:
            return self._inner.read(max_bytes, cut(timeout))
        try:
            _bound(self._socket, cut(timeout))
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for data in self._unsent.with_next(buffer):
            self._send(data, cut(timeout))

    def _send(self, data: bytes, timeout: float | None) -> None:
        if self._socket is None:
            self._inner.write(data, timeout)
            return
        try:
            _bound(self._socket, timeout)
            sent = self._socket.send(data)
            while sent < len(data):
                sent += self._socket.send(memoryview(data)[sent:])
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        if self._raw is not None and self._pid == os.getpid():  # that of a parent process must not be shut down
            with contextlib.suppress(OSError):
                # Without it, a thread that waits for this socket would go on waiting.
                self._raw.shutdown(socket.SHUT_RDWR)
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, cut(timeout)))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._readable is not None:
            return self._readable()
        return self._inner.get_extra_info(info)


def _bound(sock: socket.socket, timeout: float | None) -> None:
    """Sets a socket's timeout; what it has already costs no system call."""
    if sock.gettimeout() != timeout:
        sock.settimeout(timeout)


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
    def __init__(self, inner: httpcore.AsyncNetworkBackend, *, proxied: bool) -> None:
        self._inner = inner
        self._proxied = proxied

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._inner.connect_tcp(host, port, cut(timeout), local_address, socket_options)
        # asyncio of Python 3.10 has no TLS within TLS, as it is in tunnels.
        return (None if self._proxied else direct(stream)) or _AsyncStream(stream)
