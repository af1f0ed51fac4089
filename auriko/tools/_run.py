"""Runs of a model with tools, for threads and for event loops, and their result."""

from __future__ import annotations

import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from typing_extensions import Self

from auriko._checks import check_seconds
from auriko._display.money import usd_text
from auriko.errors import BudgetExceededError
from auriko.models.chat import ChatCompletion
from auriko.spend import SpendTracker
from auriko.tools._loop import Ask, Execute, Loop, ToolCallRecord, ToolStep, fail, succeed, tool_loop
from auriko.tools._tool import Tool, ToolError, as_tools

FinalT = TypeVar("FinalT", bound=ChatCompletion)
Stopped: TypeAlias = Literal["max_steps", "limit_usd"]


class ToolResult(Generic[FinalT]):
    """What came of a run, up to now.

    Attributes:
        messages: The whole conversation; give it to another run to go on.
        steps: The answers of the model, each with the calls that it made.
        stopped: What ended the run before there was an answer, or None.
    """

    def __init__(self, messages: list[Any], spend: SpendTracker) -> None:
        self.messages = messages
        self.steps: list[ToolStep] = []
        self.stopped: Stopped | None = None
        self._spend = spend

    @property
    def final(self) -> FinalT:
        """The answer that calls no tool.

        Raises:
            ValueError: The run was stopped before there was one.
        """
        last: Any = self.steps[-1].reply if self.steps else None
        if last is None or self.steps[-1].calls:
            why = f"it was stopped by {self.stopped}" if self.stopped else "it is not at its end"
            raise ValueError(f"the run has no answer yet: {why}; another run with its messages goes on from there")
        final: FinalT = last
        return final

    @property
    def text(self) -> str:
        """The text of that answer; raises as `final` does."""
        return self.final.choices[0].message.content or "" if self.final.choices else ""

    @property
    def usd(self) -> float:
        """What the run has cost in USD, with what its tools asked of models; unknown costs are not in it."""
        return self._spend.usd

    @property
    def unknown_cost_calls(self) -> int:
        """How many calls cost what nobody told."""
        return self._spend.unknown_cost_calls

    def __repr__(self) -> str:
        stopped = f", stopped={self.stopped!r}" if self.stopped else ""
        return f"ToolResult({len(self.steps)} steps, {usd_text(self.usd)}{stopped})"


class _RunBase(Generic[FinalT]):
    """The base of both kinds of run: everything but the asking, the running and the awaiting."""

    def __init__(
        self,
        ask: Callable[..., Any],
        tools: Any,
        params: Mapping[str, Any],
        bounds: Mapping[str, Any],
    ) -> None:
        max_steps: int = bounds.get("max_steps", 10)
        if max_steps < 1:
            raise ValueError(f"max_steps must be 1 or more, not {max_steps}")
        if (params.get("n") or 1) > 1:
            raise ValueError("n > 1 cannot be run: which of the answers were to go on?")
        self._ask = ask
        self._tools: dict[str, Tool] = as_tools(tools)
        self._timeout = check_seconds("tool_timeout", bounds.get("tool_timeout"))
        self._on_step: Callable[[ToolStep], Any] | None = bounds.get("on_step")
        self._spend = SpendTracker(bounds.get("limit_usd"))
        params = {**params, "messages": list(params["messages"])}
        self._loop: Loop = tool_loop(self._tools, params, max_steps)
        self._sent: Any = None
        self.result: ToolResult[FinalT] = ToolResult(params["messages"], self._spend)

    def _next(self) -> Ask | Execute | ToolStep | None:
        """What is to be done next, or None at the end."""
        try:
            return self._loop.send(self._sent)
        except StopIteration:
            if self.result.stopped is None and self.result.steps[-1].calls:
                self.result.stopped = "max_steps"
            return None
        finally:
            self._sent = None

    def _keep(self, step: ToolStep) -> ToolStep:
        self.result.steps.append(step)
        self.result.messages += step.messages
        return step

    def _stop(self, error: BudgetExceededError) -> None:
        """Ends the run at its own limit; that of somebody else's is theirs.

        Raises:
            BudgetExceededError: It is another limit.
        """
        if error.limit_usd != self._spend.limit_usd:
            raise error
        self.result.stopped = "limit_usd"

    def _too_long(self) -> ToolError:
        return ToolError(f"the tool took longer than {self._timeout:g} s")


