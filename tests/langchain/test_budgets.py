"""A budget of an agent's run or thread: what counts, what happens at the limit, and that any checkpoint goes on."""

import json
import pickle
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, AgentState, SummarizationMiddleware, after_model
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from auriko import SpendTracker, track_spend
from auriko.errors import BudgetExceededError, InternalServerError
from auriko_langchain import _budgets
from auriko_langchain.errors import AurikoBudgetExceededError
from auriko_langchain.middleware import AurikoBudgetMiddleware, AurikoBudgetState, AurikoRoutingMiddleware
from tests.support.langchain_ways import AGENT_IN_ASYNC_CODE

pytestmark = pytest.mark.anyio

COST = 0.0021
QUESTION = {"messages": [("user", "What is the weather in Oslo?")]}
WAYS = pytest.mark.parametrize("way", ["invoke", "ainvoke"])
WAYS_TO_KNOW_THE_RUN = pytest.mark.parametrize("way", ["invoke", pytest.param("ainvoke", marks=AGENT_IN_ASYNC_CODE)])
THREAD: Any = {"configurable": {"thread_id": "1"}}


@pytest.fixture(autouse=True)
def _nothing_left():
    _budgets._runs.clear()


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"It is sunny in {city}."


def calls_tool(gateway, name="get_weather", arguments='{"city": "Oslo"}', times=1):
    for _ in range(times):
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
        gateway.says(None, finish_reason="tool_calls", message={"tool_calls": [call]})


async def run(agent, way, given=QUESTION, config=None):
    return agent.invoke(given, config) if way == "invoke" else await agent.ainvoke(given, config)


def as_in_another_process():
    """What this process knows of runs is gone; the checkpoints are there."""
    _budgets._runs.clear()


def agent_of(gateway, *middleware, limit=1.0, tools=(get_weather,), **settings):
    budget = {name: settings.pop(name) for name in ("scope", "exit_behavior") if name in settings}
    settings.setdefault("checkpointer", InMemorySaver())
    return create_agent(
        gateway.model(), list(tools), middleware=[AurikoBudgetMiddleware(limit, **budget), *middleware], **settings
    )


def spent(agent, config=THREAD):
    return agent.get_state(config).values.get("auriko_spent_usd")


# -- at the limit --------------------------------------------------------------------------------------------------


@WAYS
async def test_the_run_ends_with_a_message(gateway, way):
    calls_tool(gateway, times=9)
    state = await run(agent_of(gateway, limit=2.5 * COST), way, config=THREAD)
    last = state["messages"][-1]
    assert type(last) is AIMessage
    assert last.text.startswith("The budget of $0.00525 for this run is spent: $0.0042 so far, and the next call may ")
    assert len(gateway.bodies) == 2
    assert not _budgets._runs


@WAYS
async def test_the_run_raises(gateway, way):
    calls_tool(gateway, times=9)
    agent = agent_of(gateway, limit=2.5 * COST, exit_behavior="error")
    with pytest.raises(AurikoBudgetExceededError) as raised:
        await run(agent, way, config=THREAD)
    assert (raised.value.spent_usd, raised.value.limit_usd) == (2 * COST, 2.5 * COST)


@pytest.mark.parametrize("restarted", [False, True])
@WAYS_TO_KNOW_THE_RUN
async def test_the_run_asks_for_more(gateway, way, restarted):
    calls_tool(gateway, times=4)
    gateway.says("Sunny.")
    agent = agent_of(gateway, limit=2.5 * COST, exit_behavior="ask")
    state = await run(agent, way, config=THREAD)
    (asked,) = state["__interrupt__"]
    assert asked.value["limit_usd"] == 2.5 * COST
    assert asked.value["spent_usd"] == 2 * COST
    assert "is spent" in asked.value["message"]
    if restarted:
        as_in_another_process()
    state = await run(agent, way, Command(resume=4.5 * COST), THREAD)
    assert state["__interrupt__"][0].value["spent_usd"] == 4 * COST
    state = await run(agent, way, Command(resume=1), THREAD)
    assert state["messages"][-1].text == "Sunny."
    assert spent(agent) == pytest.approx(5 * COST)


