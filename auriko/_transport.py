"""The only file that opens connections, sends, sleeps, and sees an httpx exception.

A channel performs the steps of one call; a pool holds the connections of one client. Threads share a pool; event
loops have one each, closed when the loop ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
import time
import urllib.request
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from functools import lru_cache, partial
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx
from typing_extensions import Self

from auriko._exchange import DRAIN_PATIENCE, Answer, Read, Send, Sleep, Step, Steps
from auriko._network import MARK, bound_client, bound_reads, bounded, discard, shut
from auriko.errors import APIConnectionError, APIResponseValidationError, APITimeoutError, AurikoAPIError
from auriko.errors._mapping import clean_text
from auriko.response_headers import ResponseHeaders

LIMITS: Final = httpx.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=30.0)
ResultT = TypeVar("ResultT")
_FOREIGN: Final = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, anyio.ClosedResourceError)
_PHASES: Final[dict[type[Exception], str]] = {
    httpx.ConnectTimeout: "connecting",
    httpx.WriteTimeout: "sending the request",
    httpx.PoolTimeout: "waiting for a free connection",
}
# Pools that a forked child inherited: their sockets belong to the parent, so they are kept and never touched.
_inherited: list[Any] = []


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    """The one TLS context of the process; loading the certificates takes some 20 ms."""
    return httpx.create_ssl_context()


def _transport_options(base_url: str) -> dict[str, Any]:
    """What a transport for this address is made with: certificates where it needs them, the environment's proxy."""
    parts = urlsplit(base_url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy is not None and urllib.request.proxy_bypass(parts.netloc):
        proxy = None
    if proxy is not None and "://" not in proxy:
        proxy = f"http://{proxy}"
    needs_tls = parts.scheme == "https" or (proxy is not None and proxy.startswith("https"))
    context = _tls_context() if needs_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return {"verify": context, "limits": LIMITS, "proxy": proxy}


TransportT = TypeVar("TransportT", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


def _open(kind: type[TransportT], base_url: str) -> TransportT:
    """A transport for this address, whose reads can be bounded.

    Raises:
        APIConnectionError: The environment names a proxy that cannot be used.
    """
    try:
        transport = kind(**_transport_options(base_url))
    except (ValueError, ImportError) as error:
        raise APIConnectionError(
            f"The proxy that the environment names cannot be used: {error}", retryable=False
        ) from None
    bound_reads(transport)
    return transport


class Pool:
    """The connections of a sync client, opened on first use; the user's own client is used as it is."""

    def __init__(self, base_url: str, user_client: httpx.Client | None) -> None:
        self.user_client = user_client
        self.closed = False
        self._closing = threading.Event()
        self._base_url = base_url
        self._lock = threading.Lock()
        self._transport: httpx.HTTPTransport | None = None
        self._finalizer: Any = None
        self._pid = 0
        if user_client is not None:
            bound_client(user_client)

    def transport(self) -> httpx.HTTPTransport:
        """The transport of this process."""
        if self._transport is None or self._pid != os.getpid():
            with self._lock:
                if self._transport is None or self._pid != os.getpid():
                    self._open()
        return self._transport  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    def _open(self) -> None:
        if self._transport is not None:
            self._finalizer.detach()
            _inherited.append(self._transport)
        transport = _open(httpx.HTTPTransport, self._base_url)
        self._finalizer = weakref.finalize(self, shut, transport)
        self._transport, self._pid = transport, os.getpid()

    def close(self) -> None:
        """Closes the connections that this client opened."""
        self.closed = True
        self._closing.set()
        with self._lock:
            if self._transport is not None and self._pid == os.getpid():
                self._finalizer()
            self._transport = None

    def sleep(self, seconds: float) -> None:
        """Waits, but no longer than this client is open."""
        self._closing.wait(seconds)

    def send(self, step: Send, mark: object) -> httpx.Response:
        """The head of the reply to a request; `mark` is what `discard` finds it by."""
        client = self.user_client
        if client is None:
            return self.transport().handle_request(_request(step, mark))
        request = _user_request(client, step)
        return client.send(request, stream=True, auth=None, follow_redirects=False)

    def discard(self, mark: object) -> None:
        """Takes what a failed call left behind out of the pool."""
        if self._transport is not None and self._pid == os.getpid():
            discard(self._transport, mark)


class _LoopPool:
    """The connections of one event loop, and the generator whose end closes them with the loop."""

    def __init__(self, base_url: str, loop: Any) -> None:
        self.transport = _open(httpx.AsyncHTTPTransport, base_url)
        self.guard = _close_with_loop(self)
        self.closed = False
        # The finalizer holds the connections, so that they are not collected unclosed together with the client.
        self.finalizer = weakref.finalize(self, _soon, loop, self.guard.aclose)
        self.finalizer.atexit = False


async def _close_with_loop(pool: _LoopPool) -> AsyncGenerator[None]:
    """Closes the connections when the event loop shuts its generators down."""
    transport = pool.transport
    forget = weakref.ref(pool)
    del pool
    try:
        yield
    finally:
        owner = forget()
        if owner is not None:
            owner.closed = True
            owner.finalizer.detach()
        with anyio.CancelScope(shield=True):
            await transport.aclose()


def _soon(loop: Any, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Has an event loop do something, from any thread; nothing where it has ended."""
    if isinstance(loop, asyncio.AbstractEventLoop):
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: loop.create_task(work()))
    else:
        import trio

        def spawn() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is about to end
                trio.lowlevel.spawn_system_task(work)

        with contextlib.suppress(trio.RunFinishedError):
            loop.run_sync_soon(spawn)


class AsyncPool:
    """The connections of an async client: one set per running event loop."""

    def __init__(self, base_url: str, user_client: httpx.AsyncClient | None) -> None:
        self.user_client = user_client
        self.closed = False
        self._base_url = base_url
        self._loops: dict[Any, _LoopPool] = {}
        self._pid = os.getpid()

    async def transport(self) -> httpx.AsyncHTTPTransport:
        """The transport of the running event loop."""
        if self._pid != os.getpid():
            _inherited.append(self._loops)
            self._loops, self._pid = {}, os.getpid()
        loop = _running_loop()
        pool = self._loops.get(loop)
        if pool is None or pool.closed:
            for other, ended in list(self._loops.items()):
                if ended.closed or (isinstance(other, asyncio.AbstractEventLoop) and other.is_closed()):
                    self._loops.pop(other, None)
            pool = self._loops[loop] = _LoopPool(self._base_url, loop)
            await pool.guard.__anext__()
        return pool.transport

    async def close(self) -> None:
        """Closes this event loop's connections; those of other loops close with them."""
        self.closed = True
        own = self._loops.pop(_running_loop(), None)
        self._loops.clear()
        if own is not None:
            await own.guard.aclose()

    async def send(self, step: Send, mark: object) -> httpx.Response:
        """The head of the reply to a request; `mark` is what `discard` finds it by."""
        client = self.user_client
        if client is None:
            transport = await self.transport()
            request = _request(step, mark)
            request.stream = _AsyncBody(request.content)
            return await transport.handle_async_request(request)
        request = _user_request(client, step)
        with anyio.fail_after(_left(step.until)):
            return await client.send(request, stream=True, auth=None, follow_redirects=False)

    def discard(self, mark: object) -> None:
        """Takes what a failed or cancelled call left behind out of the pool."""
        pool = self._loops.get(_running_loop())
        if pool is not None:
            discard(pool.transport, mark)


def _running_loop() -> Any:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        import trio.lowlevel

        return trio.lowlevel.current_trio_token()


class _AsyncBody(httpx.AsyncByteStream):
    """A request's body without the generator that httpx sends it with: trio warns of those that are cut short."""

    def __init__(self, body: bytes) -> None:
        self._rest = [body]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self._rest:
            raise StopAsyncIteration
        return self._rest.pop()


def _request(step: Send, mark: object) -> httpx.Request:
    extensions = {"timeout": _timeouts(step), MARK: mark}
    return httpx.Request(step.method, _url(step.url), headers=step.headers, content=step.body, extensions=extensions)


@lru_cache(maxsize=256)
def _url(text: str) -> httpx.URL:
    """The address, parsed once: a client calls few of them, over and over."""
    return httpx.URL(text)


def _user_request(client: httpx.Client | httpx.AsyncClient, step: Send) -> httpx.Request:
    if client.is_closed:
        raise APIConnectionError("The http_client that was passed in is closed.", retryable=False)
    url = _url(step.url)
    extensions = {"timeout": _timeouts(step)}
    # The query is given once more, because parameters of that client would take its place.
    return client.build_request(
        step.method, url, params=url.params, headers=step.headers, content=step.body, extensions=extensions
    )


def _timeouts(step: Send) -> dict[str, float | None]:
    """The phases' bounds, none of them beyond the call's own."""
    phases = step.timeout.as_dict()
    left = _left(step.until)
    if left is None:
        return phases
    return {name: left if bound is None else min(bound, left) for name, bound in phases.items()}


def _left(until: float | None) -> float | None:
    return None if until is None else max(until - time.monotonic(), 0.001)


class _ChannelBase:
    """What both channels know: what their request is found by in the pool, and whose connections these are."""

    def __init__(self, pool: Pool | AsyncPool) -> None:
        self._mark = object()
        self._own = pool.user_client is None

    def _check(self, step: Send | Read, *, closed: bool) -> None:
        if closed:
            raise APIConnectionError("The client is closed; make a new one.", retryable=False)
        if step.until is not None and time.monotonic() >= step.until:
            raise APITimeoutError("The time allowed for this call or its next event has passed.")

    def _is_plain(self, response: httpx.Response) -> bool:
        """Whether the body's bytes may be taken as they come: not encoded, nor read before by a user's hook."""
        return self._own and "content-encoding" not in response.headers


class Channel(_ChannelBase):
    """Performs the steps of one call."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._pool = pool
        self._opened: tuple[httpx.Response, Iterator[bytes]] | None = None

    def run(self, steps: Steps[ResultT]) -> ResultT:
        """The result of the steps; whatever stops them closes what is open."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = self._perform(step)
                except AurikoAPIError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        except BaseException:
            steps.close()
            self.close()
            self._pool.discard(self._mark)
            raise

    def _perform(self, step: Step) -> Any:
        if isinstance(step, Read):
            return self._read(step)
        if isinstance(step, Send):
            return self._send(step)
        if isinstance(step, Sleep):
            return self._pool.sleep(step.seconds)
        return self.close()

    def _send(self, step: Send) -> Answer:
        self._check(step, closed=self._pool.closed)
        try:
            with bounded(step.until):
                response = self._pool.send(step, self._mark)
        except BaseException as error:  # noqa: BLE001 - what is not ours is raised again
            self._pool.discard(self._mark)
            _raise_for_caller(error, step.until)
        stream: Any = response.stream
        self._opened = response, iter(stream) if self._is_plain(response) else response.iter_bytes()
        return _answer(response)

    def _read(self, step: Read) -> bytes:
        if self._opened is None:
            return b""
        self._check(step, closed=self._pool.closed)
        try:
            with bounded(step.until):
                read = next(self._opened[1], b"")
            if not read:
                self.close()
        except BaseException as error:  # noqa: BLE001 - what is not ours is raised again
            self.close()
            _raise_for_caller(error, step.until)
        return read

    def close(self) -> None:
        """Gives the connection back if its answer was read to the end, else drops it."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with contextlib.suppress(*_FOREIGN):
                opened[0].close()

    abandon = close


class AsyncChannel(_ChannelBase):
    """Performs the steps of one call on an event loop."""

    def __init__(self, pool: AsyncPool) -> None:
        super().__init__(pool)
        self._pool = pool
        self._opened: tuple[httpx.Response, AsyncIterator[bytes]] | None = None
        self._loop: Any = None

    async def run(self, steps: Steps[ResultT]) -> ResultT:
        """The result of the steps; whatever stops them closes what is open."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = await self._perform(step)
                except AurikoAPIError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        except BaseException:
            steps.close()
            try:
                await self.close()
            finally:
                self._pool.discard(self._mark)
            raise

    async def _perform(self, step: Step) -> Any:
        if isinstance(step, Read):
            return await self._read(step)
        if isinstance(step, Send):
            return await self._send(step)
        if isinstance(step, Sleep):
            return await anyio.sleep(step.seconds)
        return await self.close()

    async def _send(self, step: Send) -> Answer:
        self._check(step, closed=self._pool.closed)
        self._loop = _running_loop()
        try:
            with bounded(step.until):
                response = await self._pool.send(step, self._mark)
        except BaseException as error:  # noqa: BLE001 - what is not ours is raised again
            self._pool.discard(self._mark)
            _raise_for_caller(error, step.until)
        stream: Any = response.stream if self._is_plain(response) else response.aiter_bytes()
        self._opened = response, stream.__aiter__()
        return _answer(response)

    async def _read(self, step: Read) -> bytes:
        if self._opened is None:
            return b""
        self._check(step, closed=self._pool.closed)
        try:
            with bounded(step.until), anyio.fail_after(None if self._own else _left(step.until)):
                read = await anext(self._opened[1], b"")
            if not read:
                await self.close()
        except BaseException as error:  # noqa: BLE001 - what is not ours is raised again
            await self.close()
            _raise_for_caller(error, step.until)
        return read

    async def close(self) -> None:
        """Gives the connection back if its answer was read to the end, else drops it."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await _release(*opened, self._loop)

    def abandon(self) -> None:
        """Has the event loop close what is open, where nobody can wait for it any more."""
        opened, self._opened = self._opened, None
        if opened is not None:
            _soon(self._loop, partial(_release, *opened, self._loop))


async def _release(response: httpx.Response, body: AsyncIterator[bytes], loop: Any) -> None:
    with anyio.CancelScope(shield=True), contextlib.suppress(*_FOREIGN):
        await response.aclose()
        if not isinstance(loop, asyncio.AbstractEventLoop):
            # trio warns of generators that are dropped unfinished; on a closed connection these end at once.
            with anyio.move_on_after(DRAIN_PATIENCE):
                async for _ in body:
                    pass


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, ResponseHeaders(response.headers.multi_items()))


def _raise_for_caller(error: BaseException, until: float | None) -> NoReturn:
    """Raises what the error means to a caller, with the original as its cause; what is not ours as it is.

    The frames of httpx and httpcore are dropped: they hold the request's headers, with the key in them.
    """
    if not isinstance(error, Exception):
        raise error.with_traceback(None)  # cancelled or interrupted
    if not isinstance(error, _FOREIGN):
        raise error
    verification = False
    cause: BaseException | None = error
    while cause is not None:
        verification |= isinstance(cause, ssl.SSLCertVerificationError)
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__
    said = clean_text(str(error) or type(error).__name__)
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        phase = _PHASES.get(type(error), "waiting for the reply")
        late = until is not None and time.monotonic() >= until
        reason = "the time allowed for this call or its next event has passed" if late else "timeout"
        raise APITimeoutError(f"Timed out while {phase} ({reason}).") from error
    if isinstance(error, httpx.DecodingError):
        raise APIResponseValidationError("The reply could not be decompressed.") from error
    if verification:
        raise APIConnectionError(f"The server's TLS certificate does not verify: {said}", retryable=False) from error
    if isinstance(error, httpx.ProxyError):
        raise APIConnectionError(f"The proxy refused: {said}", retryable="407" not in said) from error
    if isinstance(error, (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL)):
        raise APIConnectionError(f"The request could not be sent: {said}", retryable=False) from error
    raise APIConnectionError(f"The connection failed: {said}") from error
