"""A transport on aiohttp, for `AsyncClient(http_client="aiohttp")`: less CPU time than httpx's own, on asyncio alone.

aiohttp's connections, parser and pool are used; its cookies, redirects, retries and bounds of time are not.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import math
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import lru_cache, partial
from typing import Any, Final, TypeVar, cast

import aiohttp
import anyio
import httpx
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.payload import BytesPayload, Payload
from yarl import URL

from auriko._http.body import MAX_READ, ReadableBody
from auriko._http.bounds import clamp_here
from auriko._http.loop_end import close_with_loop

# Private names of aiohttp in use: _factory, _retry_connection, _payload, _reading_paused, _read_nowait; a test watches.

# A body up to this size goes into buffers without waiting.
_SMALL: Final = 64 * 1024
_MAX_HEADER: Final = 64 * 1024

ReadT = TypeVar("ReadT")


class AiohttpTransport(httpx.AsyncBaseTransport):
    """The connections of one event loop."""

    def __init__(self, *, verify: ssl.SSLContext, limits: httpx.Limits, proxy: str | None) -> None:
        self._proxy, self._proxy_headers = _proxy_of(proxy)
        # A connection is waited for here, and not in the connector, whose bound holds for connecting too.
        self._free = anyio.Semaphore(limits.max_connections or 1, fast_acquire=True)
        self._bodies: set[_Body] = set()
        connector = aiohttp.TCPConnector(ssl=verify, limit=0, keepalive_timeout=limits.keepalive_expiry)
        protocol = cast("partial[ResponseHandler]", partial(_Protocol, loop=asyncio.get_running_loop()))
        connector._factory = protocol  # noqa: SLF001 - it takes no argument for it  # pyright: ignore[reportPrivateUsage]
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=MAX_READ // 2,  # it takes twice as much
            max_line_size=_MAX_HEADER,
            max_field_size=_MAX_HEADER,
        )
        # It would repeat a GET whose connection has ended, unseen by `max_retries`.
        self._session._retry_connection = False  # noqa: SLF001 - retries are ours to decide  # pyright: ignore[reportPrivateUsage]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The head of the reply.

        Raises:
            httpx.HTTPError: There is none.
        """
        phases: dict[str, float | None] = request.extensions["timeout"]
        await self._wait_for_connection(phases["pool"])
        try:
            with anyio.fail_after(clamp_here(None)):
                reply = await self._send(request, phases)
        except BaseException:
            self._free.release()
            raise
        body = _Body(reply, phases["read"], self._forget)
        self._bodies.add(body)
        return httpx.Response(reply.status, headers=reply.raw_headers, stream=body)

    async def _wait_for_connection(self, patience: float | None) -> None:
        try:
            self._free.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.move_on_after(patience):
                await self._free.acquire()
                return
            raise httpx.PoolTimeout("All connections are in use.") from None

    async def _send(self, request: httpx.Request, phases: dict[str, float | None]) -> aiohttp.ClientResponse:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        if self._proxy is not None and request.url.scheme == "http":
            headers += self._proxy_headers.items()
        body = request.content
        try:
            reply = await self._session.request(
                request.method,
                _url(str(request.url)),
                headers=headers,
                data=_LargeBody(body, phases["write"]) if len(body) > _SMALL else body or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    connect=phases["connect"], sock_read=phases["read"], ceil_threshold=math.inf
                ),
                proxy=self._proxy,
                proxy_headers=self._proxy_headers,
            )
        except aiohttp.ClientError as error:
            failure = _for_httpx(error)
        else:
            protocol = reply.connection and reply.connection.protocol
            if protocol is not None:
                # From here on each read has a bound of its own, which the time that the caller takes is no part of.
                protocol.read_timeout = None
                protocol.start_timeout()
            return reply
        raise failure  # out here, so that aiohttp's exception, which holds the request's headers, does not go with it

    def _forget(self, body: _Body) -> None:
        self._bodies.discard(body)
        self._free.release()

    async def aclose(self) -> None:
        """Closes the connections, also those that are in use."""
        for body in list(self._bodies):
            await body.aclose()
        await self._session.close()

    def __del__(self) -> None:
        """Spares a session its complaint where an event loop has ended without closing what it ran."""
        session = getattr(self, "_session", None)
        if session is not None and not session.closed:
            with contextlib.suppress(StopIteration):
                session.connector.close().__await__().send(None)


class _Protocol(ResponseHandler):
    """A connection whose end always ends the body that is read from it.

    aiohttp's forgets it where chunks are cut by what is no chunk, and lets the reader wait.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Notes that the connection is there."""
        super().connection_made(transport)
        close_with_loop(transport, asyncio.get_running_loop())

    def connection_lost(self, exc: BaseException | None) -> None:
        """Notes that the connection has ended."""
        body = self._payload
        super().connection_lost(exc)
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(aiohttp.ClientPayloadError("The connection ended within the reply."))

    def close(self) -> None:
        """Closes the connection at once: TLS would wait for the server's answer, longer than the event loop runs."""
        transport: Any = self.transport
        if transport is not None:
            transport.abort()
        super().close()

    def resume_reading(self, *told: Any, **how: Any) -> None:  # older versions take nothing
        """Goes on where it was paused; aiohttp asks for it with every chunk that is taken, which costs."""
        if self._reading_paused:
            super().resume_reading(*told, **how)


