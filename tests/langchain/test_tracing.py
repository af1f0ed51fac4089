"""Which span of a LangChain run says who answered and what it cost: always exactly one."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langfuse import Langfuse
from langfuse.langchain import CallbackHandler
from langsmith import Client
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry import trace
from opentelemetry.instrumentation.langchain.callback_handler import TraceloopCallbackHandler
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from auriko import RateLimitError, track_spend
from auriko_langchain import AurikoLangChainTracer, ChatAuriko
from tests.support.langchain_ways import AGENT_IN_ASYNC_CODE, WAYS, call
from tests.support.scripted_gateway import ROUTING
from tests.support.telemetry import Telemetry, configured

pytestmark = pytest.mark.anyio
COST = ROUTING["cost"]["usd"]


def script(gateway: Any, way: str, **fields: Any) -> None:
    (gateway.streams if "stream" in way else gateway.says)("x", **fields)


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    with configured(monkeypatch) as telemetry:
        yield telemetry


@pytest.fixture
def openinference(telemetry: Telemetry) -> Iterator[Telemetry]:
    """The instrumentor, and the client's own tracing beside it."""
    instrumentor = LangChainInstrumentor()
    instrumentor.instrument(tracer_provider=telemetry.tracer_provider)
    yield telemetry
    instrumentor.uninstrument()


@pytest.mark.parametrize("way", WAYS)
async def test_openinference_shows_the_cost_and_the_model_that_answered(gateway, openinference, way):
    script(gateway, way)
    await call(gateway.model(models=["m-1", "m-2"]), way, "hi")
    span = openinference.span()
    assert span.name == "ChatAuriko"
    told = dict(span.attributes)
    assert told["openinference.span.kind"] == "LLM"
    assert told["llm.model_name"] == "m-1", "not m-1,m-2, which was asked for"
    assert told["llm.provider"] == "example_host"
    assert (told["llm.token_count.prompt"], told["llm.token_count.completion"]) == (7, 3)
    assert told["llm.cost.total"] == told["gen_ai.usage.cost"] == COST
    assert json.loads(told["mlflow.llm.cost"]) == {"total_cost": COST}
    assert told["auriko.provider"] == "example_host"


@pytest.mark.parametrize("way", WAYS)
async def test_openinference_in_a_chain(gateway, openinference, way):
    script(gateway, way)
    chain = ChatPromptTemplate.from_template("{question}") | gateway.model()
    await call(chain, way, {"question": "hi"})
    costs = {span.name: span.attributes["llm.cost.total"] for span in openinference.spans if _has_cost(span)}
    assert costs == {"ChatAuriko": COST}
    assert not [span for span in openinference.spans if span.name.startswith("chat ")]


async def test_openinference_and_events_of_a_chain(gateway, openinference):
    """Here LangChain streams a model that the chain invokes, as LangGraph does for its messages."""
    gateway.streams("x")
    chain = RunnableLambda(lambda question: gateway.model().invoke(question))
    _ = [event async for event in chain.astream_events("hi", version="v2")]
    assert openinference.named("ChatAuriko").attributes["llm.cost.total"] == COST


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
async def test_openinference_and_an_agent(openinference, sandbox_env, way):
    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        return f"It is sunny in {city}."

    agent = create_agent(ChatAuriko(models=["gpt-4o", "claude-sonnet-4-6"]), [get_weather])
    question = {"messages": [("human", "What is the weather in Oslo?")]}
    with track_spend() as spend:
        if way in {"invoke", "ainvoke"}:
            state = agent.invoke(question) if way == "invoke" else await agent.ainvoke(question)
            assert "sunny" in state["messages"][-1].text
        elif way == "stream":
            list(agent.stream(question, stream_mode="messages"))
        else:
            _ = [part async for part in agent.astream(question, stream_mode="messages")]
    costs = [span.attributes["llm.cost.total"] for span in openinference.spans if _has_cost(span)]
    assert sorted(costs) == sorted(record.usd for record in spend.records)
    assert len(costs) == 2


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_openinference_and_events_of_version_3(gateway, openinference):
    gateway.streams("x")
    list(gateway.model().stream_events("hi", version="v3"))
    assert openinference.span().attributes["llm.cost.total"] == COST


async def test_openinference_and_calls_at_once(gateway, openinference):
    costs = [0.001 * number for number in range(1, 6)]
    for cost in costs:
        gateway.says("x", routing_metadata={**ROUTING, "cost": {"usd": cost}})
    model = gateway.model()
    await asyncio.gather(*(model.ainvoke("hi") for _ in costs))
    assert sorted(span.attributes["llm.cost.total"] for span in openinference.spans) == costs


async def test_openinference_and_a_refused_call(gateway, openinference):
    gateway.refuses(429, "rate_limit_exceeded", "rate_limit_error")
    with pytest.raises(RateLimitError):
        gateway.model().invoke("hi")
    span = openinference.span()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert not _has_cost(span)


