"""Spans and metrics of the client's own calls, by OpenTelemetry's conventions for generative AI."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpx
import pytest
from opentelemetry import trace
from opentelemetry.metrics import _internal as metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from auriko import AsyncClient, BudgetExceededError, Client, RateLimitError, StreamInterruptedError, track_spend
from auriko._observing import observation, otel
from auriko._observing.otel import trace_sinks
from auriko.tracing import on_span
from tests.support.replies import METADATA, chunk, completion, envelope, events, whole_stream
from tests.support.telemetry import Telemetry, configured

pytestmark = pytest.mark.anyio
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a secret question"}]}
SSE = {"content-type": "text/event-stream"}
WAYS = ["create", "acreate", "stream", "astream"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    with configured(monkeypatch) as telemetry:
        yield telemetry


class Gateway:
    """Answers every request with the same reply; keeps which span was the current one."""

    def __init__(self, reply: Any) -> None:
        self._reply = reply
        self.seen: list[Any] = []
        transport = httpx.MockTransport(self._answer)
        settings: dict[str, Any] = {
            "api_key": "ak_hidden",
            "base_url": "https://gateway.test:8080/v1",
            "max_retries": 0,
        }
        self.client = Client(http_client=httpx.Client(transport=transport), **settings)
        self.async_client = AsyncClient(http_client=httpx.AsyncClient(transport=transport), **settings)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(trace.get_current_span())
        if isinstance(self._reply, Exception):
            raise self._reply
        if isinstance(self._reply, bytes):
            return httpx.Response(200, content=self._reply, headers={**SSE, "X-Request-ID": "req_1"})
        if isinstance(self._reply, httpx.Response):
            return httpx.Response(self._reply.status_code, content=self._reply.content, headers=self._reply.headers)
        return httpx.Response(200, json=self._reply, headers={"X-Request-ID": "req_1"})

    async def ask(self, way: str) -> None:
        """One call, read to its end."""
        if way == "create":
            self.client.chat.completions.create(**ASK)
        elif way == "acreate":
            await self.async_client.chat.completions.create(**ASK)
        elif way == "stream":
            list(self.client.chat.completions.create(**ASK, stream=True))
        else:
            async for _ in await self.async_client.chat.completions.create(**ASK, stream=True):
                pass


def reply_for(way: str) -> Any:
    return whole_stream() if "stream" in way else completion("a secret answer")


# -- a call's span -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
async def test_span_of_a_call(telemetry, way):
    await Gateway(reply_for(way)).ask(way)
    span = telemetry.span()
    assert (span.name, span.kind, span.status.status_code) == ("chat m", SpanKind.CLIENT, StatusCode.UNSET)
    assert span.instrumentation_scope.name == "auriko"
    streamed = {"gen_ai.request.stream": True} if "stream" in way else {}
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "auriko",
        "gen_ai.request.model": "m",
        **streamed,
        "server.address": "gateway.test",
        "server.port": 8080,
        "gen_ai.response.model": "claude-sonnet-4-6",
        "llm.model_name": "claude-sonnet-4-6",
        "langfuse.observation.model.name": "claude-sonnet-4-6",
        "gen_ai.usage.input_tokens": 1820,
        "gen_ai.usage.output_tokens": 61,
        "gen_ai.usage.cache_read.input_tokens": 1536,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 40,
        "gen_ai.usage.cost": 0.00193,
        "gen_ai.usage.cost.amount": 0.00193,
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "provider",
        "llm.cost.total": 0.00193,
        "operation.cost": 0.00193,
        "langfuse.observation.cost_details": '{"total": 0.00193}',
        "mlflow.llm.cost": '{"total_cost": 0.00193}',
        "auriko.provider": "anthropic",
        "auriko.provider_model_id": "claude-sonnet-4-6-20260101",
        "auriko.model_canonical": "claude-sonnet-4-6",
        "auriko.routing_strategy": "cost",
        "auriko.ttft_ms": 410.5,
        "auriko.throughput_tps": 74.2,
        "auriko.request_id": "req_1",
        "auriko.status": "ok",
    }


@pytest.mark.parametrize("way", WAYS)
async def test_prompt_reply_and_key_are_not_recorded(telemetry, way):
    await Gateway(reply_for(way)).ask(way)
    told = telemetry.span().to_json()
    for hidden in ("secret", "ak_hidden", "Pa", "ris"):
        assert hidden not in told


async def test_span_of_the_responses_api(telemetry):
    gateway = Gateway({"id": "resp_1", "object": "response", "output": [], "routing_metadata": METADATA})
    gateway.client.responses.create(model="m", input="hi")
    span = telemetry.span()
    assert span.name == "chat m"
    assert span.attributes["llm.cost.total"] == 0.00193


async def test_an_unknown_cost_is_no_cost_of_zero(telemetry):
    await Gateway(completion(routing_metadata=None)).ask("create")
    assert "cost" not in telemetry.span().to_json()


async def test_questions_that_no_model_answers_have_no_span(telemetry):
    Gateway({"data": []}).client.models.list()
    assert telemetry.spans == []


async def test_a_call_that_a_limit_stops_has_no_span(telemetry):
    with track_spend(limit_usd=0), pytest.raises(BudgetExceededError):
        await Gateway(completion()).ask("create")
    assert telemetry.spans == []
    assert not trace.get_current_span().is_recording()


# -- streams -------------------------------------------------------------------------------------------------------


async def test_a_streams_span_ends_with_the_stream(telemetry):
    stream = Gateway(whole_stream()).client.chat.completions.create(**ASK, stream=True)
    next(stream)
    assert telemetry.spans == []
    assert not trace.get_current_span().is_recording(), "the program's own spans are no children of the call"
    list(stream)
    assert telemetry.span().attributes["auriko.status"] == "ok"


async def test_a_stream_that_is_read_elsewhere(telemetry):
    gateway = Gateway(whole_stream())
    with telemetry.tracer.start_as_current_span("asks"):
        stream = gateway.client.chat.completions.create(**ASK, stream=True)
    with telemetry.tracer.start_as_current_span("reads"), ThreadPoolExecutor(1) as pool:
        pool.submit(list, stream).result()
    call = telemetry.named("chat m")
    assert call.parent.span_id == telemetry.named("asks").context.span_id
    assert call.attributes["llm.cost.total"] == 0.00193


@pytest.mark.parametrize("way", ["closed", "dropped"])
async def test_a_stream_that_is_left(telemetry, way):
    streams = [Gateway(events(chunk(), chunk())).client.chat.completions.create(**ASK, stream=True)]
    next(streams[0])
    if way == "closed":
        streams[0].close()
    else:
        with pytest.warns(ResourceWarning):
            streams.clear()
    span = telemetry.span()
    assert (span.attributes["auriko.status"], span.status.status_code) == ("abandoned", StatusCode.UNSET)
    assert "llm.cost.total" not in span.attributes


async def test_a_stream_that_is_cut(telemetry):
    with pytest.raises(StreamInterruptedError):
        await Gateway(events(chunk())).ask("astream")
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "StreamInterruptedError"


# -- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
async def test_span_of_a_refused_call(telemetry, way):
    reply = httpx.Response(429, json=envelope("rate_limit_error", "rate_limit_exceeded", message="you asked: secret"))
    with pytest.raises(RateLimitError):
        await Gateway(reply).ask(way)
    span = telemetry.span()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "RateLimitError")
    assert span.attributes["error.type"] == "RateLimitError"
    assert span.attributes["http.response.status_code"] == 429
    assert span.attributes["auriko.error_code"] == "rate_limit_exceeded"
    assert "secret" not in span.to_json(), "messages of errors may quote the question"
    assert not trace.get_current_span().is_recording()


async def test_span_of_a_cancelled_call(telemetry):
    async def never(_request: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    own = httpx.AsyncClient(transport=httpx.MockTransport(never))
    client = AsyncClient(api_key="k", http_client=own)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: client.chat.completions.create(**ASK))
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert telemetry.span().attributes["auriko.status"] == "abandoned"


@pytest.mark.parametrize("moment", ["on_start", "on_end"])
@pytest.mark.parametrize("way", WAYS)
async def test_tracing_that_fails_fails_no_call(telemetry, monkeypatch, caplog, moment, way):
    def broken(*_args: Any, **_named: Any) -> None:
        raise RuntimeError("broken processor")

    processor = SpanProcessor()
    setattr(processor, moment, broken)
    telemetry.tracer_provider.add_span_processor(processor)
    monkeypatch.setattr(observation, "_broken", set())
    gateway = Gateway(reply_for(way))
    await gateway.ask(way)
    await gateway.ask(way)
    assert not trace.get_current_span().is_recording()
    assert caplog.text.count("RuntimeError: broken processor") == 1, "it is said once"


@pytest.mark.parametrize("way", WAYS)
async def test_a_provider_that_cannot_be_hashed(telemetry, monkeypatch, way):
    """Logfire's cannot."""

    class Unhashable(MeterProvider):
        __hash__ = None

    own = Unhashable(shutdown_on_exit=False)
    monkeypatch.setattr(metrics, "_METER_PROVIDER", own)
    await Gateway(reply_for(way)).ask(way)
    assert telemetry.span().attributes["llm.cost.total"] == 0.00193
    own.shutdown()


