"""LiteLLM on the sandbox: a proxy's client that does not know us. `make judges` runs this in an environment of its own.

LiteLLM speaks to any OpenAI-compatible server under the name "openai/<model>".
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else importing it asks the network for prices

import litellm
import pytest

from auriko.sandbox import Sandbox
from auriko.sandbox.engines import QuoteEngine

FACT = "The tower is 324 metres tall."
ASKED = [{"role": "system", "content": FACT}, {"role": "user", "content": "How tall is the tower?"}]
WEATHER = [{"role": "user", "content": "What is the weather in Oslo?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def settings() -> Iterator[dict[str, Any]]:
    with Sandbox(engines=[QuoteEngine()]) as running:
        yield {
            "model": "openai/gpt-4o",
            "api_base": running.base_url,
            "api_key": running.api_key,
            "max_retries": 0,
        }


def test_plain(settings):
    reply = litellm.completion(messages=ASKED, **settings)
    assert reply.choices[0].message.content == FACT
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0


def test_stream(settings):
    chunks = list(litellm.completion(messages=ASKED, stream=True, stream_options={"include_usage": True}, **settings))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == FACT
    assert litellm.stream_chunk_builder(chunks).choices[0].message.content == FACT
    assert any(getattr(chunk, "usage", None) and chunk.usage.total_tokens > 0 for chunk in chunks)


def test_tools_there_and_back(settings):
    message = litellm.completion(messages=WEATHER, tools=[TOOL], **settings).choices[0].message
    call = message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Oslo"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "It is 4 degrees in Oslo."}
    reply = litellm.completion(messages=[*WEATHER, message.model_dump(), result], tools=[TOOL], **settings)
    assert reply.choices[0].message.content == "It is 4 degrees in Oslo."


def test_tools_in_a_stream(settings):
    chunks = list(litellm.completion(messages=WEATHER, tools=[TOOL], stream=True, **settings))
    call = litellm.stream_chunk_builder(chunks).choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "Oslo"}


def test_a_schema_is_followed(settings):
    response_format = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}
    asked = [{"role": "user", "content": "Ana Silva is 34 years old."}]
    reply = litellm.completion(messages=asked, response_format=response_format, **settings)
    assert json.loads(reply.choices[0].message.content) == {"name": "Ana Silva", "age": 34}


def test_routing_goes_in(settings):
    """Through LiteLLM the gateway's own fields go in, in `extra_body`."""
    routing = {"gateway": {"routing": {"providers": ["nobody"]}}}
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(messages=ASKED, extra_body=routing, **settings)


def test_responses(settings):
    reply = litellm.responses(input="How tall is the tower?", instructions=FACT, **settings)
    assert reply.output[0].content[0].text == FACT
    events = list(litellm.responses(input="How tall is the tower?", instructions=FACT, stream=True, **settings))
    assert events[-1].type == "response.completed"
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == FACT


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"model": "openai/nothing"}, litellm.NotFoundError),
        ({"temperature": 3}, litellm.BadRequestError),
        ({"api_key": "ak_sandbox_invalid"}, litellm.AuthenticationError),
    ],
)
def test_errors_are_of_the_right_class(settings, changes, error):
    with pytest.raises(error):
        litellm.completion(messages=ASKED, **{**settings, **changes})


def test_async(settings):
    async def ask() -> str:
        reply = await litellm.acompletion(messages=ASKED, **settings)
        assert reply.choices[0].message.content == FACT
        stream = await litellm.acompletion(messages=ASKED, stream=True, **settings)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert asyncio.run(ask()) == FACT