@pytest.mark.parametrize("answer", ["no", None, 0.001, True])
def test_the_run_ends_where_no_more_is_allowed(gateway, answer):
    calls_tool(gateway, times=9)
    agent = agent_of(gateway, limit=1.5 * COST, exit_behavior="ask")
    agent.invoke(QUESTION, THREAD)
    state = agent.invoke(Command(resume=answer), THREAD) if answer is not None else None
    if state is not None:
        assert "is spent" in state["messages"][-1].text
    assert len(gateway.bodies) == 1


async def test_where_a_run_cannot_be_interrupted_that_is_said_before_anything_is_spent(gateway, monkeypatch):
    monkeypatch.setattr("auriko_langchain.middleware._CAN_ASK_IN_ASYNC_CODE", False)
    with pytest.raises(RuntimeError, match=r"needs Python 3\.11 in async code"):
        await agent_of(gateway, exit_behavior="ask").ainvoke(QUESTION, THREAD)
    assert gateway.bodies == []


def test_the_limit_of_somebody_else_is_raised(gateway):
    calls_tool(gateway, times=9)
    with track_spend(limit_usd=1.5 * COST), pytest.raises(BudgetExceededError) as raised:
        agent_of(gateway).invoke(QUESTION, THREAD)
    assert raised.value.limit_usd == 1.5 * COST


@pytest.mark.parametrize(("name", "value"), [("scope", "day"), ("exit_behavior", "stop")])
def test_what_cannot_be_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        AurikoBudgetMiddleware(1, **{name: value})


# -- what counts ---------------------------------------------------------------------------------------------------


@WAYS
async def test_each_run_has_a_budget_of_its_own(gateway, way):
    agent = agent_of(gateway, limit=1.5 * COST)
    for number in range(3):
        gateway.says("Sunny.")
        state = await run(agent, way, config=THREAD)
        assert state["messages"][-1].text == "Sunny."
        assert spent(agent) == pytest.approx((number + 1) * COST)


@pytest.mark.parametrize("restarted", [False, True])
@WAYS
async def test_a_thread_has_one_budget(gateway, way, restarted):
    agent = agent_of(gateway, limit=2.5 * COST, scope="thread")
    for _ in range(2):
        gateway.says("Sunny.")
        await run(agent, way, config=THREAD)
        if restarted:
            as_in_another_process()
    state = await run(agent, way, config=THREAD)
    assert "for this thread is spent" in state["messages"][-1].text
    assert spent(agent) == 2 * COST
    gateway.says("Sunny.")
    other = await run(agent, way, config={"configurable": {"thread_id": "2"}})
    assert other["messages"][-1].text == "Sunny."


@WAYS
async def test_agents_in_tools_count_and_are_stopped(gateway, way):
    inner = create_agent(gateway.model(), [])

    @tool
    async def research(topic: str) -> str:
        """Look something up."""
        return (await inner.ainvoke({"messages": [("user", topic)]}))["messages"][-1].text

    @tool("research")
    def research_sync(topic: str) -> str:
        """Look something up."""
        return inner.invoke({"messages": [("user", topic)]})["messages"][-1].text

    tools = [research_sync if way == "invoke" else research]
    calls_tool(gateway, "research", '{"topic": "x"}')
    gateway.says("Found.")
    gateway.says("Done.")
    agent = agent_of(gateway, tools=tools)
    await run(agent, way, config=THREAD)
    assert (len(gateway.bodies), spent(agent)) == (3, pytest.approx(3 * COST))
    calls_tool(gateway, "research", '{"topic": "x"}')
    agent = agent_of(gateway, limit=COST, tools=tools)
    state = await run(agent, way, config=THREAD)
    assert [type(message) for message in state["messages"][-2:]] == [ToolMessage, AIMessage]
    assert state["messages"][-2].status == "error"
    assert "is spent: $0.0021 so far" in state["messages"][-1].text
    assert (len(gateway.bodies), spent(agent)) == (4, COST)


@WAYS
async def test_an_agent_in_a_tool_raises_where_that_is_wanted(gateway, way):
    inner = create_agent(gateway.model(), [])

    @tool
    def research(topic: str) -> str:
        """Look something up."""
        return inner.invoke({"messages": [("user", topic)]})["messages"][-1].text

    calls_tool(gateway, "research", '{"topic": "x"}')
    agent = agent_of(gateway, limit=COST, tools=[research], exit_behavior="error")
    with pytest.raises(AurikoBudgetExceededError):
        await run(agent, way, config=THREAD)


