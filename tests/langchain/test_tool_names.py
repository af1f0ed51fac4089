"""Tools whose names the API does not take: LangChain finds them by their own in the model's calls."""

from typing import Any, Generic, TypeVar

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.output_parsers.openai_tools import PydanticToolsParser
from langchain_core.tools import StructuredTool
from pydantic import BaseModel, ConfigDict

from auriko.sandbox import Sandbox, tool_call
from auriko_langchain import ChatAuriko
from tests.support.langchain_ways import call

pytestmark = pytest.mark.anyio
T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    """A box."""

    city: T


class Titled(BaseModel):
    """A titled answer."""

    model_config = ConfigDict(title="My nice answer")
    city: str


def weather(city: str) -> str:
    """The weather of a city."""
    return f"rain in {city}"


def call_the_first(prompt: Any) -> Any:
    if prompt.messages[-1]["role"] == "tool":
        return "Done."
    return tool_call(prompt.tools[0]["function"]["name"], city="Oslo")


@pytest.fixture
def model():
    with Sandbox(engines=["quote"], answers=call_the_first) as sandbox:
        yield ChatAuriko(model="gpt-4o", base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=0)


@pytest.mark.parametrize("name", ["weather.lookup", "get weather", "wetter_übersicht", "a" * 70])
async def test_an_agent_runs_a_tool_of_any_name(model, name):
    state = create_agent(model, [StructuredTool.from_function(weather, name=name)]).invoke(
        {"messages": [HumanMessage("x")]}
    )
    results = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert [result.content for result in results] == ["rain in Oslo"]


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("choice", ["weather.lookup", "weather_lookup"])
async def test_calls_have_the_tools_own_name(model, way, choice):
    tool = StructuredTool.from_function(weather, name="weather.lookup")
    answer = await call(model.bind_tools([tool], tool_choice=choice), way, "x")
    assert [called["name"] for called in answer.tool_calls] == ["weather.lookup"]
    answer = await call(model.bind(tools=[tool]), way, "x")
    assert [called["name"] for called in answer.tool_calls] == ["weather.lookup"]


@pytest.mark.parametrize("schema", [Box[str], Titled])
def test_answers_are_read_by_the_classes_own_name(model, schema):
    expected = schema(city="Oslo")
    structured = model.with_structured_output(schema, method="function_calling")
    assert structured.invoke("x") == expected
    assert list(structured.stream("x"))[-1] == expected
    assert (model.bind_tools([schema]) | PydanticToolsParser(tools=[schema])).invoke("x") == [expected]
    agent = create_agent(model, [], response_format=ToolStrategy(schema))
    assert agent.invoke({"messages": [HumanMessage("x")]})["structured_response"] == expected


@pytest.mark.parametrize("schema", [Box[str], Titled])
def test_the_form_of_an_answer_has_a_fitting_name(gateway, schema):
    gateway.says('{"city": "Oslo"}')
    assert gateway.model().with_structured_output(schema).invoke("x") == schema(city="Oslo")
    assert gateway.bodies[0]["response_format"]["json_schema"]["name"] in {"Box_str_", "My_nice_answer"}


def test_a_result_that_is_no_text_does_not_end_an_agent(model):
    def first_file(city: str) -> str:
        """The first file."""
        return b"caf\xe9.txt".decode("utf-8", "surrogateescape") + city

    state = create_agent(model, [first_file]).invoke({"messages": [HumanMessage("x")]})
    assert state["messages"][-1].text == "Done."
