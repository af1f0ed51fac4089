"""Which tools the quoting engine calls, and with which arguments."""

from __future__ import annotations

import itertools
from typing import Any

import jsonschema
import pytest

from auriko.sandbox.engines import QuoteEngine
from support.engine_runs import question_set, run

ENGINE = QuoteEngine()
STRING = {"type": "string"}


def tool(name: str, description: str = "", required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required or list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


WEATHER = tool("get_weather", "Get the weather of a city.", city=STRING)
CLOCK = tool("get_time", "Tell the local time in a city.", city=STRING)
ADD = tool("add", "Add two integers.", a={"type": "integer"}, b={"type": "integer"})
MULTIPLY = tool("multiply", "Multiply two integers.", a={"type": "integer"}, b={"type": "integer"})
DOCS = tool("docs", "Answers questions about the documents.", input=STRING)


SETS = [question_set("literals"), question_set("texts")]
CASES = [
    (case["messages"], case, [(one["name"], one["arguments"]) for one in case["expected"]], SETS[0]["tools"])
    for case in SETS[0]["tool_cases"]
] + [
    ([case["text"]], case, [(case["name"], case["arguments"])] if case["name"] else [], SETS[1]["tools"])
    for case in SETS[1]["tool_cases"]
    if case["arguments"] is not None or case["tool_choice"] is None
]


@pytest.mark.parametrize(("messages", "case", "expected", "tools"), CASES, ids=lambda value: "")
def test_the_tool_that_the_text_names_is_called_with_what_it_says_literally(messages, case, expected, tools) -> None:
    settings = {name: case[name] for name in ("tool_choice", "parallel_tool_calls") if case.get(name) is not None}
    done = run(ENGINE, *messages, tools=tuple(tools[name] for name in case["tools"]), **settings)
    assert done.called == expected
    assert case.get("answer", "") in done.text
    assert done.finish.reason == ("tool_calls" if expected else "stop")


def test_a_tool_that_is_demanded_is_always_called_and_its_arguments_are_valid() -> None:
    texts = ["Hello!", "", *(messages[0]["content"] for messages, *_ in CASES[:10] if isinstance(messages[0], dict))]
    for tools in (each["tools"] for each in SETS):
        for name, text in itertools.product(tools, texts):
            ((called, arguments),) = run(ENGINE, text, tools=tuple(tools.values()), tool_choice={"name": name}).called
            assert called == name
            jsonschema.validate(arguments, tools[name]["function"]["parameters"])
        assert len(run(ENGINE, "Nothing of this.", tools=tuple(tools.values()), tool_choice="required").called) == 1


def test_a_tool_whose_name_stands_in_the_text_is_called_alone() -> None:
    asked = "Call add_numbers with a 2 and b 3."
    longer = tool("add_numbers", a={"type": "integer"}, b={"type": "integer"})
    assert run(ENGINE, asked, tools=(ADD, longer)).called == [("add_numbers", {"a": 2, "b": 3})]


def test_a_question_goes_whole_to_a_tool_that_answers_questions() -> None:
    asked = "Who wrote the manual, says docs?"
    assert run(ENGINE, asked, tools=(DOCS,)).called == [("docs", {"input": asked})]
    assert run(ENGINE, "Thank you very much.", tools=(DOCS,)).called == []


def test_a_tool_without_parameters_is_called_with_an_empty_object() -> None:
    plain = {"type": "function", "function": {"name": "list_open_orders", "description": "List the open orders."}}
    assert run(ENGINE, "Which orders are open?", tools=(plain,)).called == [("list_open_orders", {})]


def loop(text: str, *tools: dict[str, Any], results: dict[str, str], **settings: Any) -> tuple[list[Any], str]:
    """(all calls, the final answer) of an agent that runs the tools it is told to."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": text}]
    calls: list[Any] = []
    for _ in range(6):
        done = run(ENGINE, *messages, tools=tools, **settings)
        if not done.calls:
            return calls, done.text
        wire = [
            {"id": f"c{len(calls) + i}", "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for i, c in enumerate(done.calls)
        ]
        messages.append({"role": "assistant", "content": None, "tool_calls": wire})
        messages += [
            {"role": "tool", "tool_call_id": call["id"], "content": results[call["function"]["name"]]} for call in wire
        ]
        calls += done.called
    raise AssertionError("the loop does not end")


def test_a_loop_ends_with_an_answer_from_the_result() -> None:
    calls, text = loop("What is the weather in Oslo?", WEATHER, CLOCK, results={"get_weather": "It's sunny."})
    assert calls == [("get_weather", {"city": "Oslo"})]
    assert text == "It's sunny."


def test_calls_that_may_not_be_parallel_come_one_after_the_other() -> None:
    results = {"get_weather": "4 degrees", "get_time": "It is noon."}
    asked = "What is the weather in Oslo, and the time in Paris?"
    calls, text = loop(asked, CLOCK, WEATHER, results=results, parallel_tool_calls=False)
    assert calls == [("get_weather", {"city": "Oslo"}), ("get_time", {"city": "Paris"})]
    assert text == "4 degrees\nIt is noon."
    assert loop(asked, CLOCK, WEATHER, results=results) == (calls, text)


def test_a_result_is_passed_on_as_it_is_and_a_long_one_is_searched() -> None:
    _, text = loop("What is the weather in Oslo?", WEATHER, results={"get_weather": '{"degrees": 4, "sky": "grey"}'})
    assert text == '{"degrees": 4, "sky": "grey"}'
    long = "The manual has many pages. " * 20 + "Ana Silva wrote the manual in 2019."
    _, text = loop("docs: Who wrote the manual?", DOCS, results={"docs": long})
    assert "Ana Silva" in text
    assert len(text) < 120


def test_a_structured_answer_tool_is_called_after_the_others_when_some_tool_has_to_be() -> None:
    """What LangChain's ToolStrategy does: the answer's form is a tool of its own, and tool_choice is "required"."""
    report = tool("WeatherReport", "", city=STRING, degrees={"type": "integer"})
    first = run(ENGINE, "What is the weather in Oslo?", tools=(WEATHER, report), tool_choice="required")
    assert first.called == [("get_weather", {"city": "Oslo"})]
    call = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": first.calls[0].arguments}}
    second = run(
        ENGINE,
        "What is the weather in Oslo?",
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "4 degrees in Oslo"},
        tools=(WEATHER, report),
        tool_choice="required",
    )
    assert second.called == [("WeatherReport", {"city": "Oslo", "degrees": 4})]