def test_a_budget_of_an_agent_in_a_tool_is_for_that_alone(gateway):
    inner = create_agent(gateway.model(), [], middleware=[AurikoBudgetMiddleware(1.5 * COST)])

    @tool
    def research(topic: str) -> str:
        """Look something up."""
        return inner.invoke({"messages": [("user", topic)]})["messages"][-1].text

    for _ in range(2):
        calls_tool(gateway, "research", '{"topic": "x"}')
        gateway.says("Found.")
    gateway.says("Done.")
    agent = agent_of(gateway, tools=[research])
    assert agent.invoke(QUESTION, THREAD)["messages"][-1].text == "Done."
    assert spent(agent) == pytest.approx(5 * COST)
    assert not _budgets._runs


@pytest.mark.parametrize("exit_behavior", ["end", "error"])
@WAYS_TO_KNOW_THE_RUN
async def test_summaries_of_other_middleware_count(gateway, way, exit_behavior):
    gateway.says("A summary.")
    gateway.says("Sunny.")
    summaries = SummarizationMiddleware(gateway.model(), trigger=("messages", 2), keep=("messages", 1))
    agent = agent_of(gateway, summaries, exit_behavior=exit_behavior)
    history = [HumanMessage("The sky is blue."), AIMessage("Yes."), HumanMessage("Why?")]
    await run(agent, way, {"messages": history}, THREAD)
    assert (len(gateway.bodies), spent(agent)) == (2, pytest.approx(2 * COST))


def test_a_summary_is_not_refused_and_the_call_after_it_is(gateway):
    gateway.says("Sunny.")
    gateway.says("A summary.")
    summaries = SummarizationMiddleware(gateway.model(), trigger=("messages", 3), keep=("messages", 1))
    agent = agent_of(gateway, summaries, limit=COST, scope="thread")
    agent.invoke(QUESTION, THREAD)
    state = agent.invoke(QUESTION, THREAD)
    assert "is spent" in state["messages"][-1].text
    assert spent(agent) == 2 * COST


class Weather(BaseModel):
    """The weather."""

    sunny: bool


def test_answers_that_must_be_made_again_count(gateway):
    calls_tool(gateway, "Weather", '{"sunny": "perhaps"}')
    calls_tool(gateway, "Weather", '{"sunny": true}')
    agent = agent_of(gateway, tools=[], response_format=ToolStrategy(Weather))
    assert agent.invoke(QUESTION, THREAD)["structured_response"] == Weather(sunny=True)
    assert spent(agent) == 2 * COST


def test_a_client_inside_a_tool_counts(gateway):
    client = gateway.model()._client()

    @tool
    def ask_directly(city: str) -> str:
        """Ask."""
        return str(client.chat.completions.create(model="m", messages=[{"role": "user", "content": city}]).id)

    calls_tool(gateway, "ask_directly")
    gateway.says("x")
    gateway.says("Sunny.")
    agent = agent_of(gateway, tools=[ask_directly])
    agent.invoke(QUESTION, THREAD)
    assert spent(agent) == pytest.approx(3 * COST)


def test_a_tool_with_a_command_of_its_own(gateway):
    @tool
    def note(city: str) -> Command:
        """Note."""
        return Command(update={"messages": [ToolMessage("Noted.", tool_call_id="call_1")]})

    calls_tool(gateway, "note")
    gateway.says("Sunny.")
    agent = agent_of(gateway, tools=[note])
    assert agent.invoke(QUESTION, THREAD)["messages"][-2].text == "Noted."
    assert spent(agent) == 2 * COST


def test_calls_elsewhere_do_not_count(gateway):
    """Neither those of other threads at the same time nor those outside of any graph."""
    model = gateway.model()

    @tool
    def get_advice(city: str) -> str:
        """Ask outside of the graph."""
        return "Take an umbrella."

    calls_tool(gateway, "get_advice")
    agent = agent_of(gateway, tools=[get_advice], interrupt_before=["tools"])
    agent.invoke(QUESTION, THREAD)
    gateway.says("x")
    model.invoke("Hello")
    gateway.says("y")
    RunnableLambda(model.invoke).invoke("Hello")
    gateway.says("Sunny.")
    agent.invoke(None, THREAD)
    assert spent(agent) == 2 * COST


