"""A call has one span with tokens and cost, whichever framework calls and whichever tool watches: exactly one.

Each tool is real, with its spans kept in memory, and instruments what a user of it would have it instrument.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import MagicMock

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from auriko import AsyncClient, Client, track_spend
from auriko.sandbox import Sandbox
from auriko_langchain import AurikoLangChainTracer, ChatAuriko
from auriko_llamaindex import Auriko

pytestmark = pytest.mark.anyio
MODELS = ["gpt-4o", "claude-sonnet-4-6"]
TEXT = "The ferry to Skarvik takes 45 minutes. How long does the ferry to Skarvik take?"
COSTS = ("llm.cost.total", "gen_ai.usage.cost", "gen_ai.usage.cost.amount", "operation.cost")
MODEL_NAMES = ("langfuse.observation.model.name", "llm.model_name", "mlflow.llm.model", "gen_ai.response.model")
WAYS = ["plain", "stream", "async plain", "async stream"]


class Told(NamedTuple):
    """What a tool exports for one call.

    Attributes:
        tokens: Tokens in, as it has them.
        usd: The cost.
        model: The model's name, or None where the tool has no place for it.
    """

    tokens: int | None
    usd: float | None
    model: str | None


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def settings() -> Iterator[dict[str, str]]:
    with Sandbox(engines=["quote"]) as sandbox:
        yield {"base_url": sandbox.base_url, "api_key": sandbox.api_key}


# -- tools: what is set up, and what they export -----------------------------------------------------------------------


class Tool:
    """A tool that watches.

    Attributes:
        callbacks: What LangChain is given.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.callbacks: list[Any] = []
        self.kept = InMemorySpanExporter()

    def start(self) -> None:
        """Sets the tool up, here nothing but the SDK of a program."""
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.kept))
        trace.set_tracer_provider(provider)

    def read(self) -> list[Told]:
        """What it has exported since it was read last."""
        told = [_read(span.attributes) for span in self.kept.get_finished_spans()]
        self.kept.clear()
        return told


class OpenInference(Tool):
    def start(self) -> None:
        from openinference.instrumentation.langchain import LangChainInstrumentor
        from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

        super().start()
        LangChainInstrumentor().instrument()
        LlamaIndexInstrumentor().instrument()


class OpenLLMetry(Tool):
    def start(self) -> None:
        from opentelemetry.instrumentation.langchain import LangchainInstrumentor

        super().start()
        LangchainInstrumentor().instrument()


class Langfuse(Tool):
    """Its callback for LangChain, OpenInference's instrumentor for LlamaIndex, its own filter of what goes out."""

    def start(self) -> None:
        from langfuse import Langfuse as Client
        from langfuse.langchain import CallbackHandler
        from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

        keys = {"public_key": "pk-lf-test", "secret_key": "sk-lf-test"}
        self.client = Client(**keys, base_url="http://127.0.0.1:9", span_exporter=self.kept)
        self.callbacks = [CallbackHandler()]
        LlamaIndexInstrumentor().instrument()

    def read(self) -> list[Told]:
        self.client.flush()
        return super().read()


class Logfire(Tool):
    def start(self) -> None:
        import logfire
        from openinference.instrumentation.langchain import LangChainInstrumentor
        from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

        logfire.configure(
            send_to_logfire=False, console=False, additional_span_processors=[SimpleSpanProcessor(self.kept)]
        )
        LangChainInstrumentor().instrument()
        LlamaIndexInstrumentor().instrument()


class Mlflow(Tool):
    """Its autologging, and the SDK of a program beside it."""

    def start(self) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        import mlflow

        super().start()
        mlflow.set_tracking_uri(f"sqlite:///{self.folder}/mlflow.db")
        self.experiment = mlflow.create_experiment("one span", artifact_location=self.folder.as_uri())
        mlflow.set_experiment(experiment_id=self.experiment)
        self.seen: set[str] = set()
        # Without that, the span of a stream that LangChain reads asynchronously is known to a thread of MLflow's alone.
        mlflow.langchain.autolog(run_tracer_inline=True)
        mlflow.llama_index.autolog()

    def read(self) -> list[Told]:
        import mlflow

        mlflow.flush_trace_async_logging()
        traces: Any = mlflow.search_traces(locations=[self.experiment], return_type="list")
        new = [one for one in traces if one.info.trace_id not in self.seen]
        self.seen |= {one.info.trace_id for one in new}
        return super().read() + [_read(span.attributes) for one in new for span in one.data.spans]


class LangSmith(Tool):
    """LangChain's tracer, whose runs are no spans, with a client that keeps what it would send."""

    def start(self) -> None:
        self.client = MagicMock(tracing_queue=None)
        self.callbacks = [AurikoLangChainTracer(client=self.client)]

    def read(self) -> list[Told]:
        told: list[Told] = []
        for call in self.client.update_run.call_args_list:
            metadata = call.kwargs["extra"]["metadata"]
            usage = metadata.get("usage_metadata") or {}
            told.append(Told(usage.get("input_tokens"), usage.get("total_cost"), metadata.get("ls_model_name")))
        self.client.reset_mock()
        return told


TOOLS = {
    "nothing": Tool,
    "OpenInference": OpenInference,
    "Langfuse": Langfuse,
    "MLflow": Mlflow,
    "LangSmith": LangSmith,
    "Logfire": Logfire,
    "OpenLLMetry": OpenLLMetry,
}