@pytest.mark.parametrize("way", WAYS)
async def test_without_a_library_that_traces_the_call_has_a_span_of_its_own(gateway, telemetry, monkeypatch, way):
    for library in ("langfuse", "opentelemetry.instrumentation", "openinference.instrumentation"):
        monkeypatch.delitem(sys.modules, f"{library}.langchain")
    script(gateway, way)
    await call(gateway.model(), way, "hi")
    span = telemetry.span()
    assert span.name == "chat m-1"
    assert span.attributes["llm.cost.total"] == COST


def test_openinference_that_is_imported_but_not_used(gateway, telemetry, capsys):
    gateway.says("x")
    gateway.model().invoke("hi")
    assert capsys.readouterr().out == ""
    assert telemetry.span().name == "chat m-1"


@pytest.mark.parametrize("way", WAYS)
async def test_without_an_instrumentation_the_call_has_a_span_of_its_own(gateway, telemetry, way):
    script(gateway, way)
    with telemetry.tracer.start_as_current_span("program"):
        await call(gateway.model(), way, "hi")
    span = telemetry.named("chat m-1")
    assert span.attributes["llm.cost.total"] == COST
    assert span.parent.span_id == telemetry.named("program").context.span_id


# -- Langfuse and OpenLLMetry, which keep the spans of runs in a handler -----------------------------------------------


@pytest.fixture
def langfuse(telemetry: Telemetry) -> CallbackHandler:
    """Its handler, which makes a generation of each run."""
    keys = {"public_key": uuid4().hex, "secret_key": "sk"}
    Langfuse(**keys, tracer_provider=telemetry.tracer_provider, span_exporter=InMemorySpanExporter())
    return CallbackHandler(public_key=keys["public_key"])


class OwnHandler(CallbackHandler):
    """A user's, on top of Langfuse's."""


def is_generation(span: Any) -> bool:
    return span.attributes.get("langfuse.observation.type") == "generation"


def assert_one_generation(telemetry: Telemetry) -> None:
    (span,) = [span for span in telemetry.spans if _has_cost(span)]
    assert is_generation(span)
    assert json.loads(span.attributes["langfuse.observation.cost_details"]) == {"total": COST}
    assert json.loads(span.attributes["langfuse.observation.usage_details"])["input"] == 7
    assert span.attributes["langfuse.observation.model.name"] == "m-1", "not m-1,m-2, which was asked for"
    assert [one.name for one in telemetry.spans if one.name.startswith("chat ")] == []


@pytest.mark.parametrize("way", WAYS)
async def test_langfuse_has_one_generation_with_the_cost(gateway, telemetry, langfuse, way):
    script(gateway, way)
    await call(gateway.model(models=["m-1", "m-2"]), way, "hi", {"callbacks": [langfuse]})
    assert_one_generation(telemetry)


@pytest.mark.parametrize("way", WAYS)
async def test_langfuse_in_a_chain(gateway, telemetry, langfuse, way):
    script(gateway, way)
    chain = ChatPromptTemplate.from_template("{question}") | gateway.model(models=["m-1", "m-2"])
    await call(chain, way, {"question": "hi"}, {"callbacks": [langfuse]})
    assert_one_generation(telemetry)


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_langfuse_as_a_callback_of_the_model(gateway, telemetry, langfuse, way):
    script(gateway, way)
    langfuse.__class__ = OwnHandler
    await call(gateway.model(models=["m-1", "m-2"], callbacks=[langfuse]), way, "hi")
    assert_one_generation(telemetry)


@pytest.mark.parametrize(
    "way",
    [
        "invoke",
        "stream",
        pytest.param("ainvoke", marks=AGENT_IN_ASYNC_CODE),
        pytest.param("astream", marks=AGENT_IN_ASYNC_CODE),
    ],
)
async def test_langfuse_and_an_agent(telemetry, langfuse, sandbox_env, way):
    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        return f"It is sunny in {city}."

    agent = create_agent(ChatAuriko(models=["gpt-4o", "claude-sonnet-4-6"]), [get_weather])
    question = {"messages": [("human", "What is the weather in Oslo?")]}
    config: Any = {"callbacks": [langfuse]}
    with track_spend() as spend:
        match way:
            case "invoke":
                agent.invoke(question, config)
            case "ainvoke":
                await agent.ainvoke(question, config)
            case "stream":
                list(agent.stream(question, config, stream_mode="messages"))
            case _:
                _ = [part async for part in agent.astream(question, config, stream_mode="messages")]
    costly = [span for span in telemetry.spans if _has_cost(span)]
    assert sorted(span.attributes["llm.cost.total"] for span in costly) == sorted(bill.usd for bill in spend.records)
    assert costly == [span for span in telemetry.spans if is_generation(span)]
    assert len(costly) == 2


async def test_langfuse_and_streams_at_once(gateway, telemetry, langfuse):
    costs = [0.001 * number for number in range(1, 6)]
    for cost in costs:
        gateway.streams("x", routing_metadata={**ROUTING, "cost": {"usd": cost}})
    model = gateway.model()
    config: Any = {"callbacks": [langfuse]}
    await asyncio.gather(*(call(model, "astream", "hi", config) for _ in costs))
    assert sorted(span.attributes["llm.cost.total"] for span in telemetry.spans if is_generation(span)) == costs


