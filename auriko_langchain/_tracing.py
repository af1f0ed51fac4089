"""The span that a tracing library has made for a LangChain run; a call of the client writes on it what it cost."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final
from uuid import UUID

from langchain_core.outputs import ChatGenerationChunk

from auriko.tracing import AttributeSink, mlflow_span, on_span

_NOTHING: Final[AbstractContextManager[None]] = nullcontext()
# What LangChain writes before the id of a run to make the id of a message.
_MESSAGE_OF_RUN: Final = "lc_run--"


def on_run_span(run: Any) -> AbstractContextManager[None]:
    """A context in which the client's call writes on the run's span; one that does nothing where there is none.

    Args:
        run: The callback manager of the run, or None.
    """
    instrumentor = _openinference()
    span = instrumentor.get_span(run.run_id) if instrumentor is not None and run is not None else None
    return _on(span or mlflow_span())


class StreamSpan:
    """The span of a streamed run, which takes what the client's call writes when the stream ends.

    LangChain mostly does not tell a stream which run it belongs to; the ids that it gives the chunks do.
    """

    def __init__(self, run: Any) -> None:
        self._run = run
        self._facts: dict[str, Any] = {}

    def adopted(self) -> AbstractContextManager[None]:
        """The context for the client's call."""
        return _on(self if _openinference() is not None else mlflow_span())

    def set_attribute(self, key: str, value: Any, /) -> None:
        """Keeps the attribute until the run is known."""
        self._facts[key] = value

    def settle(self, last: ChatGenerationChunk) -> None:
        """Writes on the span, after LangChain has taken the stream's last chunk."""
        instrumentor = _openinference()
        if not self._facts or instrumentor is None:
            return
        run_id = self._run.run_id if self._run is not None else _run_of(last)
        span = instrumentor.get_span(run_id)
        if span is not None:
            span.set_attributes(self._facts)


def _on(span: AttributeSink | None) -> AbstractContextManager[None]:
    return on_span(span) if span is not None else _NOTHING


def _run_of(chunk: ChatGenerationChunk) -> UUID | None:
    prefix, found, run_id = (chunk.message.id or "").partition(_MESSAGE_OF_RUN)
    return UUID(run_id) if found and not prefix else None


def _openinference() -> Any | None:
    """OpenInference's instrumentor, if it is in use; it keeps the spans of runs to itself, none is the current one."""
    library: Any = sys.modules.get("openinference.instrumentation.langchain")
    if library is None:
        return None
    instrumentor = library.LangChainInstrumentor()
    return instrumentor if instrumentor.is_instrumented_by_opentelemetry else None