@cache
def started(tool: str) -> Tool:
    """The tool, set up once: most cannot be taken back, so that each has a process of its own."""
    made = TOOLS[tool](Path(tempfile.mkdtemp()))
    made.start()
    return made


def _read(attributes: Any) -> Told:
    """Tokens and cost of a span under whatever names; that they agree is part of the reading."""
    found = dict(attributes or {})

    def inside(name: str, key: str) -> Any:
        value = found.get(name) or {}
        return (json.loads(value) if isinstance(value, str) else value).get(key)

    tokens = {found.get("gen_ai.usage.input_tokens"), found.get("llm.token_count.prompt")}
    tokens |= {inside("langfuse.observation.usage_details", "input"), inside("mlflow.chat.tokenUsage", "input_tokens")}
    costs = {found.get(name) for name in COSTS}
    costs |= {inside("langfuse.observation.cost_details", "total"), inside("mlflow.llm.cost", "total_cost")}
    models = {found.get(name) for name in MODEL_NAMES} - {None}
    assert len(costs) == 1, f"a name of the cost is missing or differs: {found}"
    assert costs == {None} or len(models) == 1, f"names of the model differ: {found}"
    return Told(max(tokens - {None}, default=None), costs.pop(), min(models, default=None))


# -- callers -----------------------------------------------------------------------------------------------------------


async def core(settings: dict[str, str], way: str, _callbacks: list[Any]) -> None:
    request: dict[str, Any] = {"messages": [{"role": "user", "content": TEXT}], "gateway": {"models": MODELS}}
    if way.startswith("async"):
        async with AsyncClient(**settings) as client:
            reply = await client.chat.completions.create(**request, stream="stream" in way)
            if "stream" in way:
                _ = [chunk async for chunk in reply]
    else:
        with Client(**settings) as client:
            reply = client.chat.completions.create(**request, stream="stream" in way)
            if "stream" in way:
                list(reply)


async def langchain(settings: dict[str, str], way: str, callbacks: list[Any]) -> None:
    model = ChatAuriko(models=MODELS, **settings)
    config: Any = {"callbacks": callbacks}
    match way:
        case "plain":
            model.invoke(TEXT, config)
        case "stream":
            list(model.stream(TEXT, config))
        case "async plain":
            await model.ainvoke(TEXT, config)
        case _:
            _ = [chunk async for chunk in model.astream(TEXT, config)]


async def llamaindex(settings: dict[str, str], way: str, _callbacks: list[Any]) -> None:
    llm = Auriko(models=MODELS, **settings)
    match way:
        case "plain":
            llm.complete(TEXT)
        case "stream":
            list(llm.stream_complete(TEXT))
        case "async plain":
            await llm.acomplete(TEXT)
        case _:
            _ = [item async for item in await llm.astream_complete(TEXT)]


def ferry(place: str) -> str:
    """How long the ferry to a place takes."""
    return f"The ferry to {place} takes 45 minutes."


async def langchain_agent(settings: dict[str, str], way: str, callbacks: list[Any]) -> None:
    from langchain.agents import create_agent

    agent: Any = create_agent(ChatAuriko(models=MODELS, **settings), [ferry])
    question: Any = {"messages": [{"role": "user", "content": TEXT}]}
    config: Any = {"callbacks": callbacks}
    match way:
        case "plain":
            agent.invoke(question, config)
        case "stream":
            list(agent.stream(question, config, stream_mode="messages"))
        case "async plain":
            await agent.ainvoke(question, config)
        case _:
            _ = [item async for item in agent.astream(question, config, stream_mode="messages")]


async def llamaindex_agent(settings: dict[str, str], way: str, _callbacks: list[Any]) -> None:
    from llama_index.core.agent import FunctionAgent

    agent = FunctionAgent(llm=Auriko(models=MODELS, **settings), tools=[ferry], streaming="stream" in way)
    await agent.run(TEXT)


CALLERS = {
    "core": core,
    "ChatAuriko": langchain,
    "Auriko": llamaindex,
    "LangChain agent": langchain_agent,
    "LlamaIndex agent": llamaindex_agent,  # which is asynchronous alone
}
# LangSmith watches LangChain alone. Its runs are not OpenTelemetry's spans, and a program's SDK is left out beside it.
CASES = [
    (tool, caller, way)
    for tool in TOOLS
    for caller in CALLERS
    for way in WAYS
    if tool != "LangSmith" or caller in {"ChatAuriko", "LangChain agent"}
    if caller != "LlamaIndex agent" or way.startswith("async")
]


@pytest.mark.parametrize(("name", "caller", "way"), CASES)
async def test_every_call_has_one_span_with_tokens_and_cost(settings, name, caller, way, record_property):
    tool = started(name)
    with track_spend() as spend:
        await CALLERS[caller](settings, way, tool.callbacks)
    told = tool.read()
    bills = [Told(bill.prompt_tokens, bill.usd, bill.model) for bill in spend.records]
    assert len(bills) == 1 if "agent" not in caller else len(bills) > 1
    counted = [one for one in told if one.tokens is not None or one.usd is not None]
    assert sorted(counted) == sorted(bills), told
    for kind, each in [*(("billed", bill) for bill in bills), *(("exported", one) for one in counted)]:
        record_property(kind, each.usd)
    record_property("model", ", ".join({str(one.model) for one in counted}))