@pytest.mark.parametrize("way", WAYS)
async def test_a_provider_that_fails_fails_no_call(telemetry, monkeypatch, caplog, way):
    class Broken:
        def get_tracer(self, *_: Any) -> None:
            raise RuntimeError("broken provider")

    monkeypatch.setattr(trace, "_TRACER_PROVIDER", Broken())
    monkeypatch.setattr(observation, "_broken", set())
    gateway = Gateway(reply_for(way))
    await gateway.ask(way)
    await gateway.ask(way)
    assert caplog.text.count("RuntimeError: broken provider") == 1, "it is said once"


# -- context -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
async def test_requests_are_sent_within_the_calls_span_and_that_within_the_programs(telemetry, way):
    gateway = Gateway(reply_for(way))
    with telemetry.tracer.start_as_current_span("program") as outer:
        await gateway.ask(way)
        assert trace.get_current_span() is outer
    (seen,) = gateway.seen
    span = telemetry.named("chat m")
    assert seen.get_span_context().span_id == span.context.span_id
    assert span.parent.span_id == telemetry.named("program").context.span_id


async def test_calls_at_once_have_their_own_parents(telemetry):
    gateway = Gateway(completion())

    async def agent(name: str) -> None:
        with telemetry.tracer.start_as_current_span(name):
            await anyio.lowlevel.checkpoint()
            await gateway.ask("acreate")
            await gateway.ask("acreate")

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(agent, f"agent {number}")
    agents = {span.context.span_id for span in telemetry.spans if span.name.startswith("agent")}
    parents = [span.parent.span_id for span in telemetry.spans if span.name == "chat m"]
    assert sorted(parents) == sorted([*agents, *agents])