async def test_a_stream_that_langfuse_does_not_watch_has_a_span_of_its_own(gateway, telemetry, langfuse):
    """Its own process may have others that it watches."""
    script(gateway, "astream")
    await call(gateway.model(), "astream", "hi")
    assert telemetry.span().name == "chat m-1"
    assert telemetry.span().attributes["llm.cost.total"] == COST


@pytest.mark.parametrize("way", WAYS)
async def test_openllmetry_shows_the_cost_on_its_span(gateway, telemetry, way):
    """Its handler alone; its instrumentor, which cannot be taken back, is watched by `make observability`."""
    meter = telemetry.meter_provider.get_meter("its own")
    measured = meter.create_histogram("duration"), meter.create_histogram("tokens")
    script(gateway, way)
    handler = TraceloopCallbackHandler(telemetry.tracer, *measured)
    await call(gateway.model(models=["m-1", "m-2"]), way, "hi", {"callbacks": [handler]})
    span = telemetry.span()
    assert span.name == "ChatAuriko.chat"
    assert (span.attributes["llm.cost.total"], span.attributes["gen_ai.usage.input_tokens"]) == (COST, 7)


# -- MLflow and LangSmith ----------------------------------------------------------------------------------------------


class MlflowSpan:
    """A span as MLflow hands it out, which writes values as JSON itself."""

    end_time_ns = None

    def __init__(self, span_type: str) -> None:
        self.span_type = span_type
        self.attributes: dict[str, Any] = {}

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value


@pytest.mark.parametrize("way", ["invoke", "stream"])
async def test_mlflow_shows_the_cost_and_the_model_that_answered(gateway, monkeypatch, way):
    """With MLflow itself: `make observability`."""
    span = MlflowSpan("CHAT_MODEL")
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(get_current_active_span=lambda: span))
    script(gateway, way)
    await call(gateway.model(models=["m-1", "m-2"]), way, "hi")
    assert span.attributes["mlflow.llm.cost"] == {"total_cost": COST}
    assert span.attributes["mlflow.llm.model"] == "m-1"


class MlflowHandler(BaseCallbackHandler):
    """A handler as MLflow's, which keeps its span in a thread of its own when the run is asynchronous."""

    def __init__(self) -> None:
        self.span = MlflowSpan("CHAT_MODEL")

    def _get_span_by_run_id(self, run_id: UUID) -> MlflowSpan:
        return self.span


async def test_mlflows_span_of_an_asynchronous_run(gateway, telemetry, monkeypatch):
    monkeypatch.setattr(MlflowHandler, "__module__", "mlflow.langchain.langchain_tracer")
    gateway.says("x")
    handler = MlflowHandler()
    await gateway.model(models=["m-1", "m-2"]).ainvoke("hi", {"callbacks": [handler]})
    assert handler.span.attributes["mlflow.llm.cost"] == {"total_cost": COST}
    assert telemetry.spans == []


def test_a_span_of_the_program_in_mlflow_is_left_alone(gateway, monkeypatch):
    span = MlflowSpan("CHAIN")
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(get_current_active_span=lambda: span))
    gateway.says("x")
    gateway.model().invoke("hi")
    assert span.attributes == {}


@pytest.fixture
def langsmith() -> Iterator[LangSmith]:
    with LangSmith() as endpoint:
        yield endpoint


class LangSmith(ThreadingHTTPServer):
    """An endpoint like LangSmith's, which keeps what runs it is told of."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _LangSmithHandler)
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        super().__exit__(*error)

    def tracer(self) -> AurikoLangChainTracer:
        address = f"http://127.0.0.1:{self.server_port}"
        return AurikoLangChainTracer(client=Client(api_url=address, api_key="ls", auto_batch_tracing=False))


class _LangSmithHandler(BaseHTTPRequestHandler):
    def _take(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.command == "PATCH":
            self.server.updates.append(body)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_PATCH = _take  # noqa: N815 - names of http.server

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize("way", WAYS)
async def test_langsmith_is_sent_the_cost_and_the_model_that_answered(gateway, langsmith, way):
    script(gateway, way)
    tracer = langsmith.tracer()
    message = await call(gateway.model(models=["m-1", "m-2"]), way, "hi", {"callbacks": [tracer]})
    tracer.wait_for_futures()
    (update,) = langsmith.updates
    metadata = update["extra"]["metadata"]
    assert metadata["usage_metadata"] == {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10, "total_cost": COST}
    assert (metadata["ls_provider"], metadata["ls_model_name"]) == ("example_host", "m-1")
    assert message.usage_metadata == {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}


def test_langsmith_is_sent_runs_without_a_cost_as_they_are(langsmith):
    tracer = langsmith.tracer()
    RunnableLambda(lambda text: text).invoke("hi", {"callbacks": [tracer]})
    tracer.wait_for_futures()
    (update,) = langsmith.updates
    assert "usage_metadata" not in update["extra"].get("metadata", {})


def _has_cost(span: Any) -> bool:
    return "llm.cost.total" in span.attributes
