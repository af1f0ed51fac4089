"""Connections on asyncio's own transports: by way of anyio, a read takes httpcore several times as long."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any, Final

import anyio
import anyio.lowlevel
import httpcore

from auriko._http.bounds import HeldHead, clamp, clamp_here, readable
from auriko._http.loop_end import close_after_loop, close_with_loop

# What may wait to be read, and one read of the event loop's; beyond it the server has to wait.
_MAX_UNREAD: Final = 64 * 1024
# What asyncio calls the things that httpcore asks for.
_NAMES: Final = {"client_addr": "sockname", "server_addr": "peername"}


class AsyncioStream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """One connection, of which one task at a time reads, and one writes.

    Args:
        loop: The event loop that it is on.
        until: By when TLS has to be there too, on the monotonic clock.
    """

    tainted = False  # more came over it than was asked for
    _transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, until: float | None = None) -> None:
        self._loop = loop
        self._until = until
        self._held_head = HeldHead()
        self._unread = b""
        self._held_up = False  # the server, since too much is unread
        self._full = False  # the transport's buffer of what is to be sent
        self._at_end = False
        self._error: Exception | None = None
        self._reading: asyncio.Future[None] | None = None
        self._writing: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        close_with_loop(transport, self._loop)
        self._readable = readable(transport.get_extra_info("socket"))
        transport.set_write_buffer_limits(0)  # what was written has been sent, or its bound has passed

    def data_received(self, data: bytes) -> None:
        self._unread = self._unread + data if self._unread else bytes(data)
        if len(self._unread) > _MAX_UNREAD and not self._held_up:
            self._held_up = True
            self._transport.pause_reading()
        _wake(self._reading)

    def eof_received(self) -> bool:
        self._at_end = True
        _wake(self._reading)
        return self._transport.get_extra_info("ssl_object") is None  # whether it can still be written to

    def connection_lost(self, exc: Exception | None) -> None:
        self._at_end = True
        self._error = exc
        _wake(self._reading)
        _wake(self._writing)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        _wake(self._writing)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as httpcore calls it
        if not self._unread and not self._at_end:
            self._reading = self._loop.create_future()
            await self._wait(self._reading, clamp_here(timeout), httpcore.ReadTimeout)
        read, self._unread = self._unread[:max_bytes], self._unread[max_bytes:]
        if self._held_up and len(self._unread) <= _MAX_UNREAD and not self._at_end:
            self._held_up = False
            self._transport.resume_reading()
        if not read and self._error is not None:
            raise httpcore.ReadError(str(self._error)) from self._error
        return read

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as httpcore calls it
        for data in self._held_head.join(buffer):
            if self._transport.is_closing():
                raise httpcore.WriteError(str(self._error or "The connection is closed."))
            self._transport.write(data)
            if self._full:
                self._writing = self._loop.create_future()
                await self._wait(self._writing, clamp_here(timeout), httpcore.WriteTimeout)

    async def _wait(self, future: asyncio.Future[None], patience: float | None, error: type[Exception]) -> None:
        """Waits until the future is done, or raises the error after so many seconds."""
        timer = self._loop.call_later(patience, _fail, future, error) if patience is not None else None
        try:
            await future
        finally:
            if timer is not None:
                timer.cancel()

    async def aclose(self) -> None:
        if self._loop.is_closed():
            close_after_loop(self._transport)
            return
        self._transport.abort()
        await asyncio.sleep(0)  # its socket is closed by the next turn of the event loop

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore calls it
    ) -> httpcore.AsyncNetworkStream:
        try:
            with anyio.fail_after(clamp(clamp_here(timeout), self._until)):
                transport = await self._loop.start_tls(
                    self._transport, self, ssl_context, server_hostname=server_hostname
                )
        except BaseException as error:
            self._transport.abort()
            if isinstance(error, TimeoutError):
                raise httpcore.ConnectTimeout(str(error)) from error
            if isinstance(error, OSError):
                raise httpcore.ConnectError(str(error)) from error
            raise
        if transport is None:
            raise httpcore.ConnectError("The connection was closed during the TLS handshake.")
        self._transport = transport
        close_with_loop(transport, self._loop)
        # With 0, as above, TLS would hold up the writer although nothing waits to be sent, until the reply comes.
        transport.set_write_buffer_limits(high=1, low=0)
        limit: Any = getattr(transport, "set_read_buffer_limits", None)  # not on Python 3.10
        if limit is not None:
            limit(high=_MAX_UNREAD, low=_MAX_UNREAD // 2)  # of what waits to be decrypted
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # so it is at its end, too, which the event loop may not have noticed yet
            return self.tainted or bool(self._unread) or self._at_end or self._readable()
        return self._transport.get_extra_info(_NAMES.get(info, info))


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], error: type[Exception]) -> None:
    if not future.done():
        future.set_exception(error())


async def raise_cancellation() -> None:
    """Raises the cancellation of the present task if there is one that something has kept to itself."""
    await anyio.lowlevel.checkpoint_if_cancelled()
    with contextlib.suppress(RuntimeError):  # on trio
        cancelling: Any = getattr(asyncio.current_task(), "cancelling", int)  # Python 3.10 does not tell
        if cancelling():
            raise asyncio.CancelledError
