"""The real `openai` package on the sandbox: a client that does not know us."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from pydantic import BaseModel

MESSAGES = [{"role": "user", "content": "What is the weather in Oslo?"}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Current weather of a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": False,
            },
            "strict": True,
        },
    }
]


@pytest.fixture
def client(sandbox) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=0) as client:
        yield client


def test_plain(client):
    reply = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert reply.choices[0].message.content == "Blue light is scattered more."
    assert reply.usage.total_tokens > 0
    assert reply.model_extra["routing_metadata"]["cost"]["usd"] > 0


def test_stream(client):
    chunks = list(client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Blue light is scattered more."
    assert chunks[-1].usage.completion_tokens > 0
    assert chunks[-1].model_extra["routing_metadata"]["provider"]


def test_stream_helper_collects_tool_calls(client):
    with client.chat.completions.stream(model="gpt-4o", messages=MESSAGES, tools=TOOLS) as stream:
        for _ in stream:
            pass
        message = stream.get_final_completion().choices[0].message
    assert message.tool_calls[0].function.parsed_arguments == {"city": "Oslo", "unit": "celsius"}


def test_tools_there_and_back(client):
    message = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, tools=TOOLS).choices[0].message
    call = message.tool_calls[0]
    reply = client.chat.completions.create(
        model="gpt-4o",
        tools=TOOLS,
        messages=[*MESSAGES, message, {"role": "tool", "tool_call_id": call.id, "content": "3 degrees, rain"}],
    )
    assert reply.choices[0].finish_reason == "stop"


def test_a_schema_is_parsed(client):
    class Colour(BaseModel):
        colour: str

    reply = client.chat.completions.parse(model="gpt-4o", messages=MESSAGES, response_format=Colour)
    assert reply.choices[0].message.parsed == Colour(colour="blue")


def test_gateway_options_go_into_extra_body(client):
    reply = client.chat.completions.create(
        model="gpt-4o", messages=MESSAGES, extra_body={"gateway": {"routing": {"providers": ["openai"]}}}
    )
    assert reply.model_extra["routing_metadata"]["provider"] == "openai"


def test_models(client):
    assert "gpt-4o" in {model.id for model in client.models.list()}
    assert client.models.retrieve("gpt-4o-mini").id == "gpt-4o-mini-2024-07-18"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"model": "nothing"}, openai.NotFoundError),
        ({"messages": []}, openai.BadRequestError),
        ({"temperature": 3}, openai.BadRequestError),
    ],
)
def test_errors_are_of_the_right_class(client, arguments, error):
    with pytest.raises(error) as caught:
        client.chat.completions.create(**{"model": "gpt-4o", "messages": MESSAGES, **arguments})
    assert caught.value.code
    assert caught.value.request_id.startswith("req_")


def test_a_wrong_key_is_an_authentication_error(sandbox):
    with (
        openai.OpenAI(base_url=sandbox.base_url, api_key="ak_sandbox_invalid", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.models.list()
    assert caught.value.code == "invalid_api_key"


@pytest.mark.anyio
async def test_async_stream(sandbox):
    async with openai.AsyncOpenAI(base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=0) as client:
        stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    assert "".join(pieces) == "Blue light is scattered more."


@pytest.mark.anyio
async def test_async_calls(sandbox):
    async with openai.AsyncOpenAI(base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=0) as client:
        chat = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, tools=TOOLS)
        assert chat.choices[0].message.tool_calls[0].function.name == "get_weather"
        reply = await client.responses.create(model="gpt-4o", input="Why is the sky blue?")
        assert reply.output_text == "Blue light is scattered more."
        async with client.responses.stream(model="gpt-4o", input="Why is the sky blue?") as stream:
            kinds = [event.type async for event in stream]
        assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
        assert "gpt-4o" in {model.id async for model in client.models.list()}
