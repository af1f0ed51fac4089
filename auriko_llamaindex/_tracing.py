"""The span that a tracing library has made for an LLM call; a call of the client writes on it what it cost."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any, Final

from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.span import active_span_id

from auriko.tracing import AttributeSink, mlflow_span, on_span

# OpenLLMetry's, and that of llama-index-observability-otel.
_INSTRUMENTATIONS: Final = ("opentelemetry.instrumentation.llamaindex", "llamaindex.opentelemetry")


def framework_span() -> AttributeSink | None:
    """The span of the LLM call that runs here, or None. To be asked for when it is made: streams outlive it."""
    return _openinference_span() or _opentelemetry_span() or mlflow_span()


def on_framework_span(span: AttributeSink | None) -> AbstractContextManager[None]:
    """A context in which the client's call writes on the span; one that does nothing where there is none.

    Some instrumentations end a stream's span before the stream is read; its call has then a span of its own.
    """
    is_recording: Any = getattr(span, "is_recording", None)
    return on_span(span if is_recording is None or is_recording() else None)


class _OpenInferenceSpan:
    """OpenInference keeps a span's attributes until its end and then writes them over those that it has by then."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def set_attribute(self, key: str, value: Any, /) -> None:
        self._span[key] = value


def _openinference_span() -> AttributeSink | None:
    handlers: list[Any] = [*get_dispatcher().span_handlers]  # pyright: ignore[reportUnknownMemberType]
    for handler in handlers:
        if type(handler).__module__.startswith("openinference."):
            span = handler.open_spans.get(active_span_id.get())
            return _OpenInferenceSpan(span) if span is not None else None
    return None


def _opentelemetry_span() -> AttributeSink | None:
    """The current span, if an instrumentation of LlamaIndex has made it, and not the program around it."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    span = trace.get_current_span()
    scope: Any = getattr(span, "instrumentation_scope", None)
    found: AttributeSink | None = None
    if scope is not None and scope.name.startswith(_INSTRUMENTATIONS):
        found = span
    return found
