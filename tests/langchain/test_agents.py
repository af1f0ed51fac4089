"""Agents, graphs and chains as users build them, against the sandbox."""

import time
from typing import Annotated, Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware, ModelRetryMiddleware, SummarizationMiddleware
from langchain.agents.structured_output import ProviderStrategy
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableParallel
from langchain_core.tools import tool
from langchain_core.tracers import run_collector
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from pydantic import BaseModel

from auriko_langchain import ChatAuriko, get_auriko_cost_callback, get_routing_metadata
from auriko_langchain.errors import AurikoBudgetExceededError
from auriko_langchain.middleware import AurikoBudgetMiddleware, AurikoRoutingMiddleware
from tests.support.langchain_ways import AGENT_IN_ASYNC_CODE

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("sandbox_env")]
QUESTION = {"messages": [HumanMessage("What is the weather in Oslo?")]}


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"It is sunny in {city}."


class Weather(BaseModel):
    """The weather somewhere."""

    city: str
    sky: str


def ai(messages):
    return [message for message in messages if isinstance(message, AIMessage)]


def bodies_since(start, sandbox):
    return [request.json for request in sandbox.requests if request.at > start]


def costs_of(messages):
    return [message.response_metadata["cost"] for message in ai(messages)]


# -- create_agent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_an_agent_calls_its_tool_and_every_answer_has_its_cost(way):
    agent = create_agent(ChatAuriko(model="gpt-4o"), [get_weather])
    with get_auriko_cost_callback() as costs:
        state = agent.invoke(QUESTION) if way == "invoke" else await agent.ainvoke(QUESTION)
    kinds = [type(message) for message in state["messages"]]
    assert kinds == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert "sunny in Oslo" in state["messages"][2].content
    assert all(cost > 0 for cost in costs_of(state["messages"]))
    assert costs.usd == pytest.approx(sum(costs_of(state["messages"])))
    assert costs.calls == 2


@pytest.mark.parametrize("way", ["stream", pytest.param("astream", marks=AGENT_IN_ASYNC_CODE)])
async def test_an_agent_that_streams_messages_keeps_the_cost(way):
    agent = create_agent(ChatAuriko(models=["gpt-4o", "claude-sonnet-4-6"]), [get_weather])
    collector = run_collector.RunCollectorCallbackHandler()
    config: Any = {"callbacks": [collector]}
    with get_auriko_cost_callback() as costs:
        if way == "stream":
            parts = list(agent.stream(QUESTION, config, stream_mode="messages"))
        else:
            parts = [part async for part in agent.astream(QUESTION, config, stream_mode="messages")]
    chunks = [message for message, _ in parts if isinstance(message, AIMessageChunk)]
    last = [chunk for chunk in chunks if chunk.chunk_position == "last"]
    assert len(last) == 2
    assert all(get_routing_metadata(chunk).cost.usd > 0 for chunk in last)
    assert costs.usd == pytest.approx(sum(chunk.response_metadata["cost"] for chunk in last))
    runs = model_runs(collector.traced_runs[0])
    assert [run.extra["metadata"]["ls_gateway_info"]["cost_usd"] for run in runs] == [
        chunk.response_metadata["cost"] for chunk in last
    ]


def model_runs(run):
    if run.run_type in ("llm", "chat_model"):
        return [run]
    return [found for child in run.child_runs for found in model_runs(child)]


@AGENT_IN_ASYNC_CODE
async def test_events_of_an_agent():
    agent = create_agent(ChatAuriko(model="gpt-4o"), [get_weather])
    events = [event async for event in agent.astream_events(QUESTION, version="v2")]
    ends = [event["data"]["output"] for event in events if event["event"] == "on_chat_model_end"]
    assert len(ends) == 2
    assert all(message.response_metadata["cost"] > 0 for message in ends)


@pytest.mark.parametrize("model", [{"model": "gpt-4o"}, {"models": ["gpt-4o", "claude-sonnet-4-6"]}])
def test_structured_answers_of_agents_use_the_providers_own_way(sandbox, model):
    start = time.monotonic()
    agent = create_agent(ChatAuriko(**model), [get_weather], response_format=Weather)
    state = agent.invoke(QUESTION)
    assert isinstance(state["structured_response"], Weather)
    bodies = bodies_since(start, sandbox)
    assert len(bodies) == 2
    assert all(body["response_format"]["type"] == "json_schema" for body in bodies)
    assert all([t["function"]["name"] for t in body["tools"]] == ["get_weather"] for body in bodies)


