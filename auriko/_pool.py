"""The connections of a client, opened on first use. Threads share them; event loops have their own.

httpcore looks at every connection of a transport whenever a request starts or ends, so a pool is made of shards: small
transports, of which the first that has room is used.
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
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx
from typing_extensions import Self

from auriko._exchange import Send
from auriko._network import MARK, bound_client, bound_reads, discard, shut
from auriko.errors import APIConnectionError

# Calls in flight at once: the product of both; those beyond wait for a connection.
SHARD_SIZE: Final = 32
SHARDS: Final = 32
# Seconds for which an unused connection is kept.
KEEP_UNUSED: Final = 30.0

TransportT = TypeVar("TransportT", httpx.HTTPTransport, httpx.AsyncHTTPTransport)
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
    limits = httpx.Limits(
        max_connections=SHARD_SIZE, max_keepalive_connections=SHARD_SIZE, keepalive_expiry=KEEP_UNUSED
    )
    return {"verify": context, "limits": limits, "proxy": proxy}


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


class Shard(Generic[TransportT]):
    """Some of a client's connections.

    Attributes:
        transport: What sends over them.
        busy: How many calls are using it.
        unused_since: When it was left by the last of them, on the monotonic clock.
    """

    __slots__ = ("busy", "transport", "unused_since")

    def __init__(self, transport: TransportT) -> None:
        self.transport: TransportT = transport
        self.busy = 0
        self.unused_since = 0.0


class _Shards(Generic[TransportT]):
    """The shards of one process or event loop; opened when those before have no room, closed when long unused."""

    def __init__(self, kind: type[TransportT], base_url: str) -> None:
        self.opened: list[Shard[TransportT]] = []
        self._open_one: Callable[[], TransportT] = lambda: _open(kind, base_url)

    def take(self) -> Shard[TransportT]:
        """The shard for a call: the first that has room, or the least busy one."""
        for shard in self.opened:
            if shard.busy < SHARD_SIZE:
                break
        else:
            if len(self.opened) < SHARDS:
                shard = Shard(self._open_one())
                self.opened.append(shard)
            else:
                shard = min(self.opened, key=lambda shard: shard.busy)
        shard.busy += 1
        return shard

    @staticmethod
    def give_back(shard: Shard[TransportT]) -> None:
        """Notes that a call has left the shard."""
        shard.busy -= 1
        if not shard.busy:
            shard.unused_since = time.monotonic()

    def retire(self) -> TransportT | None:
        """The last transport, to be closed, if it is one too many and long unused."""
        if len(self.opened) > 1:
            last = self.opened[-1]
            if not last.busy and time.monotonic() - last.unused_since > KEEP_UNUSED:
                retired: TransportT = self.opened.pop().transport
                return retired
        return None


class Pool:
    """The connections of a sync client, or the user's own client, which is used as it is."""

    def __init__(self, base_url: str, user_client: httpx.Client | None) -> None:
        self.user_client = user_client
        self.closed = False
        self._closing = threading.Event()
        self._base_url = base_url
        self._lock = threading.Lock()
        self._shards: _Shards[httpx.HTTPTransport] | None = None
        self._finalizer: Any = None
        self._pid = 0
        if user_client is not None:
            bound_client(user_client)

    def transports(self) -> list[httpx.HTTPTransport]:
        """What is open in this process."""
        return [shard.transport for shard in self._shards.opened] if self._shards is not None else []

    def take(self) -> Shard[httpx.HTTPTransport]:
        """The shard for a call, to be given back after it.

        Raises:
            APIConnectionError: The client was closed meanwhile.
        """
        with self._lock:
            if self.closed:
                raise client_closed()
            if self._shards is None or self._pid != os.getpid():
                self._start()
            shards: Any = self._shards
            retired = shards.retire()
            shard: Shard[httpx.HTTPTransport] = shards.take()
        if retired is not None:
            retired.close()
        return shard

    def _start(self) -> None:
        if self._shards is not None:
            self._finalizer.detach()
            _inherited.append(self._shards)
        self._shards, self._pid = _Shards(httpx.HTTPTransport, self._base_url), os.getpid()
        self._finalizer = weakref.finalize(self, _close_all, self._shards)

    def give_back(self, shard: Shard[httpx.HTTPTransport]) -> None:
        """Notes that a call has left the shard."""
        with self._lock:
            _Shards.give_back(shard)

    def close(self) -> None:
        """Closes the connections that this client opened."""
        self.closed = True
        self._closing.set()
        with self._lock:
            if self._shards is not None and self._pid == os.getpid():
                self._finalizer()
            self._shards = None

    def sleep(self, seconds: float) -> None:
        """Waits, but no longer than this client is open."""
        self._closing.wait(seconds)

    def send(self, shard: Shard[httpx.HTTPTransport] | None, step: Send, mark: object) -> httpx.Response:
        """The head of the reply to a request; `mark` is what `discard` finds it by."""
        if shard is not None:
            transport: httpx.HTTPTransport = shard.transport
            return transport.handle_request(_request(step, mark))
        client: Any = self.user_client
        reply: httpx.Response = client.send(_user_request(client, step), stream=True, auth=None, follow_redirects=False)
        return reply

    def discard(self, shard: Shard[httpx.HTTPTransport], mark: object) -> None:
        """Takes what a failed call left behind out of the pool."""
        if self._pid == os.getpid():
            discard(shard.transport, mark)


