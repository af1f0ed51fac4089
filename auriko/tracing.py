"""Attributes of spans: who answered a call and what it cost, under the names that tools read.

A call makes an OpenTelemetry span of its own once an SDK is configured. Where a framework has a span for the call
already, `on_span` has the call write on that one instead.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from auriko.models.routing import RoutingMetadata

# What an amount is, on spans and on the measurements of a metric.
COST_LABELS: Final = {"gen_ai.usage.cost.currency": "USD", "gen_ai.usage.cost.source": "provider"}
COST_METRICS: Final = ("auriko.client.cost", "gen_ai.client.operation.cost")
_NOTHING: Final[AbstractContextManager[None]] = nullcontext()
_MLFLOW_KINDS: Final = frozenset({"CHAT_MODEL", "LLM"})


class AttributeSink(Protocol):
    """A span, or whatever takes attributes for one."""

    def set_attribute(self, key: str, value: Any, /) -> None:
        """Notes the attribute; nothing once the span has ended."""


_adopted: ContextVar[AttributeSink | None] = ContextVar("auriko_span", default=None)


def on_span(span: AttributeSink | None) -> AbstractContextManager[None]:
    """A context whose calls write on this span when they end, and make none of their own; without one nothing differs.

    A streamed call that starts within the context writes when the stream ends, wherever that is.
    """
    return _adopting(span) if span is not None else _NOTHING


@contextmanager
def _adopting(span: AttributeSink) -> Generator[None]:
    token = _adopted.set(span)
    try:
        yield
    finally:
        _adopted.reset(token)


def current_llm_span() -> AttributeSink | None:
    """The current span, if an instrumentation of the caller's package has made it for the LLM call that runs here."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    span = trace.get_current_span() if trace is not None else None
    told: Any = getattr(span, "attributes", None) or {}
    if told.get("gen_ai.operation.name") == "chat" or told.get("openinference.span.kind") == "LLM":
        found: AttributeSink | None = span
        return found
    return mlflow_span()


def mlflow_span() -> AttributeSink | None:
    """The span that MLflow's autologging has made for the LLM call that runs here, or None."""
    mlflow = sys.modules.get("mlflow")
    if mlflow is None:
        return None
    return llm_span_of_mlflow(mlflow.get_current_active_span())


def llm_span_of_mlflow(span: Any) -> AttributeSink | None:
    """MLflow's span as calls write on it, or None where there is none or it is not that of an LLM call."""
    return _MlflowSpan(span) if span is not None and span.span_type in _MLFLOW_KINDS else None


class _MlflowSpan:
    """MLflow writes values as JSON itself, and has a name of its own for the model."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def is_recording(self) -> bool:
        return self._span.end_time_ns is None

    def set_attribute(self, key: str, value: Any, /) -> None:
        if key == "mlflow.llm.cost":
            value = json.loads(value)
        self._span.set_attribute("mlflow.llm.model" if key == "llm.model_name" else key, value)


def adopted_span() -> AttributeSink | None:
    """The span that calls of this context write on, or None where they make their own."""
    return _adopted.get()


def cost_attributes(usd: float) -> dict[str, str | float]:
    """Attributes that say what a call cost, in USD, under the name that each tool reads; the one place to add another.

    Beside them stand those that are proposed for OpenTelemetry's conventions (semantic-conventions-genai, pull request
    443): a gateway is the provider there, since the amount came with its reply.
    """
    return {
        "llm.cost.total": usd,  # OpenInference
        "gen_ai.usage.cost": usd,  # what several backends take from plain spans
        "gen_ai.usage.cost.amount": usd,
        **COST_LABELS,
        "operation.cost": usd,  # Logfire
        "langfuse.observation.cost_details": json.dumps({"total": usd}),
        "mlflow.llm.cost": json.dumps({"total_cost": usd}),
    }


def span_attributes(metadata: RoutingMetadata) -> dict[str, str | float]:
    """Attributes that say who answered and what it cost (USD); what is not known is left out, never 0."""
    usd = metadata.cost.usd if metadata.cost is not None else None
    model = metadata.model_canonical
    attributes = {
        "gen_ai.response.model": model,
        # OpenInference's and Langfuse's names; tools price by them, and would take the models that were asked for.
        "llm.model_name": model,
        "langfuse.observation.model.name": model,
        **(cost_attributes(usd) if usd is not None else {}),
        "auriko.provider": metadata.provider,
        "auriko.provider_model_id": metadata.provider_model_id,
        "auriko.model_canonical": model,
        "auriko.routing_strategy": metadata.routing_strategy,
        "auriko.ttft_ms": metadata.ttft_ms,
        "auriko.throughput_tps": metadata.throughput_tps,
    }
    return {name: value for name, value in attributes.items() if value is not None}
