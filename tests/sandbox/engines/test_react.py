"""LlamaIndex's ReAct form: the engine writes what its parser reads, until there is an answer."""

from __future__ import annotations

from typing import Any

from llama_index.core.agent.react.formatter import ReActChatFormatter
from llama_index.core.agent.react.output_parser import ReActOutputParser
from llama_index.core.agent.react.types import BaseReasoningStep, ObservationReasoningStep
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.tools import FunctionTool

from auriko.sandbox.engines import QuoteEngine
from support.engine_runs import run


def get_weather(city: str, days: int = 1) -> str:
    """Get the weather of a city."""
    return f"{days} sunny days in {city}"


def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


TOOLS = [FunctionTool.from_defaults(get_weather), FunctionTool.from_defaults(add)]


def agent(text: str) -> tuple[list[str], str]:
    """(names of the tools that ran, the answer) of LlamaIndex's own loop, step by step."""
    steps: list[BaseReasoningStep] = []
    ran: list[str] = []
    for _ in range(6):
        chat = ReActChatFormatter().format(TOOLS, [ChatMessage(content=text)], steps)
        wire = [{"role": message.role.value, "content": message.content} for message in chat]
        step: Any = ReActOutputParser().parse(run(QuoteEngine(), *wire).text)
        if step.is_done:
            return ran, step.response
        tool = next(tool for tool in TOOLS if tool.metadata.name == step.action)
        ran.append(step.action)
        steps += [step, ObservationReasoningStep(observation=str(tool(**step.action_input)))]
    raise AssertionError("the loop does not end")


def test_a_tool_is_called_and_its_result_told() -> None:
    assert agent("What is the weather in Oslo?") == (["get_weather"], "1 sunny days in Oslo")
    assert agent("Please add 17 and 4.") == (["add"], "21")


def test_two_things_are_asked_one_after_the_other() -> None:
    ran, answer = agent("What is the weather in Oslo? Then add 2 and 3.")
    assert ran == ["get_weather", "add"]
    assert "1 sunny days in Oslo" in answer
    assert "5" in answer


def test_without_a_fitting_tool_the_answer_comes_at_once() -> None:
    ran, answer = agent("Good morning!")
    assert ran == []
    assert "quoting engine" in answer
