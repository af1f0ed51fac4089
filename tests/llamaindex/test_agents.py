"""Agents on the sandbox: their tools, their answers, and what a run cost."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.agent.workflow import (
    AgentOutput,
    AgentStream,
    AgentWorkflow,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from auriko import track_spend
from auriko.errors import BadRequestError, BudgetExceededError
from auriko.sandbox import Sandbox
from auriko_llamaindex import Auriko, AurikoCostHandler

pytestmark = [
    pytest.mark.anyio,
    # Workflows look at every attribute of an agent, which is a pydantic model, the deprecated ones too.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince211"),
    # The ReAct agent asks in a way that workflows have deprecated.
    pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning"),
]


def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It is 7 degrees and raining in {city}."


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


WEATHER, MULTIPLY = FunctionTool.from_defaults(get_weather), FunctionTool.from_defaults(multiply)
QUESTION = "What is the weather in Oslo?"


async def _run(agent, question: str = QUESTION, **kwargs):
    """The agent's output and the events of its run."""
    handler = agent.run(user_msg=question, **kwargs)
    events = [event async for event in handler.stream_events()]
    return await handler, events


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_function_agent_calls_its_tool_and_answers(llm, streaming):
    agent = FunctionAgent(tools=[WEATHER], llm=llm, streaming=streaming)
    with AurikoCostHandler(), track_spend() as spend:
        output, events = await _run(agent)
    assert "7 degrees" in str(output)
    (called,) = [event for event in events if isinstance(event, ToolCallResult)]
    assert called.tool_kwargs == {"city": "Oslo"}
    steps = [event for event in events if isinstance(event, AgentOutput)]
    costs = [step.raw["routing_metadata"]["cost"]["usd"] for step in steps]
    assert len(costs) == spend.calls == 2
    assert sum(costs) == pytest.approx(spend.usd)
    told = output["auriko"]
    assert (told["calls"], told["usd"]) == (2, pytest.approx(spend.usd))
    assert told["unknown_cost_calls"] == 0


async def test_the_stream_of_an_agent_ends_each_step_with_its_cost(llm):
    _output, events = await _run(FunctionAgent(tools=[WEATHER], llm=llm))
    streamed = [event for event in events if isinstance(event, AgentStream)]
    costs = [event.raw["routing_metadata"]["cost"]["usd"] for event in streamed if "routing_metadata" in event.raw]
    assert len(costs) >= 2
    assert "".join(event.delta for event in streamed)


async def test_agents_at_once_are_counted_apart(llm):
    agent = FunctionAgent(tools=[WEATHER, MULTIPLY], llm=llm)

    async def ask(question: str):
        output, _events = await _run(agent, question)
        return output

    with AurikoCostHandler(), track_spend() as spend:
        outputs = await asyncio.gather(*(ask(f"What is the weather in {city}?") for city in ("Oslo", "Bergen", "Kiel")))
    assert [output["auriko"]["calls"] for output in outputs] == [2, 2, 2]
    assert sum(output["auriko"]["usd"] for output in outputs) == pytest.approx(spend.usd)
    for output, city in zip(outputs, ("Oslo", "Bergen", "Kiel"), strict=True):
        assert city in str(output)


async def test_an_agent_remembers_what_was_said_and_called(llm):
    memory = ChatMemoryBuffer.from_defaults(token_limit=4000)
    agent = FunctionAgent(tools=[WEATHER], llm=llm)
    await _run(agent, memory=memory)
    output, _events = await _run(agent, "What is the weather in Bergen?", memory=memory)
    assert "Bergen" in str(output)
    assert [message.role.value for message in memory.get_all()] == ["user", "assistant", "tool", "assistant"] * 2


async def test_two_agents_hand_over(llm):
    weather = FunctionAgent(name="Meteo", description="Tells the weather.", tools=[WEATHER], llm=llm)
    numbers = FunctionAgent(
        name="numbers",
        description="Multiplies numbers.",
        tools=[MULTIPLY],
        llm=llm,
        can_handoff_to=["Meteo"],
    )
    workflow = AgentWorkflow(agents=[weather, numbers], root_agent="numbers")
    with AurikoCostHandler(), track_spend() as spend:
        output, events = await _run(workflow, "A handoff to Meteo, please: the weather in Oslo.")
    called = [event.tool_name for event in events if isinstance(event, ToolCallResult)]
    assert called == ["handoff", "get_weather"]
    assert "7 degrees" in str(output)
    assert output.current_agent_name == "Meteo"
    assert output["auriko"]["calls"] == spend.calls
    assert output["auriko"]["usd"] == pytest.approx(spend.usd)