# -- spans of frameworks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_on_a_span_of_another_writes_there_and_makes_none(telemetry, way):
    with telemetry.tracer.start_as_current_span("framework") as span, on_span(span):
        await Gateway(reply_for(way)).ask(way)
    span = telemetry.span()
    assert span.name == "framework"
    assert span.attributes["llm.model_name"] == span.attributes["gen_ai.response.model"] == "claude-sonnet-4-6"
    assert span.attributes["llm.cost.total"] == 0.00193
    assert "gen_ai.usage.input_tokens" not in span.attributes, "the framework counts the tokens itself"


async def test_on_span_works_without_an_sdk():
    class Kept(dict):
        set_attribute = dict.__setitem__

    kept = Kept()
    with on_span(kept):
        await Gateway(completion()).ask("create")
    assert kept["auriko.provider"] == "anthropic"
    await Gateway(completion()).ask("create")
    assert trace_sinks() is None


# -- metrics -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
async def test_metrics_of_calls(telemetry, way):
    gateway = Gateway(reply_for(way))
    await gateway.ask(way)
    await gateway.ask(way)
    (duration,) = telemetry.points("gen_ai.client.operation.duration")
    assert duration.count == 2
    assert duration.sum > 0
    assert duration.attributes["gen_ai.request.model"] == "m"
    assert duration.attributes["gen_ai.response.model"] == "claude-sonnet-4-6"
    assert duration.attributes["auriko.provider"] == "anthropic"
    tokens = {
        point.attributes["gen_ai.token.type"]: point.sum for point in telemetry.points("gen_ai.client.token.usage")
    }
    assert tokens == {"input": 3640, "output": 122}
    (cost,) = telemetry.points("auriko.client.cost")
    assert cost.value == pytest.approx(0.00386)
    (per_call,) = telemetry.points("gen_ai.client.operation.cost")
    assert (per_call.count, per_call.sum) == (2, pytest.approx(0.00386))
    assert per_call.attributes["gen_ai.usage.cost.currency"] == "USD"
    assert per_call.attributes["gen_ai.usage.cost.source"] == "provider"
    assert telemetry.points("auriko.client.unknown_cost_calls") == []