def test_structured_answers_without_tools():
    agent = create_agent(ChatAuriko(model="gpt-4o"), response_format=ProviderStrategy(Weather))
    assert isinstance(agent.invoke(QUESTION)["structured_response"], Weather)


def test_checkpoints_keep_the_cost():
    agent = create_agent(ChatAuriko(model="gpt-4o"), [get_weather], checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    agent.invoke(QUESTION, config)
    agent.invoke({"messages": [HumanMessage("What is the weather in Rome?")]}, config)
    messages = agent.get_state(config).values["messages"]
    assert len(costs_of(messages)) == 4
    assert all(cost > 0 for cost in costs_of(messages))
    assert all(get_routing_metadata(message).provider for message in ai(messages))


@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize("way", ["invoke", "stream"])
@pytest.mark.parametrize(
    "settings",
    [
        {"model": "claude-sonnet-4-6", "reasoning_effort": "high"},
        {"model": "gemini-2.5-flash", "routing": {"providers": ["google_ai_studio"]}},
    ],
    ids=["reasoning", "tool-call"],
)
def test_signatures_that_the_gateway_checks_go_back(settings, way, output_version):
    agent = create_agent(ChatAuriko(**settings, output_version=output_version), [get_weather])
    if way == "invoke":
        messages = agent.invoke(QUESTION)["messages"]
    else:
        *_, (_, last) = agent.stream(QUESTION, stream_mode=["messages", "values"])
        messages = last["messages"]
    assert [type(m).__name__.removesuffix("Chunk") for m in messages][1:] == ["AIMessage", "ToolMessage", "AIMessage"]
    signed = messages[1].additional_kwargs
    assert signed.get("provider_signatures") or signed["reasoning_blocks"][0]["signature"]


def test_middleware_of_langchain(gateway):
    gateway.refuses(404, "model_not_found", "not_found_error")
    failing = gateway.model()
    agent = create_agent(
        failing,
        [get_weather],
        middleware=[
            ModelRetryMiddleware(max_retries=3, initial_delay=0, on_failure="error"),
            ModelFallbackMiddleware(ChatAuriko(model="gpt-4o")),
        ],
    )
    gateway.refuses(404, "model_not_found", "not_found_error")
    assert costs_of(agent.invoke(QUESTION)["messages"])[-1] > 0
    assert len(gateway.bodies) == 2


def test_summarisation_by_a_fraction_of_the_window():
    model = ChatAuriko(model="gpt-4o", profile={"max_input_tokens": 400, "structured_output": True})
    agent = create_agent(
        model, middleware=[SummarizationMiddleware(model, trigger=("fraction", 0.5), keep=("messages", 2))]
    )
    history = [HumanMessage("The sky is blue. " * 60), AIMessage("Yes."), HumanMessage("Why is that so?")]
    messages = agent.invoke({"messages": history})["messages"]
    assert "summary" in messages[0].text.lower()
    assert len(messages) == 4


# -- our middleware ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_a_budget_ends_the_run(way):
    agent = create_agent(ChatAuriko(model="gpt-4o"), [get_weather], middleware=[AurikoBudgetMiddleware(limit_usd=1e-6)])
    state = agent.invoke(QUESTION) if way == "invoke" else await agent.ainvoke(QUESTION)
    assert [type(m) for m in state["messages"]] == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert "budget of $0.000001" in state["messages"][-1].text
    assert not any(name.startswith("auriko") for name in state)


def test_a_budget_may_raise():
    middleware = AurikoBudgetMiddleware(limit_usd=1e-9, exit_behavior="error")
    agent = create_agent(ChatAuriko(model="gpt-4o"), [get_weather], middleware=[middleware])
    with pytest.raises(AurikoBudgetExceededError) as raised:
        agent.invoke(QUESTION)
    assert raised.value.spent_usd > raised.value.limit_usd == 1e-9


def test_a_budget_is_for_each_run():
    model = ChatAuriko(model="gpt-4o")
    cost = max(costs_of(create_agent(model, [get_weather]).invoke(QUESTION)["messages"]))
    agent = create_agent(
        model,
        [get_weather],
        middleware=[AurikoBudgetMiddleware(limit_usd=10 * cost)],
        checkpointer=InMemorySaver(),
    )
    for _ in range(6):
        state = agent.invoke(QUESTION, {"configurable": {"thread_id": "1"}})
        assert all(cost > 0 for cost in costs_of(state["messages"]))


@pytest.mark.parametrize("limit", [-1, float("nan")])
def test_limits_that_are_none(limit):
    with pytest.raises(ValueError, match="limit_usd"):
        AurikoBudgetMiddleware(limit_usd=limit)
    with pytest.raises(ValueError, match="exit_behavior"):
        AurikoBudgetMiddleware(limit_usd=1, exit_behavior="stop")


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_routing_by_turn(sandbox, way):
    def route(request):
        return {"optimize": "ttft"} if isinstance(request.messages[-1], ToolMessage) else None

    model = ChatAuriko(models=["gpt-4o", "claude-sonnet-4-6"], routing={"optimize": "cost", "max_cost_per_1m": 50})
    agent = create_agent(model, [get_weather], middleware=[AurikoRoutingMiddleware(route)])
    start = time.monotonic()
    agent.invoke(QUESTION) if way == "invoke" else await agent.ainvoke(QUESTION)
    routing = [body["gateway"]["routing"] for body in bodies_since(start, sandbox)]
    assert routing == [
        {"optimize": "cost", "max_cost_per_1m": 50},
        {"optimize": "ttft", "max_cost_per_1m": 50},
    ]


def test_the_same_routing_for_every_turn(gateway):
    gateway.says("x")
    agent = create_agent(gateway.model(), middleware=[AurikoRoutingMiddleware({"prefer": "p"})])
    agent.invoke(QUESTION)
    assert gateway.bodies[0]["gateway"] == {"routing": {"prefer": "p"}}


def test_routing_by_turn_leaves_other_models_alone():
    model = GenericFakeChatModel(messages=iter([AIMessage("x")]))
    agent = create_agent(model, middleware=[AurikoRoutingMiddleware({"prefer": "p"})])
    assert agent.invoke(QUESTION)["messages"][-1].text == "x"


# -- graphs and chains ---------------------------------------------------------------------------------------------


class State(TypedDict):
    messages: Annotated[list[Any], add_messages]


@pytest.mark.parametrize("way", ["invoke", "astream"])
async def test_a_graph_of_ones_own(way):
    model = ChatAuriko(model="gpt-4o")

    async def answer(state: State):
        return {"messages": [await model.ainvoke(state["messages"])]}

    def check(state: State):
        return {"messages": [model.invoke([*state["messages"], HumanMessage("Is that so?")])]}

    graph = StateGraph(State)
    graph.add_node("answer", answer)
    graph.add_node("check", check)
    graph.add_edge(START, "answer")
    graph.add_edge("answer", "check")
    graph.add_edge("check", END)
    compiled = graph.compile()
    with get_auriko_cost_callback() as costs:
        if way == "astream":
            parts = [part async for part in compiled.astream(QUESTION, stream_mode="messages")]
            found = [m.response_metadata["cost"] for m, _ in parts if "cost" in m.response_metadata]
        else:
            found = costs_of((await compiled.ainvoke(QUESTION))["messages"])
    assert len(found) == 2
    assert costs.usd == pytest.approx(sum(found))


def test_parallel_branches_in_a_batch():
    model = ChatAuriko(model="gpt-4o")
    prompt = ChatPromptTemplate.from_template("Tell me about {topic}.")
    chain = RunnableParallel(
        cheap=prompt | model.with_routing(optimize="cost-focus"),
        quick=prompt | model.with_routing(optimize="ttft-focus"),
    )
    with get_auriko_cost_callback() as costs:
        results = chain.batch([{"topic": topic} for topic in ("cats", "dogs", "birds")], {"max_concurrency": 4})
    messages = [message for result in results for message in result.values()]
    assert len(messages) == costs.calls == 6
    assert costs.usd == pytest.approx(sum(message.response_metadata["cost"] for message in messages))
    strategies = {get_routing_metadata(result["quick"]).routing_strategy for result in results}
    assert strategies == {"ttft-focus"}


async def test_a_chain_in_all_ways():
    chain = ChatPromptTemplate.from_template("Say {word}.") | ChatAuriko(model="gpt-4o") | StrOutputParser()
    whole = chain.invoke({"word": "hello"})
    assert whole
    assert "".join(chain.stream({"word": "hello"})) == whole
    assert await chain.ainvoke({"word": "hello"}) == whole
    assert "".join([text async for text in chain.astream({"word": "hello"})]) == whole


def test_a_model_for_the_responses_api_says_so():
    with pytest.raises(Exception, match=r"response_api_only.*responses") as raised:
        ChatAuriko(model="gpt-5.4-pro").invoke("Hello")
    assert raised.value.code == "response_api_only"


def test_a_context_that_is_too_long():
    from langchain_core.exceptions import ContextOverflowError

    model = ChatAuriko(model="gemma-3-4b-it")
    with pytest.raises(ContextOverflowError):
        model.invoke("word " * 40_000)
