"""The connections of a client, opened on first use. Threads share them; event loops have their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from typing import Any

import anyio
import httpx

from auriko._http.bounds import remaining
from auriko._http.internals import bound_client, close_now, discard
from auriko._http.loops import LoopPool, running_loop
from auriko._http.requests import client_closed, own_request, user_request
from auriko._http.shards import Shard, Shards
from auriko._http.transports import transport_kind
from auriko._rules.exchange import Send
from auriko._settings import AsyncHttpClient, HttpClient

# Pools that a forked child inherited: their sockets belong to the parent, so they are kept and never touched.
_inherited: list[Any] = []


class Pool:
    """The connections of a sync client, or the user's own client, which is used as it is.

    Attributes:
        http_client: What was passed in to send with: a client of the user's, the name of a transport, or None.
    """

    def __init__(self, base_url: str, http_client: HttpClient | None) -> None:
        self.http_client: HttpClient | None = http_client
        self.user_client = None if isinstance(http_client, str) else http_client
        self.closed = False
        self._closing: Future[None] = Future()
        self._base_url = base_url
        self._lock = threading.Lock()
        self._shards: Shards[Any] | None = None
        self._finalizer: Any = None
        self._pid = 0
        if self.user_client is not None:
            self._finalizer = weakref.finalize(self, bound_client(self.user_client))

    def take(self) -> Shard[Any]:
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
            shard: Shard[Any] = shards.take()
        if retired is not None:
            retired.close()
        return shard

    def _start(self) -> None:
        if self._shards is not None:
            self._finalizer.detach()
            _inherited.append(self._shards)
        kind: Any = transport_kind(self.http_client, self._base_url, httpx.HTTPTransport, "HttptoolsTransport")
        self._shards, self._pid = Shards(kind, self._base_url), os.getpid()
        self._finalizer = weakref.finalize(self, _close_all, self._shards)

    def give_back(self, shard: Shard[Any]) -> None:
        """Notes that a call has left the shard."""
        with self._lock:
            shard.give_back()

    def close(self) -> None:
        """Closes the connections that this client opened, and leaves a user's client as it was."""
        self.closed = True
        with contextlib.suppress(InvalidStateError):  # closed again
            self._closing.set_result(None)
        with self._lock:
            if self._finalizer is not None and self._pid in (0, os.getpid()):  # 0 for a user's client
                self._finalizer()
            self._shards = None

    def anew(self) -> Pool:
        """Connections of its own to the same address; a user's client is shared."""
        twin = Pool(self._base_url, self.http_client)
        twin.closed = self.closed
        return twin

    def sleep(self, seconds: float | None, news: Future[None] | None) -> None:
        """Waits for so long or until there is news, but no longer than this client is open."""
        awaited = [self._closing] if news is None else [self._closing, news]
        wait(awaited, seconds, FIRST_COMPLETED)

    def send(self, shard: Shard[Any] | None, step: Send, mark: object) -> httpx.Response:
        """The head of the reply to a request; `mark` is what `discard` finds it by."""
        if shard is not None:
            transport: httpx.BaseTransport = shard.transport
            return transport.handle_request(own_request(step, mark))
        client: Any = self.user_client
        reply: httpx.Response = client.send(user_request(client, step), stream=True, auth=None, follow_redirects=False)
        return reply

    def discard(self, shard: Shard[Any], mark: object) -> None:
        """Takes what a failed call left behind out of the pool."""
        if self._pid == os.getpid():
            discard(shard.transport, mark)


def _close_all(shards: Shards[Any]) -> None:
    for shard in shards.opened:
        close_now(shard.transport)


class AsyncPool:
    """The connections of an async client: one set per running event loop.

    Attributes:
        http_client: What was passed in to send with: a client of the user's, the name of a transport, or None.
    """

    def __init__(self, base_url: str, http_client: AsyncHttpClient | None) -> None:
        self.http_client: AsyncHttpClient | None = http_client
        self.user_client = None if isinstance(http_client, str) else http_client
        self.closed = False
        self._base_url = base_url
        self._loops: dict[Any, LoopPool] = {}
        self._pid = os.getpid()

    async def take(self) -> Shard[httpx.AsyncBaseTransport]:
        """The running event loop's shard for a call, to be given back after it.

        Raises:
            APIConnectionError: There is no transport for this event loop.
        """
        if self._pid != os.getpid():
            _inherited.append(self._loops)
            self._loops, self._pid = {}, os.getpid()
        loop = running_loop()
        pool = self._loops.get(loop)
        if pool is None or pool.closed:
            for other, ended in list(self._loops.items()):
                if ended.closed or (isinstance(other, asyncio.AbstractEventLoop) and other.is_closed()):
                    self._loops.pop(other, None)
            kind = transport_kind(self.http_client, self._base_url, httpx.AsyncHTTPTransport, "AsyncHttptoolsTransport")
            pool = self._loops[loop] = LoopPool(self._base_url, loop, kind)
            await pool.guard.__anext__()
        retired = pool.shards.retire()
        if retired is not None:
            with anyio.CancelScope(shield=True):
                await retired.aclose()
        return pool.shards.take()

    @staticmethod
    def give_back(shard: Shard[httpx.AsyncBaseTransport]) -> None:
        """Notes that a call has left the shard."""
        shard.give_back()

    async def close(self) -> None:
        """Closes this event loop's connections; those of other loops close with them."""
        self.closed = True
        own = self._loops.pop(running_loop(), None)
        self._loops.clear()
        if own is not None:
            await own.guard.aclose()

    async def send(self, shard: Shard[httpx.AsyncBaseTransport] | None, step: Send, mark: object) -> httpx.Response:
        """The head of the reply to a request; `mark` is what `discard` finds it by."""
        if shard is not None:
            transport: httpx.AsyncBaseTransport = shard.transport
            return await transport.handle_async_request(own_request(step, mark))
        client: Any = self.user_client
        request = user_request(client, step)
        with anyio.fail_after(remaining(step.until)):
            reply: httpx.Response = await client.send(request, stream=True, auth=None, follow_redirects=False)
        return reply

    @staticmethod
    def discard(shard: Shard[httpx.AsyncBaseTransport], mark: object) -> None:
        """Takes what a failed or cancelled call left behind out of the pool."""
        discard(shard.transport, mark)