async def test_metrics_of_calls_whose_cost_is_not_known(telemetry):
    await Gateway(completion(routing_metadata=None)).ask("create")
    (unknown,) = telemetry.points("auriko.client.unknown_cost_calls")
    assert unknown.value == 1
    assert telemetry.points("auriko.client.cost") == []


async def test_metrics_of_a_refused_call(telemetry):
    with pytest.raises(RateLimitError):
        await Gateway(httpx.Response(429, json=envelope())).ask("create")
    (duration,) = telemetry.points("gen_ai.client.operation.duration")
    assert duration.attributes["error.type"] == "RateLimitError"
    assert telemetry.points("auriko.client.unknown_cost_calls") == [], "a refused call is not billed"


async def test_metrics_alone(telemetry, monkeypatch):
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    await Gateway(completion()).ask("create")
    assert len(telemetry.points("auriko.client.cost")) == 1
    assert telemetry.spans == []


# -- off -----------------------------------------------------------------------------------------------------------


def test_without_an_sdk_nothing_is_observed():
    """The API may be imported, by a framework for example; it is configured that counts."""
    assert trace_sinks() is None


@pytest.mark.parametrize("absent", [("trace",), ("metrics",), ("trace", "metrics")], ids=" ".join)
def test_a_half_that_nobody_has_imported_has_no_sdk(telemetry, monkeypatch, absent):
    for half in absent:
        monkeypatch.delitem(sys.modules, {"trace": otel._TRACE, "metrics": otel._METRICS}[half])
    _, tracer, meters = trace_sinks() or (None, None, None)
    assert (tracer is None, meters is None) == ("trace" in absent, "metrics" in absent)


async def test_the_provider_is_asked_for_where_its_place_is_another(telemetry, monkeypatch):
    monkeypatch.delattr(trace, "_TRACER_PROVIDER")
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: telemetry.tracer_provider)
    await Gateway(completion()).ask("create")
    assert telemetry.span().attributes["llm.cost.total"] == 0.00193


def test_the_apis_own_providers_are_no_sdk(monkeypatch):
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", trace.NoOpTracerProvider())
    assert trace_sinks() is None


def test_calls_do_not_import_opentelemetry():
    program = """
import sys, httpx
from auriko import Client
reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
own = httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(200, json=reply)))
client = Client(api_key="k", http_client=own)
client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"
