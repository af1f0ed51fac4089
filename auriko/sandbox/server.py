"""Sockets and threads: the gateway as a server on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import socket
import threading
from collections.abc import Awaitable, Callable

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

_SHUTDOWN_SECONDS = 5
_TICK_SECONDS = 0.1
_LOOK_SECONDS = 0.001
# Of the event loop: one until a connection that it has taken has its transport, one more until its protocol does.
_TURNS_TO_ACCEPT = 2
_REQUEST_SECONDS = 60.0  # from its first byte to its last


class PortInUseError(Exception):
    """The port is taken, or may not be used."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        PortInUseError: The address is taken or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off, which costs 40 ms a reply.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(f"Port {port} on {host} is in use; choose another one.") from None
        raise PortInUseError(f"Cannot listen on {host} port {port}: {error.strerror}.") from None
    return listener


class Connection(H11Protocol):
    """HTTP/1.1 whose requests know their connection: `state["connection"]`, `state["transport"]`.

    A client that takes too long to send a request loses its connection.
    """

    _numbers = itertools.count(1)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the connection's number and transport into the state of its requests."""
        self.app_state = {**self.app_state, "connection": next(self._numbers), "transport": transport}
        self._overdue: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Read on; a request that does not come to its end takes its connection with it."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the request that was under way."""
        self._stop_watching()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._stop_watching()
        elif self._overdue is None:
            self._overdue = self.loop.call_later(_REQUEST_SECONDS, self.transport.close)

    def _stop_watching(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def abort_reply(self) -> None:
        """Cut the connection, if a reply is under way."""
        if self.cycle and not self.cycle.response_complete:
            self.transport.abort()


class Server(uvicorn.Server):
    """A uvicorn server that says when it is up, and ends at once when told to.

    Args:
        on_end: Awaited when all connections are closed.
    """

    def __init__(self, app: ASGIApp, on_end: Callable[[], Awaitable[None]]) -> None:
        self._on_end = on_end
        self.up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on an event loop of its own, which `asyncio.run` is not for whoever has applied nest_asyncio."""
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self.serve(sockets))
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    def end(self) -> None:
        """Stop from another thread."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Set `up` once requests are answered."""
        await super().startup(sockets=sockets)
        self._loop = asyncio.get_running_loop()
        self.up.set()

    async def main_loop(self) -> None:
        """Return as soon as `end` is called, or at the next tick after a signal."""
        ticks = itertools.cycle(range(10))
        while not await self.on_tick(next(ticks)):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._end.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut replies under way, then close everything, and look for that more often than uvicorn does."""
        await self._stop_accepting(sockets or [])
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection):
                connection.abort_reply()
            connection.shutdown()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._until_closed(), _SHUTDOWN_SECONDS)
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._on_end()

    async def _stop_accepting(self, listeners: list[socket.socket]) -> None:
        """Take no more connections, and have those that were just taken among `server_state.connections`.

        A connection whose transport is made after its server was closed is nobody's, and stays open.
        """
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):  # Windows' loop reads no listeners
            for listener in listeners:
                loop.remove_reader(listener)
        for _ in range(_TURNS_TO_ACCEPT):
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for listener in listeners:
            listener.close()

    async def _until_closed(self) -> None:
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(_LOOK_SECONDS)
