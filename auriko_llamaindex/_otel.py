"""Who answered and what it cost, on the OpenTelemetry span of a call; nothing where opentelemetry is absent."""

from __future__ import annotations

import json
from typing import Any

from auriko import RoutingMetadata

try:
    from opentelemetry import trace
except ImportError:
    trace = None  # type: ignore[assignment]


def current_span() -> Any | None:
    """The span that the call runs in, or None. To be asked for when the call is made: streams outlive it."""
    if trace is None:
        return None
    span = trace.get_current_span()
    # OpenInference puts a proxy in the context and points it elsewhere when the call returns.
    span = getattr(span, "__wrapped__", span)
    return span if span.is_recording() else None


def record(span: Any | None, metadata: RoutingMetadata) -> None:
    """Write the routing metadata of a finished call on its span, under the names that tools read."""
    if span is None or not span.is_recording():
        return
    for name, value in _attributes(metadata).items():
        if value is not None:
            span.set_attribute(name, value)


def _attributes(metadata: RoutingMetadata) -> dict[str, Any]:
    usd = metadata.cost.usd if metadata.cost is not None else None
    return {
        "llm.cost.total": usd,
        "gen_ai.usage.cost": usd,
        "mlflow.llm.cost": None if usd is None else json.dumps({"total_cost": usd}),
        "gen_ai.response.model": metadata.model_canonical,
        "auriko.provider": metadata.provider,
        "auriko.provider_model_id": metadata.provider_model_id,
        "auriko.model_canonical": metadata.model_canonical,
        "auriko.routing_strategy": metadata.routing_strategy,
        "auriko.ttft_ms": metadata.ttft_ms,
        "auriko.throughput_tps": metadata.throughput_tps,
    }
