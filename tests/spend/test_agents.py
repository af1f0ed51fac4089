"""Ten agents at once in one process: the sums of none have anything of the others', however they run."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from llama_index.core.agent.workflow import AgentOutput, FunctionAgent
from llama_index.core.tools import FunctionTool

from auriko import SpendTracker, track_spend
from auriko.sandbox import Sandbox
from auriko.spend import SpendLedger
from auriko_langchain import ChatAuriko, get_auriko_cost_callback
from auriko_langchain.middleware import AurikoBudgetMiddleware
from auriko_llamaindex import Auriko, AurikoCostHandler

pytestmark = [
    # Workflows look at every attribute of an agent, which is a pydantic model, the deprecated ones too.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince211"),
]
AGENTS = range(10)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Sandbox]:
    with Sandbox(engines=["quote", "quote-slow"]) as running:
        yield running


@pytest.fixture(autouse=True)
def ledger(gateway: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SpendLedger:
    monkeypatch.setenv("AURIKO_BASE_URL", gateway.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", gateway.api_key)
    monkeypatch.setenv("AURIKO_LEDGER", str(tmp_path / "ledger.db"))
    return SpendLedger(tmp_path / "ledger.db")


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"It is sunny in {city}."


def question(number: int) -> str:
    """Questions of different lengths, so that no two agents cost the same."""
    return "What is the weather in Oslo? " + "I have to know before I travel there. " * 3 * number


def check(found: list[tuple[float, int, SpendTracker]], outer: SpendTracker, ledger: SpendLedger) -> None:
    """Every tracker has just what its agent's own messages say, and all together what is outside and on disk."""
    assert len({round(told, 12) for told, _, _ in found}) == len(AGENTS), "each agent's cost is its own"
    for number, (told, calls, spend) in enumerate(found):
        assert (spend.calls, spend.unknown_cost_calls) == (calls, 0)
        assert spend.usd == pytest.approx(told)
        assert {record.tags for record in spend.records} == {(f"agent {number}",)}
    everything = sum(told for told, _, _ in found)
    assert (outer.usd, ledger.total.usd) == pytest.approx((everything, everything))
    by_tag = ledger.by_tag()
    assert {name: by_tag[name].usd for name in by_tag} == pytest.approx(
        {f"agent {number}": told for number, (told, _, _) in enumerate(found)}
    )


# -- LangGraph -----------------------------------------------------------------------------------------------------


def told_by(state: dict[str, Any]) -> tuple[float, int]:
    """What the messages of an agent's run say of their cost, and how many there are."""
    answers = [message for message in state["messages"] if isinstance(message, AIMessage)]
    return sum(message.response_metadata["cost"] for message in answers), len(answers)


def graph(middleware: Any = (), **settings: Any) -> Any:
    return create_agent(ChatAuriko(model="gpt-4o", **settings), [tool(get_weather)], middleware=middleware)


def asked(number: int) -> dict[str, Any]:
    return {"messages": [("user", question(number))]}


def test_langgraph_agents_in_threads(ledger: SpendLedger) -> None:
    agent = graph()

    def run(number: int) -> tuple[float, int, SpendTracker]:
        with outer.active(), track_spend(tags=[f"agent {number}"]) as spend, get_auriko_cost_callback() as costs:
            told = told_by(agent.invoke(asked(number)))
        assert costs.usd == pytest.approx(spend.usd)
        return (*told, spend)

    outer = SpendTracker()
    with ThreadPoolExecutor(len(AGENTS)) as threads:
        check(list(threads.map(run, AGENTS)), outer, ledger)


def test_langgraph_agents_on_an_event_loop(ledger: SpendLedger) -> None:
    agent = graph()

    async def run(number: int) -> tuple[float, int, SpendTracker]:
        async with track_spend(tags=[f"agent {number}"]) as spend:
            return (*told_by(await agent.ainvoke(asked(number))), spend)

    async def main() -> None:
        with track_spend() as outer:
            check(list(await asyncio.gather(*map(run, AGENTS))), outer, ledger)

    asyncio.run(main())


def test_langgraph_agents_with_trackers_of_their_models(ledger: SpendLedger) -> None:
    """Where there is no context: each model has its tracker, and the threads know nothing."""
    trackers = [SpendTracker(tags=[f"agent {number}"]) for number in AGENTS]
    agents = [graph(spend=tracker) for tracker in trackers]
    with ThreadPoolExecutor(len(AGENTS)) as threads:
        states = list(threads.map(lambda number: agents[number].invoke(asked(number)), AGENTS))
    outer = SpendTracker()
    for tracker in trackers:
        for record in tracker.records:
            outer.add(record)
    check([(*told_by(state), trackers[number]) for number, state in enumerate(states)], outer, ledger)


def test_budgets_of_langgraph_agents_are_apart(ledger: SpendLedger) -> None:
    """Every other run may spend nothing beyond its first call; its neighbours are not stopped by that."""
    agents = [graph([AurikoBudgetMiddleware(limit_usd=limit)]) for limit in (1e-6, 1)]
    with ThreadPoolExecutor(len(AGENTS)) as threads:
        states = list(threads.map(lambda number: agents[number % 2].invoke(asked(number)), AGENTS))
    stopped = ["The budget of $0.000001" in state["messages"][-1].text for state in states]
    assert stopped == [True, False] * 5
    assert ledger.total.calls == 5 + 5 * 2


# -- LlamaIndex ----------------------------------------------------------------------------------------------------


async def run_workflow(number: int) -> tuple[float, int, SpendTracker]:
    agent = FunctionAgent(tools=[FunctionTool.from_defaults(get_weather)], llm=Auriko(model="gpt-4o"))
    with track_spend(tags=[f"agent {number}"]) as spend:
        handler = agent.run(user_msg=question(number))
        events = [event async for event in handler.stream_events()]
        output = await handler
    steps = [event.raw["routing_metadata"]["cost"]["usd"] for event in events if isinstance(event, AgentOutput)]
    assert output["auriko"]["usd"] == pytest.approx(sum(steps))
    return sum(steps), len(steps), spend


def test_llamaindex_agents_on_an_event_loop(ledger: SpendLedger) -> None:
    async def main() -> None:
        with AurikoCostHandler(), track_spend() as outer:
            check(list(await asyncio.gather(*map(run_workflow, AGENTS))), outer, ledger)

    asyncio.run(main())


def test_llamaindex_agents_in_threads(ledger: SpendLedger) -> None:
    outer = SpendTracker()

    def run(number: int) -> tuple[float, int, SpendTracker]:
        with outer.active():
            return asyncio.run(run_workflow(number))

    with AurikoCostHandler(), ThreadPoolExecutor(len(AGENTS)) as threads:
        check(list(threads.map(run, AGENTS)), outer, ledger)


def test_a_llamaindex_model_has_a_tracker_of_its_own(ledger: SpendLedger) -> None:
    trackers = [SpendTracker(), SpendTracker()]
    for tracker in trackers:
        Auriko(model="gpt-4o", spend=tracker).complete("Hello!")
    assert [tracker.calls for tracker in trackers] == [1, 1]
    assert ledger.total.calls == 2