# -- any checkpoint goes on ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("restarted", [False, True])
@WAYS
async def test_a_run_goes_on_after_a_call_that_failed(gateway, way, restarted):
    calls_tool(gateway)
    gateway.refuses(500, "internal_error", "api_error")
    agent = agent_of(gateway, limit=2.5 * COST)
    with pytest.raises(InternalServerError):
        await run(agent, way, config=THREAD)
    if restarted:
        as_in_another_process()
    calls_tool(gateway, times=9)
    state = await run(agent, way, None, THREAD)
    assert "is spent" in state["messages"][-1].text
    assert spent(agent) == 2 * COST


@WAYS
async def test_what_a_call_may_have_cost_that_failed_is_not_forgotten(gateway, way):
    """It stays unknown what it was billed, so it counts as its estimate, also when the run goes on."""
    calls_tool(gateway)
    gateway.streams_chunks(done=False)
    agent = agent_of(gateway, limit=1)
    with pytest.raises(Exception, match="reply"):
        await run(agent, way, config=THREAD)
    assert spent(agent) == COST
    gateway.says("Sunny.")
    await run(agent, way, None, THREAD)
    assert spent(agent) > 2.5 * COST


@pytest.mark.parametrize("node", ["model", "tools"])
@WAYS
async def test_a_run_goes_on_before_any_node(gateway, way, node):
    calls_tool(gateway)
    gateway.says("Sunny.")
    agent = agent_of(gateway, interrupt_before=[node])
    state = await run(agent, way, config=THREAD)
    for _ in range(3):
        as_in_another_process()
        state = await run(agent, way, None, THREAD)
    assert state["messages"][-1].text == "Sunny."
    assert spent(agent) == 2 * COST


@pytest.mark.parametrize("restarted", [False, True])
def test_a_resumed_run_goes_on_with_its_budget(gateway, restarted):
    @after_model
    def approve(state, runtime):
        if state["messages"][-1].tool_calls:
            interrupt("May it?")

    calls_tool(gateway, times=9)
    agent = agent_of(gateway, approve, limit=2.5 * COST)
    state = agent.invoke(QUESTION, THREAD)
    resumed = 0
    while "__interrupt__" in state:
        if restarted:
            as_in_another_process()
        state = agent.invoke(Command(resume=True), THREAD)
        resumed += 1
    assert resumed <= 3
    assert "is spent" in state["messages"][-1].text
    assert spent(agent) == 2 * COST


class Interrupting(AgentMiddleware):
    """Interrupts around the model's call, so that the node is run again."""

    def wrap_model_call(self, request, handler):
        interrupt("May it?")
        return handler(request)


def test_an_interrupt_inside_the_models_node(gateway):
    gateway.says("Sunny.")
    agent = agent_of(gateway, Interrupting())
    agent.invoke(QUESTION, THREAD)
    as_in_another_process()
    assert agent.invoke(Command(resume=True), THREAD)["messages"][-1].text == "Sunny."
    assert spent(agent) == COST


def test_time_travel_and_updates_of_the_state(gateway):
    calls_tool(gateway)
    gateway.says("Sunny.")
    agent = agent_of(gateway)
    agent.invoke(QUESTION, THREAD)
    history = list(agent.get_state_history(THREAD))
    for snapshot in history:
        if snapshot.next and snapshot.next != ("__start__",):
            as_in_another_process()
            calls_tool(gateway)
            gateway.says("Again.")
            gateway._replies = type(gateway._replies)(list(gateway._replies)[-2:])
            state = agent.invoke(None, snapshot.config)
            assert state["messages"][-1].text
            gateway._replies.clear()
    forked = agent.update_state(history[0].config, {"messages": [HumanMessage("And tomorrow?")]}, as_node="tools")
    gateway.says("Rain.")
    assert agent.invoke(None, forked)["messages"][-1].text == "Rain."


