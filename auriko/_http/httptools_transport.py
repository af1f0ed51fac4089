"""A transport on httptools, for `http_client="httptools"`: less CPU time than httpx's, in threads and on event loops.

It sends over the streams that the connections of httpx send over, so TLS and the bounds of time are the same. In place
of httpcore and h11 it has a list of idle connections, and a parser in C. Proxies are left to httpx.
"""

from __future__ import annotations

import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

import anyio
import anyio.lowlevel
import httpcore
import httpx

from auriko._http.body import MAX_READ
from auriko._http.bounds import close_at_once
from auriko._http.network_backend import AsyncBackend, Backend
from auriko._http.reply import ArrivingReply
from auriko._http.requests import head_of

_PORTS: Final = {"http": 80, "https": 443}


class _Body(ArrivingReply, httpx.SyncByteStream, httpx.AsyncByteStream):
    """A reply whose body httpx iterates over where it is compressed."""

    def __init__(self, connection: Any, patience: float | None, leave: Callable[[_Body], None]) -> None:
        super().__init__(connection)
        self._patience = patience
        self._leave = leave

    def __iter__(self) -> Iterator[bytes]:
        while (part := self.take_part()) != b"":
            if part is None:
                self.add(self.connection.read(MAX_READ, self._patience))
            else:
                yield part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := self.take_part()) != b"":
            if part is None:
                self.add(await self.connection.read(MAX_READ, self._patience))
            else:
                yield part

    def close(self) -> None:
        """Gives the connection back if the reply was read to its end, else closes it."""
        self._leave(self)

    async def aclose(self) -> None:
        """Gives the connection back if the reply was read to its end, else closes it."""
        self._leave(self)


class _Connections(ABC):
    """The base of both transports: everything but the waiting."""

    _backend: Any
    _turns: Any  # as many as connections may be in use

    def __init__(self, *, verify: ssl.SSLContext, limits: httpx.Limits, proxy: None) -> None:  # noqa: ARG002 - there is none
        verify.set_alpn_protocols(["http/1.1"])
        self._tls = verify
        self._keep = limits.keepalive_expiry or 0.0
        self._open: set[Any] = set()
        self._idle: deque[tuple[Any, float]] = deque()  # each with the time until which it is kept
        self._closed = False

    @abstractmethod
    def _wait_for_turn(self, patience: float | None) -> Any:
        """Waits until one more connection may be used."""

    @abstractmethod
    def _shut(self, connection: Any) -> None:
        """Closes a connection without waiting."""

    @abstractmethod
    async def _perform(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """What comes of a step, which is awaited on an event loop; in a thread nothing here ever waits."""

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        """The head of the reply.

        Raises:
            httpx.HTTPError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError: There is none.
        """
        phases: dict[str, float | None] = request.extensions["timeout"]
        head = head_of(request)
        await self._perform(self._wait_for_turn, phases["pool"])
        connection = None
        try:
            connection = self._take_idle() or await self._connect(request.url, phases["connect"])
            try:
                await self._perform(connection.write, head, phases["write"])
                await self._perform(connection.write, request.content, phases["write"])
            except httpcore.WriteError:
                pass  # a server that refuses a request may have said so before it closed
            reply = _Body(connection, phases["read"], self._leave)
            while not reply.has_head:
                reply.take()  # it raises what is wrong
                reply.add(await self._perform(connection.read, MAX_READ, phases["read"]))
        except BaseException:
            self._forget(connection)
            self._turns.release()
            raise
        return httpx.Response(reply.status, headers=reply.headers, stream=reply)

    async def _connect(self, url: httpx.URL, patience: float | None) -> Any:
        host = url.raw_host.decode("ascii")
        connection = await self._perform(self._backend.connect_tcp, host, url.port or _PORTS[url.scheme], patience)
        try:
            if url.scheme == "https":
                connection = await self._perform(connection.start_tls, self._tls, host, patience)
            self._open.add(connection)
            self._check_open()
        except BaseException:
            self._forget(connection)
            raise
        return connection

    def _check_open(self) -> None:
        if self._closed:
            raise httpcore.ConnectError("The client was closed meanwhile.")

    def _take_idle(self) -> Any:
        """The idle connection that was used last, if there is a sound one."""
        now = time.monotonic()
        try:
            while self._idle[0][1] < now:
                self._forget(self._idle.popleft()[0])
            while True:
                connection, _ = self._idle.pop()
                if not connection.get_extra_info("is_readable"):  # else it has ended, or something came unasked
                    return connection
                self._forget(connection)
        except IndexError:
            return None

    def _leave(self, reply: _Body) -> None:
        """Takes the connection back when its reply has been read, or is not wanted any more."""
        connection = reply.let_go()
        if connection is not None:
            if reply.reusable and not self._closed:
                self._idle.append((connection, time.monotonic() + self._keep))
            else:
                self._forget(connection)
            self._turns.release()

    def _forget(self, connection: Any) -> None:
        if connection is not None:
            self._open.discard(connection)
            self._shut(connection)

    def _close_all(self) -> None:
        self._closed = True
        for connection in list(self._open):
            self._forget(connection)


class HttptoolsTransport(_Connections, httpx.BaseTransport):
    """The connections of threads."""

    def __init__(self, *, verify: ssl.SSLContext, limits: httpx.Limits, proxy: None) -> None:
        super().__init__(verify=verify, limits=limits, proxy=proxy)
        self._backend = Backend(httpcore.SyncBackend())
        self._turns = threading.Semaphore(limits.max_connections or 1)

    async def _perform(self, step: Callable[..., Any], *arguments: Any) -> Any:
        return step(*arguments)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The head of the reply; raises as `_exchange`, which never waits here, and so is over when it has begun."""
        exchange = self._exchange(request)
        try:
            while True:
                exchange.send(None)
        except StopIteration as stop:
            reply: httpx.Response = stop.value
            return reply

    def _wait_for_turn(self, patience: float | None) -> None:
        if not self._turns.acquire(timeout=patience):
            raise httpx.PoolTimeout("All connections are in use.")

    def _shut(self, connection: Any) -> None:
        connection.close()

    def close(self) -> None:
        """Closes the connections, also those that are in use."""
        self._close_all()


class AsyncHttptoolsTransport(_Connections, httpx.AsyncBaseTransport):
    """The connections of one event loop."""

    def __init__(self, *, verify: ssl.SSLContext, limits: httpx.Limits, proxy: None) -> None:
        super().__init__(verify=verify, limits=limits, proxy=proxy)
        anyios: Any = httpcore.AnyIOBackend()
        self._backend = AsyncBackend(anyios, proxied=False)
        self._turns = anyio.Semaphore(limits.max_connections or 1, fast_acquire=True)

    async def _perform(self, step: Callable[..., Any], *arguments: Any) -> Any:
        return await step(*arguments)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The head of the reply; raises as `_exchange`."""
        return await self._exchange(request)

    async def _wait_for_turn(self, patience: float | None) -> None:
        with anyio.move_on_after(patience):
            await self._turns.acquire()
            return
        raise httpx.PoolTimeout("All connections are in use.")

    def _shut(self, connection: Any) -> None:
        close_at_once(connection.aclose())

    async def aclose(self) -> None:
        """Closes the connections, also those that are in use."""
        self._close_all()
        await anyio.lowlevel.checkpoint()  # sockets of asyncio are closed by the next turn of the loop
