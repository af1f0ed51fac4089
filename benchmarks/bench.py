"""What workloads run with: a subject in this process, the loop that it is run in, and the clock."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from typing import Any

from server import EVENTS
from subject import SMALL, Subject, large


class Bench:
    """One subject in this process.

    Args:
        kind: Which.
        url: The server's address.
        seconds: How long one turn should take, more or less.
    """

    def __init__(self, kind: type[Subject], url: str, seconds: float) -> None:
        self.kind, self.url, self.seconds = kind, url, seconds
        self.loop = asyncio.new_event_loop()
        self._subjects: dict[tuple[str, str | None], Subject] = {}
        self._turns: dict[str, int] = {}

    def at(self, url: str, prompt: str | None = None) -> Subject:
        """The subject that asks this address, perhaps with a large prompt; the same one each time, warm."""
        if (url, prompt) not in self._subjects:
            self._subjects[url, prompt] = self.kind(url, large(prompt) if prompt else SMALL)
        return self._subjects[url, prompt]

    def spent(self, name: str, block: Callable[[int], Any], most: int = 400) -> float:
        """Microseconds of CPU time that one turn of a block takes, which is given the number of its turns.

        The first time that a name is measured, its block runs once to get warm, once more to see how long it takes
        unless that is clear, and once for as long as what is kept will run: rounds after that find it as warm as they
        leave it.
        """
        if name not in self._turns:
            took = self._time(block)
            if took < self.seconds:
                took = self._time(block)
            self._turns[name] = max(1, min(most, int(self.seconds / took)))
            if self._turns[name] > 1:
                block(self._turns[name])
        turns = self._turns[name]
        gc.collect()
        before = time.process_time()
        block(turns)
        return (time.process_time() - before) / turns * 1e6

    @staticmethod
    def _time(block: Callable[[int], Any]) -> float:
        began = time.perf_counter()
        block(1)
        return time.perf_counter() - began

    def aspent(self, name: str, block: Callable[[int], Awaitable[Any]], most: int = 400) -> float:
        """As `spent`, for blocks that are awaited."""
        return self.spent(name, lambda turns: self.loop.run_until_complete(awaited(block(turns))), most)


async def awaited(block: Awaitable[Any]) -> None:
    """What event loops want to run: a coroutine."""
    await block


def drain(subject: Subject, expected: int) -> None:
    """Reads a stream, and fails if there was less to it than the server has sent."""
    found = sum(1 for _ in subject.stream())
    if found < expected:
        raise RuntimeError(f"{found} items in a stream of {expected}")


async def adrain(subject: Subject, expected: int) -> None:
    """As `drain`, on an event loop."""
    found = 0
    async for _ in subject.astream():
        found += 1
    if found < expected:
        raise RuntimeError(f"{found} items in a stream of {expected}")


def check(bench: Bench, needs: str) -> None:
    """Fails unless the subject gets the whole reply and the whole stream."""
    subject = bench.kind(bench.url, SMALL)

    async def both() -> Any:
        await adrain(subject, EVENTS)
        return await subject.acall()

    if needs == "sync":
        drain(subject, EVENTS)
        reply = subject.call()
    else:
        reply = bench.loop.run_until_complete(both())
    if "Air scatters blue light" not in repr(reply):
        raise RuntimeError(f"the reply is {reply!r}")
