"""A handler that writes on the answers of query engines, chat engines and agents what they cost."""

# LlamaIndex's handlers and responses have bare containers in their types.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack
from typing import Any, Final

from llama_index.core.agent.workflow.workflow_events import AgentOutput
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import (
    AsyncStreamingResponse,
    PydanticResponse,
    Response,
    StreamingResponse,
)
from llama_index.core.chat_engine.types import AgentChatResponse, BaseChatEngine, StreamingAgentChatResponse
from llama_index.core.workflow import StopEvent, Workflow
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.span.base import BaseSpan
from llama_index_instrumentation.span_handlers import BaseSpanHandler
from pydantic import ConfigDict
from typing_extensions import Self, override

from auriko import SpendTracker, track_spend

_COUNTED: Final = (
    (BaseQueryEngine, frozenset({"query", "aquery"})),
    (BaseChatEngine, frozenset({"chat", "achat", "stream_chat", "astream_chat"})),
    (Workflow, frozenset({"run"})),
)


_TRACKER: Final = "_auriko_tracker"


class Spending(BaseSpan):
    """A call of an engine or a run of an agent that is under way, with what it has cost so far."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    tracker: SpendTracker
    leave: ExitStack


class AurikoCostHandler(BaseSpanHandler[Spending]):
    """Adds up what each query, chat and agent run costs, and writes it on the answer.

    Query and chat engines have it in `response.metadata["auriko"]`, for a streamed answer once that has been read
    to its end; an agent's output has it in `output["auriko"]`. It is a dictionary of `usd`, `calls`,
    `unknown_cost_calls`, `prompt_tokens`, `completion_tokens`, `cache_savings_usd`, and `usd` by provider and by model.

    Use it in a `with` block, or `attach()` it for good. It counts by `auriko.track_spend`, so calls in threads
    that were started without their creator's context are not seen.
    """

    def attach(self) -> Self:
        """The handler itself, told of everything that LlamaIndex does from now on."""
        get_dispatcher().add_span_handler(self)
        return self

    def detach(self) -> None:
        """Tell it no more; answers that are being streamed are still completed."""
        dispatcher = get_dispatcher()
        dispatcher.span_handlers = [handler for handler in dispatcher.span_handlers if handler is not self]

    def __enter__(self) -> Self:
        return self.attach()

    def __exit__(self, *_error: object) -> None:
        self.detach()

    @override
    def new_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        parent_span_id: str | None = None,
        tags: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Spending | None:
        # An id is made of class, method and a random part, as in "RetrieverQueryEngine.query-1c9e...".
        method = id_.partition("-")[0].rpartition(".")[2]
        if not any(isinstance(instance, kind) and method in methods for kind, methods in _COUNTED):
            return None
        leave = ExitStack()
        return Spending(id_=id_, parent_id=parent_span_id, tracker=leave.enter_context(track_spend()), leave=leave)

    @override
    def prepare_to_exit_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        result: Any | None = None,
        **kwargs: Any,
    ) -> Spending | None:
        if isinstance(instance, StreamingAgentChatResponse):
            _write_chat(instance, finished=True)
        span = self._left(id_)
        if span is not None:
            _write(result, span.tracker)
        return span

    @override
    def prepare_to_drop_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        err: BaseException | None = None,
        **kwargs: Any,
    ) -> Spending | None:
        return self._left(id_)

    def _left(self, id_: str) -> Spending | None:
        span = self.open_spans.get(id_)
        if span is not None:
            span.leave.close()
        return span


def _write(answer: Any, tracker: SpendTracker) -> None:
    """Write on an answer what it cost, at once or after its stream."""
    if isinstance(answer, StopEvent) and isinstance(answer.result, AgentOutput):
        answer.result["auriko"] = _summary(tracker)
    elif isinstance(answer, Response | PydanticResponse | AgentChatResponse):
        _write_metadata(answer, tracker)
    elif isinstance(answer, StreamingAgentChatResponse):
        vars(answer)[_TRACKER] = tracker
        _write_chat(answer, finished=answer.is_done)
    elif isinstance(answer, StreamingResponse):
        answer.response_gen = _counted(answer.response_gen, tracker, lambda: _write_metadata(answer, tracker))
    elif isinstance(answer, AsyncStreamingResponse):
        answer.response_gen = _acounted(answer.response_gen, tracker, lambda: _write_metadata(answer, tracker))


def _write_chat(answer: StreamingAgentChatResponse, *, finished: bool) -> None:
    """Write on a streamed chat, which LlamaIndex reads in the background, once it has been read."""
    tracker = vars(answer).get(_TRACKER)
    if finished and tracker is not None:
        vars(answer)["metadata"] = {"auriko": _summary(tracker)}


def _write_metadata(answer: Any, tracker: SpendTracker) -> None:
    answer.metadata = {**(answer.metadata or {}), "auriko": _summary(tracker)}


def _summary(tracker: SpendTracker) -> dict[str, Any]:
    return {
        **dataclasses.asdict(tracker.total),
        "by_provider": {name or "unknown": total.usd for name, total in tracker.by_provider().items()},
        "by_model": {name or "unknown": total.usd for name, total in tracker.by_model().items()},
    }


def _counted(tokens: Iterator[str], tracker: SpendTracker, write: Callable[[], None]) -> Generator[str, None, None]:
    """The tokens of a streamed answer; the calls behind them start while they are asked for, and are counted too."""
    try:
        while True:
            with tracker.active():
                token = next(tokens, None)
            if token is None:
                return
            yield token
    finally:
        # A call that is abandoned with the answer is told of when its stream is closed.
        if isinstance(tokens, Generator):
            tokens.close()
        write()


async def _acounted(
    tokens: AsyncIterator[str], tracker: SpendTracker, write: Callable[[], None]
) -> AsyncGenerator[str, None]:
    """The tokens of a streamed answer, asked for asynchronously."""
    try:
        while True:
            with tracker.active():
                token = await anext(tokens, None)
            if token is None:
                return
            yield token
    finally:
        write()