def test_the_state_is_plain_numbers(gateway):
    """Every stream of the graph can be written as JSON, with pickle, and by LangGraph's serialiser."""
    calls_tool(gateway)
    gateway.says("Sunny.")
    agent = agent_of(gateway)
    seen = {}
    for mode, part in agent.stream(QUESTION, THREAD, stream_mode=["updates", "values", "debug", "checkpoints"]):
        seen.update(_ours(part))
        pickle.dumps(part)
        if mode in {"updates", "values"}:
            serializer = JsonPlusSerializer(pickle_fallback=False)
            assert serializer.loads_typed(serializer.dumps_typed(part)) is not None
    assert seen["auriko_spent_usd"] == 2 * COST
    assert seen.keys() == set(AurikoBudgetState.__annotations__) - set(AgentState.__annotations__)
    assert json.loads(json.dumps(seen)) == seen
    assert not _ours(agent.get_output_jsonschema()["properties"])
    assert not _ours(agent.get_input_jsonschema()["properties"])


def _ours(value):
    """Everything in a value that has one of our names."""
    found = {}
    if isinstance(value, dict):
        for name, part in value.items():
            found.update({name: part} if str(name).startswith("auriko") else _ours(part))
    elif isinstance(value, (list, tuple)):
        for part in value:
            found.update(_ours(part))
    return found


def test_runs_that_never_end_are_forgotten_in_time(gateway, monkeypatch):
    monkeypatch.setattr(_budgets, "_MOST_RUNS", 2)
    agent = agent_of(gateway)
    for number in range(5):
        gateway.refuses(500, "internal_error", "api_error")
        with pytest.raises(InternalServerError):
            agent.invoke(QUESTION, {"configurable": {"thread_id": str(number)}})
    assert len(_budgets._runs) == 2


def test_where_langgraph_does_not_tell_of_the_run(gateway, monkeypatch):
    """With an older LangGraph the calls of the agent's own nodes and tools count, each by what the state says."""
    monkeypatch.setattr(_budgets, "_control", lambda _runtime: None)
    calls_tool(gateway, times=9)
    agent = agent_of(gateway, limit=2.5 * COST)
    assert "is spent" in agent.invoke(QUESTION, THREAD)["messages"][-1].text
    assert spent(agent) <= 3 * COST


def test_what_langgraph_tells_of_a_run(gateway):
    """The contract with LangGraph: nodes of one run, and of agents inside it, share a control, and no others do."""
    seen: list[Any] = []

    class Looking(AgentMiddleware):
        def before_model(self, state, runtime):
            seen.append(_budgets.place_of(runtime))

        after_model = before_model

    inner = create_agent(gateway.model(), [], middleware=[Looking()])

    @tool
    def research(topic: str) -> str:
        """Look something up."""
        return inner.invoke({"messages": [("user", topic)]})["messages"][-1].text

    calls_tool(gateway, "research", '{"topic": "x"}')
    gateway.says("Found.")
    gateway.says("Done.")
    agent_of(gateway, Looking(), tools=[research]).invoke(QUESTION, THREAD)
    gateway.says("Done.")
    agent_of(gateway, Looking(), tools=[research]).invoke(QUESTION, THREAD)
    assert len(seen) == 8
    assert len({id(place.control) for place in seen[:6]}) == 1
    assert seen[0].control is not None
    assert seen[6].control is not seen[0].control
    assert [len(place.path) for place in seen] == [0, 0, 1, 1, 0, 0, 0, 0]
    assert {place.thread for place in seen[:2]} == {"1"}


# -- routing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", ["bind", "with_config"])
def test_routing_of_a_bound_model(gateway, bound):
    gateway.says("x")
    model = gateway.model(routing={"optimize": "cost"})
    model = model.bind(temperature=0.3) if bound == "bind" else model.with_config(tags=["a"])
    agent = create_agent(model, middleware=[AurikoRoutingMiddleware({"prefer": "p"})])
    agent.invoke(QUESTION)
    body = gateway.bodies[0]
    assert body["gateway"] == {"routing": {"optimize": "cost", "prefer": "p"}}
    assert body.get("temperature") == (0.3 if bound == "bind" else None)


def test_a_tracker_of_the_model_counts_each_call_once(gateway):
    tracker = SpendTracker()
    gateway.says("x")
    agent = create_agent(gateway.model(spend=tracker), middleware=[AurikoBudgetMiddleware(1)])
    with track_spend() as spend:
        agent.invoke(QUESTION)
    assert tracker.calls == spend.calls == 1
