"""LlamaIndex's `OpenAILike` on the sandbox: another client that does not know us."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

from auriko.sandbox import Sandbox
from auriko.sandbox.engines import QuoteEngine

pytestmark = [
    # Workflows look at every attribute of an agent, which is a pydantic model, the deprecated ones too.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince211"),
]

FACT = "The tower is 324 metres tall."
ASKED = [ChatMessage(role="system", content=FACT), ChatMessage(role="user", content="How tall is the tower?")]
WEATHER = [ChatMessage(role="user", content="What is the weather in Oslo?")]


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"It is 4 degrees in {city}."


TOOL = FunctionTool.from_defaults(get_weather)


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@pytest.fixture(scope="module")
def gateway() -> Iterator[Sandbox]:
    with Sandbox(engines=[QuoteEngine()]) as running:
        yield running


@pytest.fixture
def make_llm(gateway: Sandbox) -> Iterator[Any]:
    with httpx.Client() as client:

        def make(**settings: Any) -> OpenAILike:
            return OpenAILike(
                **{
                    "model": "gpt-4o",
                    "api_base": gateway.base_url,
                    "api_key": gateway.api_key,
                    "is_chat_model": True,
                    "is_function_calling_model": True,
                    "max_retries": 0,
                    "http_client": client,
                    **settings,
                }
            )

        yield make


@pytest.fixture
async def async_llm(make_llm: Any) -> Any:
    async with httpx.AsyncClient() as client:
        yield make_llm(async_http_client=client)


def test_chat(make_llm):
    reply = make_llm().chat(ASKED)
    assert reply.message.content == FACT
    assert reply.raw.usage.total_tokens > 0
    assert reply.raw.model_extra["routing_metadata"]["cost"]["usd"] > 0


def test_complete(make_llm):
    assert make_llm().complete(f"{FACT}\n\nHow tall is the tower?").text == FACT


def test_stream(make_llm):
    *_, last = make_llm().stream_chat(ASKED)
    assert last.message.content == FACT


def test_tools(make_llm):
    llm = make_llm()
    reply = llm.chat_with_tools([TOOL], chat_history=WEATHER)
    call = llm.get_tool_calls_from_response(reply)[0]
    assert (call.tool_name, call.tool_kwargs) == ("get_weather", {"city": "Oslo"})
    result = ChatMessage(
        role="tool", content=str(TOOL(**call.tool_kwargs)), additional_kwargs={"tool_call_id": call.tool_id}
    )
    after = llm.chat_with_tools([TOOL], chat_history=[*WEATHER, reply.message, result])
    assert after.message.content == "It is 4 degrees in Oslo."


def test_tools_in_a_stream(make_llm):
    llm = make_llm()
    *_, last = llm.stream_chat_with_tools([TOOL], chat_history=WEATHER)
    assert llm.get_tool_calls_from_response(last)[0].tool_kwargs == {"city": "Oslo"}


@pytest.mark.parametrize("by_schema", [True, False], ids=["json_schema", "tool"])
def test_structured_answers(make_llm, by_schema):
    llm = make_llm(should_use_structured_outputs=by_schema)
    assert llm.structured_predict(Person, PromptTemplate("Ana Silva is 34 years old.")) == Person(
        name="Ana Silva", age=34
    )


def test_errors_are_of_the_right_class(make_llm):
    import openai

    with pytest.raises(openai.NotFoundError) as caught:
        make_llm(model="nothing").chat(ASKED)
    assert caught.value.code == "model_not_found"


@pytest.mark.anyio
async def test_async(async_llm):
    assert (await async_llm.achat(ASKED)).message.content == FACT
    pieces = [piece async for piece in await async_llm.astream_chat(ASKED)]
    assert "".join(piece.delta or "" for piece in pieces) == FACT
    reply = await async_llm.achat_with_tools([TOOL], chat_history=WEATHER)
    assert async_llm.get_tool_calls_from_response(reply)[0].tool_kwargs == {"city": "Oslo"}


@pytest.mark.anyio
async def test_an_agent(async_llm):
    agent = FunctionAgent(tools=[TOOL], llm=async_llm)
    assert str(await agent.run("What is the weather in Oslo?")) == "It is 4 degrees in Oslo."
