"""Event loops that end without finishing what runs on them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final
from weakref import WeakSet

_seen: Final[WeakSet[asyncio.AbstractEventLoop]] = WeakSet()


def finish_generators_with_loop() -> None:
    """Let the running event loop finish its async generators before it is closed, as `asyncio.run` does.

    LlamaIndex runs coroutines on loops of its own in threads, and closes those without it: connections, which end
    with a generator of their loop, would be left to the garbage collector.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # trio
        return
    if loop in _seen:
        return
    _seen.add(loop)
    close = loop.close

    def finish_and_close() -> None:
        if not (loop.is_closed() or loop.is_running() or _another_loop_runs()):
            loop.run_until_complete(loop.shutdown_asyncgens())
        close()

    # Loops that are not written in Python may not let their methods be replaced.
    with contextlib.suppress(AttributeError):
        loop.close = finish_and_close  # type: ignore[method-assign]


def _another_loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