async def test_a_react_agent_reasons_in_text():
    answers = [
        'Thought: I need a tool.\nAction: get_weather\nAction Input: {"city": "Oslo"}',
        "Thought: I can answer without using any more tools.\nAnswer: It is 7 degrees.",
    ]
    with Sandbox(answers=answers) as sandbox, AurikoCostHandler(), track_spend() as spend:
        llm = Auriko(model="gpt-4o", base_url=sandbox.base_url, api_key=sandbox.api_key)
        output, events = await _run(ReActAgent(tools=[WEATHER], llm=llm))
    assert [event.tool_kwargs for event in events if isinstance(event, ToolCallResult)] == [{"city": "Oslo"}]
    assert "7 degrees" in str(output)
    assert output["auriko"]["calls"] == spend.calls == 2


async def test_an_agent_may_answer_with_an_object(llm):
    class Weather(BaseModel):
        city: str
        degrees: int

    agent = FunctionAgent(tools=[WEATHER], llm=llm, output_cls=Weather)
    with AurikoCostHandler():
        output, _events = await _run(agent)
    assert output.get_pydantic_model(Weather) == Weather(city="Oslo", degrees=7)
    assert output["auriko"]["calls"] == 3


async def test_a_spend_limit_stops_an_agent(llm):
    agent = FunctionAgent(tools=[WEATHER], llm=llm)
    with track_spend(limit_usd=1e-9) as spend, pytest.raises(BudgetExceededError):
        await agent.run(user_msg=QUESTION)
    assert spend.calls == 1


async def test_a_run_that_fails_does_not_count_the_next(llm):
    agent = FunctionAgent(tools=[WEATHER], llm=llm)
    with AurikoCostHandler() as costs:
        with track_spend(limit_usd=0), pytest.raises(BudgetExceededError):
            await agent.run(user_msg=QUESTION)
        assert costs.open_spans == {}
        assert (await agent.run(user_msg=QUESTION))["auriko"]["calls"] == 2


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize(
    ("model", "effort", "provider"),
    [
        ("gemini-2.5-flash", None, "google_ai_studio"),
        ("claude-sonnet-4-6", "low", "anthropic"),
        ("deepseek-reasoner", None, "deepseek"),
    ],
)
async def test_what_a_provider_signs_goes_back_to_it(sandbox, streaming, model, effort, provider):
    """The sandbox refuses a history whose signatures were lost, as the providers do."""
    llm = Auriko(
        model=model,
        reasoning_effort=effort,
        routing={"providers": [provider]},
        base_url=sandbox.base_url,
        api_key=sandbox.api_key,
    )
    memory = ChatMemoryBuffer.from_defaults(token_limit=4000)
    agent = FunctionAgent(tools=[WEATHER], llm=llm, streaming=streaming)
    output, events = await _run(agent, memory=memory)
    assert "7 degrees" in str(output)
    output, _events = await _run(agent, "What is the weather in Bergen?", memory=memory)
    assert "Bergen" in str(output)
    thoughts = [event.thinking_delta for event in events if isinstance(event, AgentStream) and event.thinking_delta]
    assert bool(thoughts) == (streaming and model != "gemini-2.5-flash")


async def test_a_signature_is_what_lets_the_history_through(sandbox):
    llm = Auriko(
        model="gemini-2.5-flash",
        routing={"providers": ["google_ai_studio"]},
        base_url=sandbox.base_url,
        api_key=sandbox.api_key,
    )
    asked = ChatMessage(role="user", content=QUESTION)
    called = (await llm.achat_with_tools([WEATHER], user_msg=asked)).message
    (call,) = called.additional_kwargs["tool_calls"]
    result = ChatMessage(role="tool", content=get_weather("Oslo"), additional_kwargs={"tool_call_id": call["id"]})
    assert "7 degrees" in str(await llm.achat([asked, called, result]))
    unsigned = called.model_copy(update={"additional_kwargs": {}})
    with pytest.raises(BadRequestError, match="provider_signature"):
        await llm.achat([asked, unsigned, result])
