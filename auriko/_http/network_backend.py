"""Connections below httpx: every single read is bounded, and a request's head and body are sent together.

httpx fixes its timeouts when a request starts, but a deadline and a stream's idle time bound each read anew. httpcore
takes the network backend as an argument; the one here passes everything on, with timeouts clamped to the bound that
holds in the present context.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from auriko._http.asyncio_connecting import connect as connect_on_asyncio
from auriko._http.asyncio_connecting import is_on_asyncio
from auriko._http.asyncio_stream import raise_cancellation
from auriko._http.bounds import HeldHead, clamp, clamp_here, close_at_once, readable
from auriko._http.sync_connecting import connect


class _Stream(httpcore.NetworkStream):
    tainted = False  # more came over it than was asked for

    def __init__(self, inner: httpcore.NetworkStream, until: float | None = None, *, joins: bool = True) -> None:
        self._inner = inner
        self._until = until  # by when it has to be connected, TLS included
        self._pid = os.getpid()
        self._joins = joins
        self._held_head = HeldHead(joins=joins)
        self._raw: socket.socket | None = inner.get_extra_info("socket")
        # TLS within TLS has more to a read than its socket's.
        nested = isinstance(inner.get_extra_info("ssl_object"), ssl.SSLObject)
        self._socket: socket.socket | None = None if nested else self._raw
        self._readable = readable(self._raw) if self._raw is not None else None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._socket is None:
            return self._inner.read(max_bytes, clamp_here(timeout))
        try:
            _bound(self._socket, clamp_here(timeout))
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for data in self._held_head.join(buffer):
            self._send(data, clamp_here(timeout))

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
        bound = clamp(clamp_here(timeout), self._until)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, bound), self._until, joins=self._joins)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and (self.tainted or self._readable is not None):
            return self.tainted or (self._readable is not None and self._readable())
        return self._inner.get_extra_info(info)


def _bound(sock: socket.socket, timeout: float | None) -> None:
    """Sets a socket's timeout; what it has already costs no system call."""
    if sock.gettimeout() != timeout:
        sock.settimeout(timeout)


class Backend(httpcore.NetworkBackend):
    """The network of an httpx transport in threads.

    Args:
        inner: The one that it had before.
        joins: Whether heads wait for their bodies; those of a user's own requests do not.

    Attributes:
        inner: As above.
        users: How many of our clients use it, where the transport is a user's.
    """

    def __init__(self, inner: httpcore.NetworkBackend, *, joins: bool = True) -> None:
        self.inner = inner
        self.users = 0
        self.closed = False
        self._joins = joins

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        bound = clamp_here(timeout)
        until = time.monotonic() + bound if bound is not None else None
        if until is not None and isinstance(self.inner, httpcore.SyncBackend):
            inner = connect(self.inner, host, port, until, local_address, socket_options)
        else:
            inner = self.inner.connect_tcp(host, port, bound, local_address, socket_options)
        return self._connected(inner, until)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        return self._connected(self.inner.connect_unix_socket(path, clamp_here(timeout), socket_options), None)

    def _connected(self, inner: httpcore.NetworkStream, until: float | None) -> _Stream:
        stream = _Stream(inner, until, joins=self._joins)
        if self.closed:
            stream.close()
            raise httpcore.ConnectError("The client was closed meanwhile.")
        return stream

    def sleep(self, seconds: float) -> None:
        self.inner.sleep(seconds)


class _AsyncStream(httpcore.AsyncNetworkStream):
    tainted = False  # more came over it than was asked for

    def __init__(self, inner: httpcore.AsyncNetworkStream, until: float | None) -> None:
        self._inner = inner
        self._until = until  # by when it has to be connected, TLS included
        self._held_head = HeldHead()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, clamp_here(timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for data in self._held_head.join(buffer):
            await self._inner.write(data, clamp_here(timeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            bound = clamp(clamp_here(timeout), self._until)
            return _AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, bound), self._until)
        except BaseException:
            close_at_once(self._inner.aclose())  # httpcore forgets it when it is cancelled here
            raise

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self.tainted:  # httpcore takes it for one that has ended
            return True
        return self._inner.get_extra_info(info)


class AsyncBackend(httpcore.AsyncNetworkBackend):
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
        bound = clamp_here(timeout)
        until = time.monotonic() + bound if bound is not None else None
        # asyncio of Python 3.10 has no TLS within TLS, as it is in tunnels.
        if not self._proxied and is_on_asyncio():
            return await connect_on_asyncio(host, port, until)  # our transports have no local address or options
        try:
            stream = await self._inner.connect_tcp(host, port, bound, local_address, socket_options)
        except (httpcore.NetworkError, httpcore.TimeoutException):
            raise
        except Exception as error:
            # anyio's own bookkeeping may fail where it is cancelled at a bad moment.
            await raise_cancellation()
            raise httpcore.ConnectError(str(error)) from error
        return _AsyncStream(stream, until)
