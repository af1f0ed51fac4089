"""The span that a tracing library has made for a LangChain run; a call of the client writes on it what it cost."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import AbstractContextManager, aclosing, contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final, TypeVar
from uuid import UUID

from langchain_core.callbacks import CallbackManager
from langchain_core.language_models import BaseChatModel
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from auriko.tracing import AttributeSink, llm_span_of_mlflow, mlflow_span, on_span

ModelT = TypeVar("ModelT", bound=BaseChatModel)
# What LangChain writes before the id of a run to make the id of a message.
_MESSAGE_OF_RUN: Final = "lc_run--"
# Those whose handlers keep the spans of runs. MLflow makes a handler for each run, which streams cannot know.
_KNOWN_TO_STREAMS: Final = ("langfuse.langchain", "opentelemetry.instrumentation.langchain")
_LIBRARIES: Final = (*_KNOWN_TO_STREAMS, "mlflow.langchain")
_tracers: ContextVar[tuple[Any, ...]] = ContextVar("auriko_langchain_tracers", default=())


def on_run_span(run: Any) -> AbstractContextManager[None]:
    """A context in which the client's call writes on the span of the run that this callback manager is of, if any."""
    span = _span_of(run.run_id, run.handlers) if run is not None else None
    return on_span(span or mlflow_span())


class StreamSpan:
    """The span of a streamed run, which takes what the client's call writes when the stream ends.

    LangChain mostly does not tell a stream which run it belongs to; the ids that it gives the chunks do.
    """

    def __init__(self, run: Any) -> None:
        self._run = run
        self._tracers = _tracers.get()
        self._facts: dict[str, Any] = {}

    def adopted(self) -> AbstractContextManager[None]:
        """The context for the client's call."""
        if self._run is None and (self._tracers or _openinference() is not None):
            return on_span(self)
        return on_run_span(self._run)

    def set_attribute(self, key: str, value: Any, /) -> None:
        """Keeps the attribute until the run is known."""
        self._facts[key] = value

    def settle(self, last: ChatGenerationChunk) -> None:
        """Writes on the span, after LangChain has taken the stream's last chunk."""
        span = _span_of(_run_of(last), self._tracers) if self._facts else None
        if span is not None:
            for name, value in self._facts.items():
                span.set_attribute(name, value)


def streams_know_tracers(model: type[ModelT]) -> type[ModelT]:
    """The class, whose streams know the handlers that trace them: below, LangChain says nothing of the run."""
    model.stream = _knowing(model.stream, _steps)  # type: ignore[method-assign]
    model.astream = _knowing(model.astream, _async_steps)  # type: ignore[method-assign]
    # Inside a graph whose messages are streamed, LangChain streams from `invoke`.
    model.generate = _known_inside(model.generate)  # type: ignore[method-assign]
    model.agenerate = _known_inside_async(model.agenerate)  # type: ignore[method-assign]
    return model


def _knowing(method: Callable[..., Any], steps: Callable[[Any, tuple[Any, ...]], Any]) -> Callable[..., Any]:
    @wraps(method)
    def stream(model: BaseChatModel, /, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002 - LangChain's name
        chunks = method(model, input, config, **kwargs)
        tracers = _tracers_among(ensure_config(config).get("callbacks"), model)
        return steps(chunks, tracers) if tracers else chunks

    return stream


def _known_inside(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def generate(model: BaseChatModel, /, messages: Any, stop: Any = None, callbacks: Any = None, **kwargs: Any) -> Any:
        with _known(_tracers_among(callbacks, model)):
            return method(model, messages, stop, callbacks, **kwargs)

    return generate


def _known_inside_async(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    async def agenerate(
        model: BaseChatModel, /, messages: Any, stop: Any = None, callbacks: Any = None, **kwargs: Any
    ) -> Any:
        with _known(_tracers_among(callbacks, model)):
            return await method(model, messages, stop, callbacks, **kwargs)

    return agenerate


def _steps(chunks: Generator[Any], tracers: tuple[Any, ...]) -> Generator[Any]:
    with _known(tracers):
        first = next(chunks)
    yield first
    yield from chunks


async def _async_steps(chunks: AsyncGenerator[Any], tracers: tuple[Any, ...]) -> AsyncGenerator[Any]:
    async with aclosing(chunks):
        with _known(tracers):
            first = await anext(chunks)
        yield first
        async for chunk in chunks:
            yield chunk


@contextmanager
def _known(tracers: tuple[Any, ...]) -> Generator[None]:
    """A context for what makes the `StreamSpan` of a stream."""
    token = _tracers.set(tracers)
    try:
        yield
    finally:
        _tracers.reset(token)


def _tracers_among(callbacks: Any, model: BaseChatModel) -> tuple[Any, ...]:
    """The handlers of a run to come that keep spans; nothing is asked where no library is there that has such ones."""
    if not any(library in sys.modules for library in _KNOWN_TO_STREAMS):
        return ()
    handlers = CallbackManager.configure(callbacks, model.callbacks).handlers
    return tuple(handler for handler in handlers if _library_of(handler) in _KNOWN_TO_STREAMS)


def _span_of(run_id: UUID | None, handlers: Iterable[Any]) -> AttributeSink | None:
    """The span of a run. Its library keeps it to itself: none of them is the current one in every way of calling."""
    instrumentor = _openinference()
    span = instrumentor.get_span(run_id) if instrumentor is not None else None
    for handler in handlers if span is None else ():
        span = span or _span_kept_by(handler, run_id)
    found: AttributeSink | None = span
    return found


def _span_kept_by(handler: Any, run_id: UUID | None) -> AttributeSink | None:
    """The span that a handler keeps for a run; no library has a public way to it."""
    span: AttributeSink | None = None
    match _library_of(handler):
        case "langfuse.langchain":
            span = getattr(handler._runs.get(run_id), "_otel_span", None)  # noqa: SLF001 - see above
        case "opentelemetry.instrumentation.langchain":
            span = getattr(handler.spans.get(run_id), "span", None)
        case "mlflow.langchain":
            span = llm_span_of_mlflow(handler._get_span_by_run_id(run_id))  # noqa: SLF001 - see above
        case _:
            pass
    return span


def _library_of(handler: Any) -> str | None:
    modules = [cls.__module__ for cls in type(handler).__mro__]
    return next((name for name in _LIBRARIES if any(module.startswith(name) for module in modules)), None)


def _run_of(chunk: ChatGenerationChunk) -> UUID | None:
    prefix, found, run_id = (chunk.message.id or "").partition(_MESSAGE_OF_RUN)
    return UUID(run_id) if found and not prefix else None


def _openinference() -> Any | None:
    """OpenInference's instrumentor, if it is in use."""
    library: Any = sys.modules.get("openinference.instrumentation.langchain")
    if library is None:
        return None
    instrumentor = library.LangChainInstrumentor()
    return instrumentor if instrumentor.is_instrumented_by_opentelemetry else None
