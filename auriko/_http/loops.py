"""Event loops: the connections of each, which close with it, and work that is handed to one."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Future
from typing import Any

import anyio
import httpx

from auriko._http.shards import Shards


class LoopPool:
    """The connections of one event loop, and the generator whose end closes them with the loop."""

    def __init__(self, base_url: str, loop: Any, kind: type[httpx.AsyncBaseTransport]) -> None:
        self.shards = Shards(kind, base_url)
        self.guard = _close_with_loop(self, loop)
        self.closed = False
        # The finalizer holds the connections, so that they are not collected unclosed together with the client.
        self.finalizer = weakref.finalize(self, run_soon, loop, self.guard.aclose)
        self.finalizer.atexit = False


async def _close_with_loop(pool: LoopPool, loop: Any) -> AsyncGenerator[None]:
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
        # Nothing can be awaited on a loop that is closed, or left lying as nest_asyncio leaves them; its connections
        # close with it, or as it is collected.
        if not isinstance(loop, asyncio.AbstractEventLoop) or loop.is_running():
            with anyio.CancelScope(shield=True):
                for shard in shards.opened:
                    await shard.transport.aclose()


def run_soon(loop: Any, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
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


async def sleep(seconds: float | None, news: Future[None] | None) -> None:
    """Waits for so many seconds, or until there is news, which any thread may have."""
    arrived, loop = anyio.Event(), running_loop()
    if news is not None:
        news.add_done_callback(lambda _news: _call_soon(loop, arrived.set))
    with anyio.move_on_after(seconds):
        await arrived.wait()


def _call_soon(loop: Any, function: Callable[[], object]) -> None:
    """Has an event loop call something, from any thread; nothing where it has ended."""
    if isinstance(loop, asyncio.AbstractEventLoop):
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(function)
    else:
        import trio

        with contextlib.suppress(trio.RunFinishedError):
            loop.run_sync_soon(function)


def running_loop() -> Any:
    """The running event loop of asyncio, or the token of trio's."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        import trio.lowlevel

        return trio.lowlevel.current_trio_token()