class _LargeBody(BytesPayload):
    """A request's body that is sent in pieces, each within the bound of sending; aiohttp knows none."""

    def __init__(self, body: bytes, patience: float | None) -> None:
        Payload.__init__(self, body)  # past that of bytes, which warns of large ones because it sends them in one piece
        self._size = len(body)
        self._patience = patience

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:  # noqa: ARG002
        """Sends it.

        Raises:
            httpx.WriteTimeout: The server does not take it.
        """
        view = memoryview(self._value)
        for start in range(0, len(view), _SMALL):
            with anyio.move_on_after(self._patience) as bound:
                await writer.write(view[start : start + _SMALL])
            if bound.cancelled_caught:
                raise httpx.WriteTimeout("The server does not take the request.")


class _Body(httpx.AsyncByteStream, ReadableBody):
    """A reply's body; httpx iterates over it where it is compressed."""

    def __init__(self, reply: aiohttp.ClientResponse, patience: float | None, forget: Callable[[_Body], None]) -> None:
        self._reply = reply
        self._content = reply.content
        self._patience = patience
        self._forget: Callable[[_Body], None] | None = forget
        self._added = b""
        self._loop = asyncio.get_running_loop()
        self._due = math.inf
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def connection(self) -> _Body:
        return self

    def add(self, read: bytes) -> None:
        self._added = read

    def take(self) -> bytes | None:
        read, self._added = self._added, b""
        if read:
            return read
        failure = self._content.exception()
        if failure is None:
            return self._content.read_nowait() or (b"" if self._content.is_eof() else None)
        # aiohttp would throw away what has arrived before the failure.
        read = self._content._read_nowait(-1)  # noqa: SLF001 - all that is there, without a turn of the loop  # pyright: ignore[reportPrivateUsage]
        if not read:
            raise _for_httpx(failure)
        return read

    async def read(self, _most: int, patience: float | None) -> bytes:
        """The bytes that arrive next.

        Raises:
            httpx.HTTPError: The connection ended, or nothing came in time.
        """
        return await self._within(patience, self._content.readany)

    async def _within(self, patience: float | None, read: Callable[[], Awaitable[ReadT]]) -> ReadT:
        if patience is not None:
            self._due = self._loop.time() + patience
            if self._alarm is None or self._due < self._alarm.when():
                self._set_alarm()
        try:
            return await read()
        except (aiohttp.ClientError, httpx.HTTPError, RuntimeError) as error:
            failure = _for_httpx(error)
        finally:
            self._due = math.inf
        raise failure

    def _set_alarm(self) -> None:
        """One alarm for many reads, each of which moves what is due: setting one for every read would cost more."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._due <= self._loop.time():
            self._content.set_exception(httpx.ReadTimeout("Nothing has arrived in time."))
        elif self._due < math.inf:
            self._set_alarm()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces as they were sent, so that what cannot be decompressed spoils nothing before it."""
        while not self._content.at_eof():
            if self._content.exception() is None:
                part, _ = await self._within(clamp_here(self._patience), self._content.readchunk)
            else:
                part = self.take() or b""
            # Decompression may make it a thousand times as large.
            for start in range(0, len(part), MAX_READ):
                yield part[start : start + MAX_READ]

    async def aclose(self) -> None:
        """Gives the connection back if the body was read to its end, else closes it."""
        forget, self._forget = self._forget, None
        if forget is not None:
            if self._alarm is not None:
                self._alarm.cancel()
            if not self._content.is_eof():
                self._reply.close()
            forget(self)


def _proxy_of(address: str | None) -> tuple[str | None, dict[str, str]]:
    """A proxy's address without its credentials, and the headers with them.

    Raises:
        ValueError: aiohttp cannot use it.
    """
    if address is None:
        return None, {}
    proxy = httpx.Proxy(address)
    if not proxy.url.scheme.startswith("http"):
        raise ValueError(f"aiohttp cannot use a {proxy.url.scheme} proxy; leave http_client='aiohttp' out")
    headers: dict[str, str] = {}
    if proxy.raw_auth is not None:
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(b':'.join(proxy.raw_auth)).decode()}"
    return str(proxy.url), headers


@lru_cache(maxsize=256)
def _url(text: str) -> URL:
    """The address as it is: aiohttp would write `%2E%2E` as `..`, and so leave the path."""
    return URL(text, encoded=True)


def _for_httpx(error: BaseException) -> Exception:
    """The exception of httpx for one of aiohttp, without the request that it holds."""
    cause = error.__cause__
    if isinstance(cause, httpx.HTTPError):
        return cause
    if isinstance(error, httpx.HTTPError):
        return error
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return httpx.ProxyError(f"{error.status} {error.message}")
    if isinstance(error, aiohttp.ClientResponseError):
        return httpx.RemoteProtocolError(error.message)
    named: Exception
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        named = httpx.ConnectTimeout(str(error))
    elif isinstance(error, aiohttp.SocketTimeoutError):
        named = httpx.ReadTimeout(str(error))
    elif isinstance(error, aiohttp.ClientConnectorError):
        named = httpx.ConnectError(str(error))
    else:
        named = httpx.ReadError(str(error))
    named.__cause__ = cause  # a certificate that does not verify, for one
    return named
