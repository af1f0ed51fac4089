"""A batch whose requests tasks of an event loop send."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextvars import Context
from types import TracebackType
from typing import TYPE_CHECKING

import anyio
from typing_extensions import Self

from auriko._rules.call import Call
from auriko.batch._base import END, BatchBase, OnError, ReplyT, Request, Results, length_of
from auriko.types.batch_params import BatchOptions

if TYPE_CHECKING:
    from auriko._caller import AsyncCaller


class AsyncBatch(BatchBase[ReplyT]):
    """Requests that tasks send; iterating inside its `async with` block gives each index with its reply or error.

    They come as they complete. Leaving the block early cancels the requests under way.
    """

    def __init__(
        self,
        caller: AsyncCaller,
        to_call: Callable[[Request], Call[ReplyT]],
        requests: Iterable[Request] | AsyncIterable[Request],
        options: BatchOptions,
    ) -> None:
        super().__init__(to_call, length_of(requests), options)
        self._caller = caller
        self._requests = aiter(requests) if isinstance(requests, AsyncIterable) else iter(requests)
        self._done: deque[tuple[int, ReplyT | BaseException]] = deque()

    async def __aenter__(self) -> Self:
        self._begin()
        self._news = anyio.Event()
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[int, ReplyT | Exception]:
        context = self._running()
        while self._has_room() and await self._take(context) and not self._done:
            pass
        if not self._open:
            raise StopAsyncIteration
        while not self._done:
            self._news = anyio.Event()
            await self._news.wait()
        return self._delivered(*self._done.popleft())

    async def _take(self, context: Context) -> bool:
        request = await _next(self._requests)
        if request is END:
            return False
        if pause := self._pause():
            await anyio.sleep(pause)
        context.run(self._tasks.start_soon, self._work, self._number(), request)
        return True

    async def _work(self, index: int, request: Request) -> None:
        result: ReplyT | BaseException
        try:
            result = await self._caller.request(self._call(request))
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - trio interrupts any task, asyncio the main one
            result = error.with_traceback(None)  # its frames hold the request
        self._done.append((index, result))
        self._news.set()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tasks.cancel_scope.cancel()
        try:
            # A task group would wrap the caller's exception; it is told of a cancellation alone.
            if isinstance(error, anyio.get_cancelled_exc_class()):
                await self._tasks.__aexit__(kind, error, trace)
            else:
                await self._tasks.__aexit__(None, None, None)
        finally:
            self._end()


async def collect_async(batch: AsyncBatch[ReplyT], on_error: OnError) -> list[ReplyT | Exception]:
    """The result of `collect`, of a batch on an event loop."""
    results = Results[ReplyT](on_error)
    async with batch:
        async for index, result in batch:
            results.add(index, result)
    return results.in_order()


async def _next(requests: Iterator[Request] | AsyncIterator[Request]) -> Request:
    """The next request, or `END`."""
    return await anext(requests, END) if isinstance(requests, AsyncIterator) else next(requests, END)
