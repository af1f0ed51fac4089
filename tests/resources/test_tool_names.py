"""Names of tools that the API does not take: they go out as others, and the model's calls have the tools' own."""

from typing import Any

import pytest
from pydantic import BaseModel

from auriko.models import ChatCompletion
from auriko.sandbox import Sandbox, tool_call
from auriko.tools import Tool
from tests.support.acts import ok
from tests.support.both import both_clients, settled
from tests.support.clients import serving

pytestmark = pytest.mark.anyio
QUESTION = [{"role": "user", "content": "How is the weather in Oslo?"}]
ODD = ["weather.lookup", "get weather", "wetter_übersicht", "a" * 70]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Sky(BaseModel):
    sky: str


def offered(name: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}


def chosen(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def call_the_first(prompt: Any) -> Any:
    """Calls the first tool by the name that it has on the wire, until there is a result."""
    if prompt.messages[-1]["role"] == "tool":
        return '{"sky": "grey"}'
    return tool_call(prompt.tools[0]["function"]["name"], city="Oslo")


def names_in(reply: ChatCompletion) -> list[str]:
    return [call.function.name for call in reply.choices[0].message.tool_calls or ()]


@both_clients
@pytest.mark.parametrize("name", ODD)
async def test_a_call_has_the_tools_own_name_in_every_kind_of_reply(kind: Any, name: str) -> None:
    tools = [offered(name), offered("plain")]
    request: dict[str, Any] = {"model": "gpt-4o", "messages": QUESTION, "tools": tools, "tool_choice": chosen(name)}
    with Sandbox(engines=["quote"], answers=call_the_first) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url, max_retries=0)
        create = client.chat.completions.create
        whole = await settled(create(**{**request, "tools": iter(tools)}))
        raw = await settled(client.with_raw_response(create)(**request))
        stream = await settled(create(**request, stream=True))
        streamed = await settled(stream.collect())
        (batched,) = await settled(client.chat.completions.batch([request]))
        message = whole.choices[0].message
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "clouds"}
        answered = {**request, "messages": [*QUESTION, message, result], "response_format": Sky}
        parsed = await settled(client.chat.completions.parse(**answered))
        await settled(client.close())
    assert [names_in(reply) for reply in (whole, raw.parse(), streamed, batched)] == [[name]] * 4
    assert parsed.parsed == Sky(sky="grey")
    assert tools[0] == offered(name)
    bodies = [sent.json for sent in sandbox.requests]
    fitting = bodies[0]["tools"][0]["function"]["name"]
    assert fitting != name
    assert all(body["tools"] == [offered(fitting), offered("plain")] for body in bodies)
    assert all(body["tool_choice"] == chosen(fitting) for body in bodies)
    assert bodies[-1]["messages"][1]["tool_calls"][0]["function"]["name"] == fitting


@both_clients
@pytest.mark.parametrize("name", ODD)
async def test_a_run_finds_the_tool_that_the_model_calls(kind: Any, name: str) -> None:
    tool = Tool(name, "", {"type": "object", "properties": {"city": {"type": "string"}}}, lambda given: given["city"])
    with Sandbox(engines=["quote"], answers=call_the_first) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url, max_retries=0)
        result = await settled(client.chat.completions.run_tools(model="gpt-4o", messages=QUESTION, tools=[tool]))
        await settled(client.close())
    assert [(call.name, call.result, call.error) for call in result.steps[0].calls] == [(name, "Oslo", None)]


@pytest.mark.parametrize("names", [("files.read", "files_read"), ("files_read", "files.read"), ("é", "ü")])
def test_two_tools_that_would_have_one_name_are_refused(names: tuple[str, str]) -> None:
    with serving(ok) as (server, client), pytest.raises(ValueError, match=f"{names[0]!r} and {names[1]!r} would both"):
        client.chat.completions.create(model="m", messages=QUESTION, tools=[offered(name) for name in names])
    assert not server.requests


def test_a_choice_among_several_tools_names_them_as_they_go_out() -> None:
    among = {"mode": "required", "tools": [chosen("a.b"), chosen("plain")]}
    with serving(ok) as (server, client):
        client.chat.completions.create(
            model="m",
            messages=QUESTION,
            tools=[offered("a.b"), offered("plain")],
            tool_choice={"type": "allowed_tools", "allowed_tools": among},
        )
    sent = server.requests[0].json["tool_choice"]["allowed_tools"]
    assert sent == {"mode": "required", "tools": [chosen("a_b"), chosen("plain")]}


@pytest.mark.parametrize(
    "tools", ["text", {"type": "function"}, 7, [7], [{"type": "web_search"}], [offered(None)], [{"function": "a.b"}]]
)
def test_what_is_no_list_of_functions_is_for_the_gateway_to_judge(tools: Any) -> None:
    with serving(ok) as (server, client):
        client.chat.completions.create(model="m", messages=QUESTION, tools=tools)
    assert server.requests[0].json["tools"] == tools
