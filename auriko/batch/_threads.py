"""A batch whose requests threads send."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import Context
from types import TracebackType
from typing import TYPE_CHECKING, Final

from typing_extensions import Self

from auriko._rules.call import Call
from auriko.batch._base import END, BatchBase, OnError, ReplyT, Request, Results, length_of
from auriko.types.batch_params import BatchOptions

if TYPE_CHECKING:
    from auriko._caller import Caller

# How long, in seconds, to wait for threads whose connections have been closed.
_PATIENCE: Final = 1.0


class Batch(BatchBase[ReplyT]):
    """Requests that threads send; iterating inside its `with` block gives each index with its reply or error.

    They come as they complete. Leaving the block early, also by Ctrl-C, ends the requests under way.
    """

    def __init__(
        self,
        caller: Caller,
        to_call: Callable[[Request], Call[ReplyT]],
        requests: Iterable[Request],
        options: BatchOptions,
    ) -> None:
        super().__init__(to_call, length_of(requests), options)
        self._caller = caller
        self._requests = iter(requests)
        self._threads: list[threading.Thread] = []
        self._waiting: queue.SimpleQueue[tuple[int, Request] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, ReplyT | BaseException]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._begin()
        # Connections of its own can be closed under the threads that wait for them, and nobody else's are.
        self._own_caller = self._caller.with_own_connections()
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[int, ReplyT | Exception]:
        context = self._running()
        # A slow source does not hold up a reply that is here: for each one that leaves, one request is read.
        while self._has_room() and self._take(context) and self._done.empty():
            pass
        if not self._open:
            raise StopIteration
        return self._delivered(*self._done.get())

    def _take(self, context: Context) -> bool:
        request = next(self._requests, END)
        if request is END:
            return False
        if pause := self._pause():
            time.sleep(pause)
        self._waiting.put((self._number(), request))
        if len(self._threads) < self._open:
            thread = threading.Thread(target=context.copy().run, args=(self._work,), name="auriko-batch", daemon=True)
            self._threads.append(thread)
            thread.start()
        return True

    def _work(self) -> None:
        while (task := self._waiting.get()) is not None:
            index, request = task
            result: ReplyT | BaseException
            try:
                result = self._own_caller.request(self._call(request))
            except BaseException as error:  # noqa: BLE001 - it is raised where the batch is iterated over
                result = error.with_traceback(None)  # its frames hold the request
            self._done.put((index, result))
            del task, request, result

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        for _ in self._threads:
            self._waiting.put(None)
        self._own_caller.close()
        until = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))
        self._end()


def collect(batch: Batch[ReplyT], on_error: OnError) -> list[ReplyT | Exception]:
    """The replies and errors of a batch in the order of its requests; an error is raised if that was asked for."""
    results = Results[ReplyT](on_error)
    with batch:
        for index, result in batch:
            results.add(index, result)
    return results.in_order()
