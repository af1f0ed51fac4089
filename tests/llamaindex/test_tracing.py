"""Which span of a LlamaIndex call says who answered and what it cost: always exactly one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from opentelemetry import trace

from auriko import RateLimitError, track_spend
from tests.support.llamaindex_ways import MESSAGES, MODES, run
from tests.support.telemetry import Telemetry, configured

pytestmark = [
    pytest.mark.anyio,
    # The instrumentor reads the LLM's metadata by a method that pydantic has renamed.
    pytest.mark.filterwarnings("ignore:The `json` method is deprecated"),
]


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    with configured(monkeypatch) as telemetry:
        yield telemetry


@pytest.fixture
def openinference(telemetry: Telemetry) -> Iterator[Telemetry]:
    """The instrumentor, and the client's own tracing beside it."""
    instrumentor = LlamaIndexInstrumentor()
    instrumentor.instrument(tracer_provider=telemetry.tracer_provider)
    yield telemetry
    instrumentor.uninstrument()


def with_cost(telemetry: Telemetry) -> list[Any]:
    return [span for span in telemetry.spans if "llm.cost.total" in (span.attributes or {})]


@pytest.mark.parametrize("mode", MODES)
async def test_openinference_shows_the_cost_and_the_model_that_answered(gateway, openinference, mode):
    await run(gateway, gateway.llm(models=["m-1", "m-2"]), mode)
    span = openinference.span()
    assert span.name == f"Auriko.{mode}"
    told = dict(span.attributes)
    assert told["openinference.span.kind"] == "LLM"
    assert told["llm.model_name"] == "m-1", "not m-1,m-2, which was asked for"
    assert (told["llm.token_count.prompt"], told["llm.token_count.completion"]) == (7, 3)
    assert told["llm.cost.total"] == told["gen_ai.usage.cost"] == 0.0021
    assert json.loads(told["mlflow.llm.cost"]) == {"total_cost": 0.0021}
    assert told["auriko.provider"] == "example_host"


async def test_openinference_in_a_query_engine(openinference, index, llm, sandbox):
    index.as_query_engine(llm=llm).query("When was the harbour of Lindness built?")
    (span,) = with_cost(openinference)
    billed = sandbox.decisions[-1]["attempts"][-1]["usd"]
    assert span.attributes["llm.cost.total"] == billed > 0
    assert [one.name for one in openinference.spans if one.name.startswith("chat ")] == []


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")
@pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince211")
async def test_openinference_and_an_agent(openinference, llm, streaming):
    def get_weather(city: str) -> str:
        """Tell the weather in a city."""
        return f"It is 7 degrees and raining in {city}."

    agent = FunctionAgent(tools=[get_weather], llm=llm, streaming=streaming)
    with track_spend() as spend:
        output = await agent.run(user_msg="What is the weather in Oslo?")
    assert "7 degrees" in str(output)
    costs = [span.attributes["llm.cost.total"] for span in with_cost(openinference)]
    assert sorted(costs) == sorted(record.usd for record in spend.records)
    assert len(costs) == 2


async def test_openinference_and_calls_at_once(gateway, openinference):
    import asyncio

    costs = [0.001 * number for number in range(1, 6)]
    for cost in costs:
        gateway.says("x", routing_metadata={"provider": "p", "cost": {"usd": cost}})
    llm = gateway.llm()
    await asyncio.gather(*(llm.achat(MESSAGES) for _ in costs))
    assert sorted(span.attributes["llm.cost.total"] for span in openinference.spans) == costs


async def test_openinference_and_an_unknown_cost(gateway, openinference):
    gateway.says("ok", routing_metadata={"provider": "p"})
    gateway.llm().chat(MESSAGES)
    told = openinference.span().attributes
    assert told["auriko.provider"] == "p"
    assert not [name for name in told if "cost" in name]


async def test_openinference_and_a_refused_call(gateway, openinference):
    gateway.refuses(429, "rate_limit_exceeded", "rate_limit_error")
    with pytest.raises(RateLimitError):
        gateway.llm().chat(MESSAGES)
    span = openinference.span()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert "llm.cost.total" not in span.attributes


@pytest.mark.parametrize("mode", MODES)
async def test_another_instrumentation_shows_the_cost_on_its_span(gateway, telemetry, mode):
    tracer = telemetry.tracer_provider.get_tracer("opentelemetry.instrumentation.llamaindex")
    with tracer.start_as_current_span("its span"):
        await run(gateway, gateway.llm(), mode)
    span = telemetry.span()
    assert (span.name, span.attributes["llm.cost.total"]) == ("its span", 0.0021)


class MlflowSpan(dict):
    """A span as MLflow hands it out, which writes values as JSON itself."""

    span_type = "LLM"
    end_time_ns = None
    set_attribute = dict.__setitem__


@pytest.mark.parametrize("mode", MODES)
async def test_mlflow_shows_the_cost_and_the_model_that_answered(gateway, monkeypatch, mode):
    """With MLflow itself: `make observability`."""
    span = MlflowSpan()
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(get_current_active_span=lambda: span))
    await run(gateway, gateway.llm(models=["m-1", "m-2"]), mode)
    assert span["mlflow.llm.cost"] == {"total_cost": 0.0021}
    assert span["mlflow.llm.model"] == "m-1"


@pytest.mark.parametrize("mode", MODES)
async def test_without_an_instrumentation_the_call_has_a_span_of_its_own(gateway, telemetry, mode):
    with telemetry.tracer.start_as_current_span("program"):
        await run(gateway, gateway.llm(), mode)
    (span,) = with_cost(telemetry)
    assert span.name == "chat m-1"
    assert span.parent.span_id == telemetry.named("program").context.span_id


def test_without_opentelemetry_a_call_is_answered(gateway, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    gateway.says("Hello")
    assert gateway.llm().chat(MESSAGES).message.content == "Hello"


def test_a_stream_whose_span_ends_before_it_is_read_has_a_span_of_its_own(gateway, telemetry):
    gateway.streams("ok")
    tracer = telemetry.tracer_provider.get_tracer("llamaindex.opentelemetry.tracer")
    with tracer.start_as_current_span("its span"):
        stream = gateway.llm().stream_chat(MESSAGES)
    list(stream)
    (span,) = with_cost(telemetry)
    assert span.name == "chat m-1"


async def test_a_stream_whose_span_mlflow_ends_before_it_is_read_has_a_span_of_its_own(gateway, telemetry, monkeypatch):
    """MLflow takes no asynchronous generator for a stream."""
    span = MlflowSpan()
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(get_current_active_span=lambda: span))
    gateway.streams("ok")
    stream = await gateway.llm().astream_chat(MESSAGES)
    span.end_time_ns = 1
    _ = [item async for item in stream]
    assert telemetry.span().attributes["llm.cost.total"] == 0.0021
    assert span == {}
