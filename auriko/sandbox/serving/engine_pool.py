"""Engines block, and run in threads; upstreams are waited for. Either way their events are awaited."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from typing import Protocol

from auriko.sandbox.engines.base import AsyncEngine, Engine, EngineError, Event, Prompt
from auriko.sandbox.engines.scripted import ScriptedEngine
from auriko.sandbox.engines.tokens import count_prompt_tokens

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


class Run(Protocol):
    """The events of one run, awaited one by one, each with the `perf_counter` time at which it was there."""

    async def next(self) -> tuple[float, Event] | None:
        """The next event and its time, or None after the last.

        Raises:
            EngineError: The engine failed.
        """
        ...

    async def close(self) -> None:
        """Stop the work; nothing more is delivered."""
        ...


class AsyncEngineRun:
    """A `Run` of a remote engine."""

    def __init__(self, engine: AsyncEngine, prompt: Prompt) -> None:
        self._events = engine.stream(prompt)

    async def next(self) -> tuple[float, Event] | None:
        """As `Run` says."""
        try:
            event = await anext(self._events)
        except StopAsyncIteration:
            return None
        return time.perf_counter(), event

    async def close(self) -> None:
        """As `Run` says; the connection is closed if the answer is not complete."""
        await self._events.aclose()


class EngineRun:
    """A `Run` in a thread: its events, awaited one by one, each with the `perf_counter` time at which it was there.

    The iterator lives and ends in one thread. It runs ahead of what is awaited by some events at most. After `close`
    it is closed at its next event.
    """

    def __init__(self, engine: Engine, prompt: Prompt, threads: ThreadPoolExecutor) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[tuple[float, Event] | EngineError | None] = asyncio.Queue()
        self._closed = threading.Event()
        self._ahead = threading.Semaphore(_EVENTS_AHEAD)
        threads.submit(self._produce, engine, prompt)

    async def next(self) -> tuple[float, Event] | None:
        """As `Run` says."""
        item = await self._events.get()
        self._ahead.release()
        if isinstance(item, EngineError):
            raise item
        return item

    async def close(self) -> None:
        """As `Run` says."""
        self._closed.set()
        self._ahead.release()

    def _produce(self, engine: Engine, prompt: Prompt) -> None:
        if self._closed.is_set():
            return
        try:
            with closing(events_of(engine, prompt)) as events:
                for event in events:
                    self._ahead.acquire()
                    if self._closed.is_set():
                        return
                    self._deliver((time.perf_counter(), event))
            self._deliver(None)
        except EngineError as error:
            self._deliver(error)

    def _deliver(self, item: tuple[float, Event] | EngineError | None) -> None:
        # The loop is gone when the sandbox has been stopped in the meantime.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._events.put_nowait, item)


class EnginePool:
    """The engines that are there, each with threads of its own, so that a slow one does not hold up a quick one.

    Args:
        engines: Those in this process.
        remote: Those that are only waited for.

    Attributes:
        answers: What is answered instead of all of them, if something is.
    """

    answers: ScriptedEngine | None = None

    def __init__(self, engines: Iterable[Engine], remote: Iterable[AsyncEngine] = ()) -> None:
        self._local: Mapping[str, Engine] = {engine.name: engine for engine in engines}
        self._remote: Mapping[str, AsyncEngine] = {engine.name: engine for engine in remote}
        self._threads = {
            name: ThreadPoolExecutor(_THREADS_PER_ENGINE, thread_name_prefix=f"auriko-sandbox-{name}")
            for name in {_SCRIPTED, *self._local}
        }

    @property
    def names(self) -> list[str]:
        """Names of all engines."""
        return [*self._local, *self._remote]

    @property
    def local(self) -> list[str]:
        """Names of the engines in this process."""
        return list(self._local)

    def __getitem__(self, name: str) -> Engine:
        return self._local[name]

    async def start(self, name: str, prompt: Prompt) -> tuple[str, Run]:
        """(the name of what answers, its run): a scripted answer, a model that this engine passes on to, or itself.

        Raises:
            EngineError: There should be a scripted answer, and is none.
        """
        if self.answers is not None:
            threads = self._threads[_SCRIPTED]
            take = asyncio.get_running_loop().run_in_executor(threads, self.answers.take, prompt)
            if (answer := await take) is not None:
                return _SCRIPTED, EngineRun(ScriptedEngine([answer]), prompt, threads)
        if name in self._remote:
            return name, AsyncEngineRun(self._remote[name], prompt)
        if self._passes_on(name, prompt):
            name = _MODEL
            prompt = replace(prompt, tools=(), max_tokens=min(prompt.max_tokens or _MOST_SAID, _MOST_SAID))
        return name, EngineRun(self._local[name], prompt, self._threads[name])

    def _passes_on(self, name: str, prompt: Prompt) -> bool:
        """True if the model is here, can hold the prompt, and this engine leaves it to the model."""
        passes_on = getattr(self._local[name], "passes_on", None)
        if passes_on is None or _MODEL not in self._local or count_prompt_tokens(prompt) > _MOST_READ:
            return False
        return bool(passes_on(prompt))

    def submit(self, name: str, work: Callable[[Engine], None]) -> None:
        """Let `work` have this engine, in one of its threads."""
        self._threads[name].submit(work, self._local[name])

    async def aclose(self) -> None:
        """Closes the connections of the remote engines."""
        for engine in self._remote.values():
            await engine.aclose()

    def stop(self) -> None:
        """End all threads and free what the engines hold; blocks until the runs under way have noticed."""
        for name, threads in self._threads.items():
            threads.shutdown(wait=True, cancel_futures=True)
            close = getattr(self._local.get(name), "close", None)
            if close is not None:
                close()
