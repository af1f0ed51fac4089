"""Spans and metrics of calls, by OpenTelemetry's conventions for generative AI; nothing until an SDK is configured.

Prompts and replies are not recorded, and neither are messages of errors, which may quote them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from auriko.tracing import COST_LABELS, COST_METRICS, AttributeSink, adopted_span, span_attributes

if TYPE_CHECKING:
    from auriko.models.routing import RoutingMetadata
    from auriko.spend._record import CallRecord, CallStart

ResultT = TypeVar("ResultT")
_TRACE: Final = "opentelemetry.trace"
_METRICS: Final = "opentelemetry.metrics._internal"
_SCOPE: Final = "auriko"
_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_USD: Final = tuple(10.0**power for power in range(-7, 3))
_TOKENS: Final = tuple(float(4**power) for power in range(14))


class CallTrace:
    """The trace of one call under way: a span, own or adopted, and the instruments that measure it."""

    __slots__ = ("_adopted", "_labels", "_meters", "_span", "_token")

    def __init__(self, labels: dict[str, Any], sinks: TraceSinks) -> None:
        self._labels = labels
        self._adopted = sinks.adopted
        self._meters = sinks.meters
        self._span: Any = None
        self._token: Any = None
        if sinks.adopted is None and sinks.tracer is not None:
            self._enter(sinks.tracer)

    def _enter(self, tracer: Any) -> None:
        """Starts the span and makes it the current one, so that spans of the HTTP requests are its children."""
        from opentelemetry import context, trace

        name = f"{self._labels['gen_ai.operation.name']} {self._labels['gen_ai.request.model']}"
        self._span = tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=self._labels)
        self._token = context.attach(trace.set_span_in_context(self._span))

    def leave(self) -> None:
        """Makes the span that was current before the call the current one again; to be called where it started."""
        if self._token is not None:
            from opentelemetry import context

            token, self._token = self._token, None
            context.detach(token)

    def end(self, record: CallRecord, metadata: RoutingMetadata | None, error: BaseException | None) -> None:
        """Tells what came of the call."""
        self.leave()
        facts = span_attributes(metadata) if metadata is not None else {}
        if self._adopted is not None:
            for name, value in facts.items():
                self._adopted.set_attribute(name, value)
        if self._span is not None:
            self._end_span(record, facts, error)
        if self._meters is not None:
            self._meters.measure(record, _labels_at_end(self._labels, record))

    def _end_span(self, record: CallRecord, facts: dict[str, Any], error: BaseException | None) -> None:
        told = {
            **facts,
            "gen_ai.usage.input_tokens": record.prompt_tokens,
            "gen_ai.usage.output_tokens": record.completion_tokens,
            "gen_ai.usage.cache_read.input_tokens": record.cached_tokens,
            "gen_ai.usage.cache_creation.input_tokens": record.cache_write_tokens,
            "gen_ai.usage.reasoning.output_tokens": record.reasoning_tokens,
            "auriko.request_id": record.request_id,
            "auriko.status": record.status,
            "error.type": record.error,
            "http.response.status_code": getattr(error, "status_code", None),
            "auriko.error_code": getattr(error, "code", None),
        }
        self._span.set_attributes({name: value for name, value in told.items() if value is not None})
        if record.error is not None:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_status(Status(StatusCode.ERROR, record.error))
        self._span.end()


class _Instruments:
    """The instruments of one meter provider."""

    def __init__(self, provider: Any) -> None:
        meter = provider.get_meter(_SCOPE)
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        total, per_call = COST_METRICS
        self._cost = meter.create_counter(
            total, unit="{USD}", description="What the gateway billed, where it is known."
        )
        self._cost_per_call = meter.create_histogram(
            per_call, unit="{USD}", description="GenAI operation cost.", explicit_bucket_boundaries_advisory=_USD
        )
        self._unknown = meter.create_counter(
            "auriko.client.unknown_cost_calls",
            unit="{call}",
            description="Calls that may have been billed at a cost that is not known.",
        )

    def measure(self, record: CallRecord, labels: dict[str, Any]) -> None:
        """Measures a call that has ended."""
        self._duration.record(record.duration_ms / 1000, labels)
        for kind, count in (("input", record.prompt_tokens), ("output", record.completion_tokens)):
            if count is not None:
                self._tokens.record(count, {**labels, "gen_ai.token.type": kind})
        if record.usd is not None:
            self._cost.add(record.usd, labels)
            self._cost_per_call.record(record.usd, {**labels, **COST_LABELS})
        elif record.cost_is_unknown:
            self._unknown.add(1, labels)


class TraceSinks(NamedTuple):
    """The takers of a call's trace: a span that a framework has made for it, a tracer, instruments."""

    adopted: AttributeSink | None
    tracer: Any | None
    meters: _Instruments | None


def trace_sinks() -> TraceSinks | None:
    """The takers of the trace of a call that starts here, or None; asked for each call, so it costs next to nothing."""
    adopted = adopted_span()
    modules = sys.modules
    # Whoever configures an SDK has imported the API.
    if adopted is None and _TRACE not in modules and _METRICS not in modules:
        return None
    tracer_provider = _configured(modules.get(_TRACE), "_TRACER_PROVIDER", "get_tracer_provider")
    meter_provider = _configured(modules.get(_METRICS), "_METER_PROVIDER", "get_meter_provider")
    tracer = _tracer_of(tracer_provider) if tracer_provider is not None else None
    meters = _instruments_of(meter_provider) if meter_provider is not None else None
    if adopted is None and tracer is None and meters is None:
        return None
    return TraceSinks(adopted, tracer, meters)


def start_trace(start: CallStart, sinks: TraceSinks) -> CallTrace:
    """The trace of a call that starts here; until `leave`, its span is the current one of this context."""
    labels: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "auriko",
        "gen_ai.request.model": start.model_asked,
        **_server(start.base_url),
    }
    if start.stream:
        labels["gen_ai.request.stream"] = True
    return CallTrace(labels, sinks)


def _configured(api: Any, place: str, getter: str) -> Any | None:
    """The provider that an SDK has put in place of the API's own, which does nothing.

    The getter reads the environment, and frameworks import the API unasked: so the place where it keeps the provider
    is looked at first, and the getter called if there is no such place.
    """
    if api is None:
        return None
    provider = getattr(api, place, api)
    if provider is api:
        provider = getattr(api, getter)()
    if provider is None or type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics")):
        return None
    return provider


def _once(make: Callable[[Any], ResultT]) -> Callable[[Any], ResultT]:
    """The function, whose last result is kept for the provider that it was made of; Logfire's cannot be hashed."""
    kept: list[Any] = [None, None]

    @wraps(make)
    def made(provider: Any) -> ResultT:
        if kept[0] is not provider:
            kept[:] = provider, make(provider)
        result: ResultT = kept[1]
        return result

    return made


@_once
def _tracer_of(provider: Any) -> Any:
    from auriko._version import __version__

    return provider.get_tracer(_SCOPE, __version__)


_instruments_of = _once(_Instruments)


@lru_cache(maxsize=16)
def _server(base_url: str) -> dict[str, Any]:
    parts = urlsplit(base_url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return {"server.address": parts.hostname, "server.port": port}


def _labels_at_end(labels: dict[str, Any], record: CallRecord) -> dict[str, Any]:
    known = {
        "gen_ai.response.model": record.model,
        "auriko.provider": record.provider,
        "error.type": record.error,
    }
    return {**labels, **{name: value for name, value in known.items() if value is not None}}
