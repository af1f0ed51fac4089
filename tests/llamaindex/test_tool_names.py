"""Tools whose names the API does not take: agents find them by their own in the model's calls."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.tools import FunctionTool

from auriko.sandbox import Sandbox, tool_call
from auriko_llamaindex import Auriko

pytestmark = [
    pytest.mark.anyio,
    # Workflows look at every attribute of an agent, which is a pydantic model, the deprecated ones too.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince211"),
]


def call_the_first(prompt: Any) -> Any:
    if prompt.messages[-1]["role"] == "tool":
        return "Done."
    return tool_call(prompt.tools[0]["function"]["name"], city="Oslo")


@pytest.fixture
def llm():
    with Sandbox(engines=["quote"], answers=call_the_first) as sandbox:
        yield Auriko(model="gpt-4o", base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=0)


def weather(city: str) -> str:
    """The weather of a city."""
    return f"rain in {city}"


@pytest.fixture(params=["weather.lookup", "get weather", "wetter_übersicht", "a" * 70])
def tool(request):
    return FunctionTool.from_defaults(weather, name=request.param)


@pytest.mark.parametrize("streaming", [True, False])
async def test_an_agent_runs_a_tool_of_any_name(llm, tool, streaming):
    handler = FunctionAgent(tools=[tool], llm=llm, streaming=streaming).run(user_msg="x")
    results = [event async for event in handler.stream_events() if isinstance(event, ToolCallResult)]
    assert str(await handler) == "Done."
    assert [(result.tool_name, str(result.tool_output)) for result in results] == [(tool.metadata.name, "rain in Oslo")]


def test_predict_and_call_finds_the_tool(llm, tool):
    assert str(llm.predict_and_call([tool], user_msg="x")) == "rain in Oslo"


def test_a_tool_can_be_chosen_by_its_own_name(llm, tool):
    response = llm.chat_with_tools([tool], user_msg="x", tool_choice=tool.metadata.name)
    assert [call.tool_name for call in llm.get_tool_calls_from_response(response)] == [tool.metadata.name]


async def test_a_result_that_is_no_text_does_not_end_an_agent(llm):
    def first_file(city: str) -> str:
        """The first file."""
        return b"caf\xe9.txt".decode("utf-8", "surrogateescape") + city

    agent = FunctionAgent(tools=[FunctionTool.from_defaults(first_file)], llm=llm)
    assert str(await agent.run(user_msg="x")) == "Done."