class ToolRun(_RunBase[FinalT], Iterator[ToolStep]):
    """A run, step by step: each iteration is an answer of the model and the tools that it called.

    Attributes:
        result: What has come of it so far.
    """

    def __next__(self) -> ToolStep:
        while (todo := self._next()) is not None:
            if isinstance(todo, ToolStep):
                self._keep(todo)
                if self._on_step is not None:
                    self._on_step(todo)
                return todo
            with self._spend.active():
                if isinstance(todo, Execute):
                    self._execute(todo.calls)
                    continue
                try:
                    self._sent = self._ask(**todo.request)
                except BudgetExceededError as error:
                    self._stop(error)
                    break
        raise StopIteration

    def __iter__(self) -> Self:
        return self

    def finish(self) -> ToolResult[FinalT]:
        """Runs to the end, and gives what came of it."""
        for _ in self:
            pass
        return self.result

    def _execute(self, calls: list[tuple[Tool, ToolCallRecord]]) -> None:
        if len(calls) == 1 and self._timeout is None:
            _call(*calls[0])  # here, where the program is: tools may hold what belongs to their thread
            return
        started = [(record, _in_a_thread(tool, record.arguments)) for tool, record in calls]
        late = wait([future for _, future in started], self._timeout).not_done
        for record, future in started:
            if future in late:
                fail(record, self._too_long())
                continue
            try:
                succeed(record, future.result())
            except Exception as error:  # noqa: BLE001 - the model is told
                fail(record, error)


def _call(tool: Tool, record: ToolCallRecord) -> None:
    try:
        succeed(record, _run_here(tool, record.arguments))
    except Exception as error:  # noqa: BLE001 - the model is told
        fail(record, error)


def _run_here(tool: Tool, arguments: dict[str, Any]) -> Any:
    result = tool.run(arguments)
    if not inspect.isawaitable(result):
        return result
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as elsewhere:  # here a loop may be running, as in a notebook
        return elsewhere.submit(copy_context().run, asyncio.run, _awaited(result)).result()


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


def _in_a_thread(tool: Tool, arguments: dict[str, Any]) -> Future[Any]:
    """The tool at work in a thread of its own, which nobody waits for after a timeout."""
    future: Future[Any] = Future()

    def work() -> None:
        try:
            future.set_result(_run_here(tool, arguments))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=copy_context().run, args=(work,), name="auriko-tool", daemon=True).start()
    return future


class AsyncToolRun(_RunBase[FinalT], AsyncIterator[ToolStep]):
    """A run, step by step, awaited; functions that are not async run in threads.

    Attributes:
        result: What has come of it so far.
    """

    async def __anext__(self) -> ToolStep:
        while (todo := self._next()) is not None:
            if isinstance(todo, ToolStep):
                self._keep(todo)
                if self._on_step is not None and inspect.isawaitable(told := self._on_step(todo)):
                    await told
                return todo
            with self._spend.active():
                if isinstance(todo, Execute):
                    await self._execute(todo.calls)
                    continue
                try:
                    self._sent = await self._ask(**todo.request)
                except BudgetExceededError as error:
                    self._stop(error)
                    break
        raise StopAsyncIteration

    def __aiter__(self) -> Self:
        return self

    async def finish(self) -> ToolResult[FinalT]:
        """Runs to the end, and gives what came of it."""
        async for _ in self:
            pass
        return self.result

    async def _execute(self, calls: list[tuple[Tool, ToolCallRecord]]) -> None:
        import anyio

        async with anyio.create_task_group() as tasks:
            for tool, record in calls:
                tasks.start_soon(self._call, tool, record)

    async def _call(self, tool: Tool, record: ToolCallRecord) -> None:
        import anyio
        from anyio.to_thread import run_sync

        with anyio.move_on_after(self._timeout) as scope:
            try:
                if tool.is_async:
                    result = await tool.run(record.arguments)
                else:
                    result = await run_sync(tool.run, record.arguments, abandon_on_cancel=True)
                    if inspect.isawaitable(result):
                        result = await result
                succeed(record, result)
            except Exception as error:  # noqa: BLE001 - the model is told
                fail(record, error)
        if scope.cancelled_caught:
            fail(record, self._too_long())
