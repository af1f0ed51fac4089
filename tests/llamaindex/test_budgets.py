"""Budgets of agents' runs, which their contexts keep; limits around engines and pipelines."""

import json

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.extractors import SummaryExtractor
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, HumanResponseEvent, InputRequiredEvent
from llama_index.retrievers.bm25 import BM25Retriever

from auriko import track_spend
from auriko.errors import BudgetExceededError
from auriko_llamaindex.budgets import AurikoBudget

pytestmark = [
    pytest.mark.anyio,
    # Workflows look at every attribute of an agent, which is a pydantic model, the deprecated ones too.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince211"),
    # An agent's memory is no part of what a context writes.
    pytest.mark.filterwarnings("ignore:Skipping serialization of known unserializable key"),
]
COST = 0.0021


@pytest.fixture
def anyio_backend():
    return "asyncio"


def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It is 7 degrees and raining in {city}."


def calls_tool(gateway, name="get_weather", arguments='{"city": "Oslo"}', times=1):
    for _ in range(times):
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
        gateway.says(None, finish_reason="tool_calls", message={"tool_calls": [call]})


def agent_of(gateway, *tools, kind="agent"):
    tools = tools or (get_weather,)
    agent = FunctionAgent(
        name="Meteo",
        description="It knows the weather.",
        tools=[FunctionTool.from_defaults(tool) for tool in tools],
        llm=gateway.llm(),
        streaming=False,
    )
    return agent if kind == "agent" else AgentWorkflow(agents=[agent], root_agent="Meteo")


def restored(agent, ctx):
    """The context as another process has it."""
    return Context.from_dict(agent, json.loads(json.dumps(ctx.to_dict())))


@pytest.mark.parametrize("kind", ["agent", "workflow"])
async def test_a_run_is_stopped_at_its_budget(gateway, kind):
    calls_tool(gateway, times=9)
    agent = agent_of(gateway, kind=kind)
    handler = await AurikoBudget(limit_usd=2.9 * COST).run(agent, user_msg="What is the weather in Oslo?")
    with pytest.raises(BudgetExceededError) as raised:
        await handler
    assert (raised.value.spent_usd, len(gateway.bodies)) == (2 * COST, 2)
    assert await handler.ctx.store.get("auriko_spent_usd") == 2 * COST


@pytest.mark.parametrize("goes_over", [False, True])
async def test_each_run_has_a_budget_of_its_own(gateway, goes_over):
    agent = agent_of(gateway)
    ctx, budget = Context(agent), AurikoBudget(limit_usd=1.01 * COST)
    for number in range(3):
        gateway.says("Rain.")
        assert str(await (await budget.run(agent, user_msg="Well?", ctx=ctx))) == "Rain."
        assert await ctx.store.get("auriko_spent_usd") == pytest.approx((number + 1) * COST)
        if goes_over:
            ctx = restored(agent, ctx)


async def test_a_context_has_one_budget(gateway):
    agent = agent_of(gateway)
    ctx, budget = Context(agent), AurikoBudget(limit_usd=2.01 * COST, scope="context")
    for _ in range(2):
        gateway.says("Rain.")
        await (await budget.run(agent, user_msg="Well?", ctx=ctx))
        ctx = restored(agent, ctx)
    with pytest.raises(BudgetExceededError):
        await (await budget.run(agent, user_msg="Well?", ctx=ctx))
    assert len(gateway.bodies) == 2


async def test_a_run_goes_on_with_its_budget_where_a_person_was_asked(gateway):
    async def ask(ctx: Context) -> str:
        """Ask a person."""
        answer = await ctx.wait_for_event(HumanResponseEvent, waiter_event=InputRequiredEvent(prefix="May it?"))
        return answer.response

    calls_tool(gateway, "ask", "{}")
    agent = agent_of(gateway, ask)
    budget = AurikoBudget(limit_usd=2.9 * COST)
    handler = await budget.run(agent, user_msg="Well?")
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            ctx = restored(agent, handler.ctx)
            break
    await handler.cancel_run()
    calls_tool(gateway, times=9)
    await ctx.store.set("memory", ChatMemoryBuffer.from_defaults())  # which LlamaIndex leaves to the program
    handler = await budget.run(agent, ctx=ctx)
    handler.ctx.send_event(HumanResponseEvent(response="Yes."))
    with pytest.raises(BudgetExceededError) as raised:
        await handler
    assert (raised.value.spent_usd, len(gateway.bodies)) == (2 * COST, 2)


async def test_a_cost_that_stays_unknown_is_kept_as_its_estimate(gateway):
    gateway.says("Rain.", routing_metadata=None)
    agent = agent_of(gateway)
    handler = await AurikoBudget(limit_usd=1).run(agent, user_msg="Well?")
    await handler
    assert await handler.ctx.store.get("auriko_spent_usd") > 0
    assert await handler.ctx.store.get("auriko_call_usd", default=None) is None


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"limit_usd": -1}, ValueError), ({"limit_usd": "1"}, TypeError), ({"limit_usd": 1, "scope": "day"}, ValueError)],
)
def test_what_cannot_be_is_refused(arguments, error):
    with pytest.raises(error):
        AurikoBudget(**arguments)


# -- engines and pipelines -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["query", "aquery"])
async def test_query_engines_under_a_limit(gateway, documents, way):
    retriever = BM25Retriever.from_defaults(nodes=documents, similarity_top_k=2)
    engine = RetrieverQueryEngine.from_args(retriever, llm=gateway.llm())

    async def query():
        return engine.query("How high?") if way == "query" else await engine.aquery("How high?")

    gateway.says("38 metres.")
    with track_spend(limit_usd=1.01 * COST) as spend:
        await query()
        with pytest.raises(BudgetExceededError):
            await query()
    assert (spend.calls, spend.reserved_usd) == (1, 0)


@pytest.mark.parametrize("way", ["run", "arun"])
async def test_ingestion_pipelines_under_a_limit(gateway, documents, way):
    for _ in range(4):
        gateway.says("A summary.")

    async def ingest():
        pipeline = IngestionPipeline(transformations=[SentenceSplitter(), SummaryExtractor(llm=gateway.llm())])
        return pipeline.run(documents=documents) if way == "run" else await pipeline.arun(documents=documents)

    with track_spend(limit_usd=1) as spend:
        await ingest()
    assert spend.calls == 4
    with track_spend(limit_usd=0) as spend, pytest.raises(BudgetExceededError):
        await ingest()
    assert len(gateway.bodies) == 4
