"""Engines block, and run in threads; upstreams are waited for. Either way their events are awaited."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing, suppress
from dataclasses import replace
from typing import TypeAlias

from auriko.sandbox.engines.base import Engine, EngineError, Event, Prompt
from auriko.sandbox.engines.scripted import ScriptedEngine
from auriko.sandbox.engines.tokens import count_prompt_tokens
from auriko.sandbox.engines.upstream.engine import UpstreamEngine

_THREADS_PER_ENGINE = 8
_EVENTS_AHEAD = 64
_SCRIPTED, _MODEL = "scripted", "smollm2"
_MOST_READ, _MOST_SAID = 2000, 256  # tokens of what another engine passes on to the model, and of its answer


def events_of(engine: Engine, prompt: Prompt) -> Generator[Event, None, None]:
    """The events of one run, in this thread. Closing it closes the engine's own iterator.

    Raises:
        EngineError: The engine failed, in whatever way.
    """
    try:
        events = engine.run(prompt)
        try:
            yield from events
        finally:
            if isinstance(events, Generator):
                events.close()
    except EngineError:
        raise
    except Exception as error:
        raise EngineError(f"{type(error).__name__}: {error}") from error


Run: TypeAlias = AsyncGenerator[tuple[float, Event], None]
"""The events of one run, each with the `perf_counter` time at which it was there."""


async def _awaited(events: AsyncGenerator[Event, None]) -> Run:
    """The run of an engine that is only waited for; its connection is closed if the answer is not complete."""
    async with aclosing(events):
        async for event in events:
            yield time.perf_counter(), event


async def _in_thread(engine: Engine, prompt: Prompt, threads: ThreadPoolExecutor) -> Run:
    """The run of an engine that blocks. Its iterator lives and ends in one thread, some events ahead at most.

    After this is closed, the iterator is closed at its next event.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[float, Event] | EngineError | None] = asyncio.Queue()
    closed, ahead = threading.Event(), threading.Semaphore(_EVENTS_AHEAD)

    def deliver(item: tuple[float, Event] | EngineError | None) -> None:
        # The loop is gone when the sandbox has been stopped in the meantime.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, item)

    def produce() -> None:
        if closed.is_set():
            return
        try:
            with closing(events_of(engine, prompt)) as events:
                for event in events:
                    ahead.acquire()
                    if closed.is_set():
                        return
                    deliver((time.perf_counter(), event))
            deliver(None)
        except EngineError as error:
            deliver(error)

    threads.submit(produce)
    try:
        while (item := await queue.get()) is not None:
            ahead.release()
            if isinstance(item, EngineError):
                raise item
            yield item
    finally:
        closed.set()
        ahead.release()


class EnginePool:
    """The engines that are there, each with threads of its own, so that a slow one does not hold up a quick one.

    Args:
        engines: Those in this process.
        remote: Those that are only waited for.

    Attributes:
        answers: What is answered instead of all of them, if something is.
        local: The engines in this process, by name.
    """

    answers: ScriptedEngine | None = None

    def __init__(self, engines: Iterable[Engine], remote: Iterable[UpstreamEngine] = ()) -> None:
        self.local: Mapping[str, Engine] = {engine.name: engine for engine in engines}
        self._remote: Mapping[str, UpstreamEngine] = {engine.name: engine for engine in remote}
        self._threads = {
            name: ThreadPoolExecutor(_THREADS_PER_ENGINE, thread_name_prefix=f"auriko-sandbox-{name}")
            for name in {_SCRIPTED, *self.local}
        }

    @property
    def names(self) -> list[str]:
        """Names of all engines."""
        return [*self.local, *self._remote]

    async def start(self, name: str, prompt: Prompt) -> tuple[str, Run]:
        """(the name of what answers, its run): a scripted answer, a model that this engine passes on to, or itself.

        Raises:
            EngineError: There should be a scripted answer, and is none.
        """
        if self.answers is not None:
            threads = self._threads[_SCRIPTED]
            take = asyncio.get_running_loop().run_in_executor(threads, self.answers.take, prompt)
            if (answer := await take) is not None:
                return _SCRIPTED, _in_thread(ScriptedEngine([answer]), prompt, threads)
        if name in self._remote:
            return name, _awaited(self._remote[name].stream(prompt))
        if self._passes_on(name, prompt):
            name = _MODEL
            prompt = replace(prompt, tools=(), max_tokens=min(prompt.max_tokens or _MOST_SAID, _MOST_SAID))
        return name, _in_thread(self.local[name], prompt, self._threads[name])

    def _passes_on(self, name: str, prompt: Prompt) -> bool:
        """True if the model is here, can hold the prompt, and this engine leaves it to the model."""
        passes_on = getattr(self.local[name], "passes_on", None)
        if passes_on is None or _MODEL not in self.local or count_prompt_tokens(prompt) > _MOST_READ:
            return False
        return bool(passes_on(prompt))

    def submit(self, name: str, work: Callable[[Engine], None]) -> None:
        """Let `work` have this engine, in one of its threads."""
        self._threads[name].submit(work, self.local[name])

    async def aclose(self) -> None:
        """Closes the connections of the remote engines."""
        for engine in self._remote.values():
            await engine.aclose()

    def stop(self) -> None:
        """End all threads and free what the engines hold; blocks until the runs under way have noticed."""
        for name, threads in self._threads.items():
            threads.shutdown(wait=True, cancel_futures=True)
            close = getattr(self.local.get(name), "close", None)
            if close is not None:
                close()