def _close_all(shards: _Shards[httpx.HTTPTransport]) -> None:
    for shard in shards.opened:
        shut(shard.transport)


class _LoopPool:
    """The connections of one event loop, and the generator whose end closes them with the loop."""

    def __init__(self, base_url: str, loop: Any) -> None:
        self.shards = _Shards(httpx.AsyncHTTPTransport, base_url)
        self.guard = _close_with_loop(self)
        self.closed = False
        # The finalizer holds the connections, so that they are not collected unclosed together with the client.
        self.finalizer = weakref.finalize(self, soon, loop, self.guard.aclose)
        self.finalizer.atexit = False


async def _close_with_loop(pool: _LoopPool) -> AsyncGenerator[None]:
    """Closes the connections when the event loop shuts its generators down."""
    shards = pool.shards
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
            for shard in shards.opened:
                await shard.transport.aclose()


def soon(loop: Any, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
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

    def transports(self) -> list[httpx.AsyncHTTPTransport]:
        """What is open on the running event loop."""
        pool = self._loops.get(running_loop())
        return [shard.transport for shard in pool.shards.opened] if pool is not None else []

    async def take(self) -> Shard[httpx.AsyncHTTPTransport]:
        """The running event loop's shard for a call, to be given back after it."""
        if self._pid != os.getpid():
            _inherited.append(self._loops)
            self._loops, self._pid = {}, os.getpid()
        loop = running_loop()
        pool = self._loops.get(loop)
        if pool is None or pool.closed:
            for other, ended in list(self._loops.items()):
                if ended.closed or (isinstance(other, asyncio.AbstractEventLoop) and other.is_closed()):
                    self._loops.pop(other, None)
            pool = self._loops[loop] = _LoopPool(self._base_url, loop)
            await pool.guard.__anext__()
        retired = pool.shards.retire()
        if retired is not None:
            with anyio.CancelScope(shield=True):
                await retired.aclose()
        return pool.shards.take()

    @staticmethod
    def give_back(shard: Shard[httpx.AsyncHTTPTransport]) -> None:
        """Notes that a call has left the shard."""
        _Shards.give_back(shard)

    async def close(self) -> None:
        """Closes this event loop's connections; those of other loops close with them."""
        self.closed = True
        own = self._loops.pop(running_loop(), None)
        self._loops.clear()
        if own is not None:
            await own.guard.aclose()

    async def send(self, shard: Shard[httpx.AsyncHTTPTransport] | None, step: Send, mark: object) -> httpx.Response:
        """The head of the reply to a request; `mark` is what `discard` finds it by."""
        if shard is not None:
            transport: httpx.AsyncHTTPTransport = shard.transport
            return await transport.handle_async_request(_request(step, mark))
        client: Any = self.user_client
        request = _user_request(client, step)
        with anyio.fail_after(left(step.until)):
            reply: httpx.Response = await client.send(request, stream=True, auth=None, follow_redirects=False)
        return reply

    @staticmethod
    def discard(shard: Shard[httpx.AsyncHTTPTransport], mark: object) -> None:
        """Takes what a failed or cancelled call left behind out of the pool."""
        discard(shard.transport, mark)


def running_loop() -> Any:
    """What stands for the running event loop of asyncio or trio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        import trio.lowlevel

        return trio.lowlevel.current_trio_token()


class _Body(httpx.ByteStream):
    """A request's body without the async generator that httpx sends it with: trio warns of those that are cut short."""

    def __aiter__(self) -> Any:
        return _AsyncOnce(iter(self))


class _AsyncOnce:
    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for part in self._parts:
            return part
        raise StopAsyncIteration


def _request(step: Send, mark: object) -> httpx.Request:
    """The request, whose headers are all made here: httpx takes ten times as long to fill in its own."""
    url = _url(step.url)
    headers = step.headers.copy()
    headers["Host"] = url.netloc.decode("ascii")
    body = step.body or b""
    if body:
        headers["Content-Length"] = str(len(body))
    extensions = {"timeout": _timeouts(step), MARK: mark}
    request = httpx.Request(step.method, url, headers=headers, stream=_Body(body), extensions=extensions)
    request.read()  # for those who look at requests: mocks and recorders
    return request


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
    rest = left(step.until)
    if rest is None:
        return phases
    return {name: rest if bound is None else min(bound, rest) for name, bound in phases.items()}


def client_closed() -> APIConnectionError:
    """What every call on a closed client comes to."""
    return APIConnectionError("The client is closed; make a new one.", retryable=False)


def left(until: float | None) -> float | None:
    """The seconds until then; never 0, which would make a socket non-blocking."""
    return None if until is None else max(until - time.monotonic(), 0.001)
