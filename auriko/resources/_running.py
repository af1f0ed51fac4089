"""`client.chat.completions.run_tools(...)`: functions that the model may call, and that are run for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from typing_extensions import Unpack

from auriko._rules.call import check_names
from auriko._signature import show_parameters
from auriko.models.chat import ChatCompletion
from auriko.types.chat_params import AnswerParams, RunToolsParams

if TYPE_CHECKING:  # imported when tools are run
    from pydantic import TypeAdapter

    from auriko.models.parsed import ParsedChatCompletion
    from auriko.tools import AsyncToolRun, Tool, ToolResult, ToolRun

T = TypeVar("T")
_BOUNDS: Final = frozenset(RunToolsParams.__annotations__) - frozenset(AnswerParams.__annotations__)


class RunningCompletions:
    """Chat completions that run tools."""

    create: Callable[..., Any]
    parse: Callable[..., Any]

    @overload
    def run_tools(
        self, *, tools: Iterable[Callable[..., Any] | Tool], **params: Unpack[RunToolsParams]
    ) -> ToolResult[ChatCompletion]: ...
    @overload
    def run_tools(
        self,
        *,
        tools: Iterable[Callable[..., Any] | Tool],
        response_format: type[T] | TypeAdapter[T],
        **params: Unpack[RunToolsParams],
    ) -> ToolResult[ParsedChatCompletion[T]]: ...
    def run_tools(
        self, *, tools: Iterable[Callable[..., Any] | Tool], response_format: Any = None, **params: Any
    ) -> ToolResult[Any]:
        """What came of asking the model, running the tools it calls, and asking again, until it answers.

        Functions with type hints and docstrings are tools. The calls of one answer run at once, in threads. Wrong
        arguments, unknown tools and exceptions go back to the model as results. An error of a request is raised.

        Args:
            tools: Functions, or `auriko.tools.Tool`s.
            response_format: The type of the last answer, as for `parse`.
            **params: As for `create`; and `max_steps`, the most answers of the model (10); `limit_usd`, after which
                it is not asked again; `tool_timeout`, in seconds, after which the model is told that a tool took too
                long; `on_step`, which is called with each step. Reaching a limit ends the run, and `stopped` says so.

        Raises:
            AurikoAPIError: What the gateway or the network answered.
            StructuredOutputError: The last answer is no object of the type.
            ValueError: The request cannot be sent as it is, or a limit is out of its range.
            TypeError: An unknown argument, or a tool that is no function.
        """
        return self._run(tools, response_format, params).finish()

    @overload
    def iter_tools(
        self, *, tools: Iterable[Callable[..., Any] | Tool], **params: Unpack[RunToolsParams]
    ) -> ToolRun[ChatCompletion]: ...
    @overload
    def iter_tools(
        self,
        *,
        tools: Iterable[Callable[..., Any] | Tool],
        response_format: type[T] | TypeAdapter[T],
        **params: Unpack[RunToolsParams],
    ) -> ToolRun[ParsedChatCompletion[T]]: ...
    def iter_tools(
        self, *, tools: Iterable[Callable[..., Any] | Tool], response_format: Any = None, **params: Any
    ) -> ToolRun[Any]:
        """The run of `run_tools` step by step; its `result` is what has come of it so far."""
        return self._run(tools, response_format, params)

    def _run(self, tools: Any, response_format: Any, params: Any) -> ToolRun[Any]:
        from auriko.tools import ToolRun

        return ToolRun(*_arguments(self, tools, response_format, params))


def _arguments(
    completions: RunningCompletions | AsyncRunningCompletions, tools: Any, response_format: Any, params: dict[str, Any]
) -> tuple[Callable[..., Any], Any, dict[str, Any], dict[str, Any]]:
    """What a run takes: who is asked, the tools, the arguments of each request, and the bounds of the run."""
    if "stream" in params:
        raise TypeError("run_tools() does not stream; iter_tools() takes the same, and gives each step as it is done")
    check_names(params, RunToolsParams, "run_tools")
    bounds = {name: params[name] for name in _BOUNDS if params.get(name) is not None}
    request = {name: value for name, value in params.items() if name not in _BOUNDS}
    if response_format is None:
        return completions.create, tools, request, bounds
    return partial(completions.parse, response_format=response_format), tools, request, bounds


class AsyncRunningCompletions:
    """Chat completions that run tools, awaited."""

    create: Callable[..., Any]
    parse: Callable[..., Any]

    @overload
    async def run_tools(
        self, *, tools: Iterable[Callable[..., Any] | Tool], **params: Unpack[RunToolsParams]
    ) -> ToolResult[ChatCompletion]: ...
    @overload
    async def run_tools(
        self,
        *,
        tools: Iterable[Callable[..., Any] | Tool],
        response_format: type[T] | TypeAdapter[T],
        **params: Unpack[RunToolsParams],
    ) -> ToolResult[ParsedChatCompletion[T]]: ...
    async def run_tools(
        self, *, tools: Iterable[Callable[..., Any] | Tool], response_format: Any = None, **params: Any
    ) -> ToolResult[Any]:
        """What came of asking the model and running its calls; arguments and errors are those of `Completions`.

        Async functions are awaited, others run in threads.
        """
        return await self._run(tools, response_format, params).finish()

    @overload
    def iter_tools(
        self, *, tools: Iterable[Callable[..., Any] | Tool], **params: Unpack[RunToolsParams]
    ) -> AsyncToolRun[ChatCompletion]: ...
    @overload
    def iter_tools(
        self,
        *,
        tools: Iterable[Callable[..., Any] | Tool],
        response_format: type[T] | TypeAdapter[T],
        **params: Unpack[RunToolsParams],
    ) -> AsyncToolRun[ParsedChatCompletion[T]]: ...
    def iter_tools(
        self, *, tools: Iterable[Callable[..., Any] | Tool], response_format: Any = None, **params: Any
    ) -> AsyncToolRun[Any]:
        """The run of `run_tools` step by step, for `async for`; its `result` is what has come of it so far."""
        return self._run(tools, response_format, params)

    def _run(self, tools: Any, response_format: Any, params: Any) -> AsyncToolRun[Any]:
        from auriko.tools import AsyncToolRun

        return AsyncToolRun(*_arguments(self, tools, response_format, params))


for _running in (RunningCompletions, AsyncRunningCompletions):
    show_parameters(_running.run_tools, RunToolsParams)
    show_parameters(_running.iter_tools, RunToolsParams)
