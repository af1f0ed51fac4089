"""Streams that another model goes on with where they are cut."""

from typing import Any

import pytest

from auriko import APIStatusError, AurikoAPIError, Client, GatewayOptions, StreamInterruptedError, track_spend
from tests.support.acts import error, stream
from tests.support.both import both_clients, items, settled
from tests.support.clients import serving
from tests.support.replies import chunk, envelope, events, whole_stream

pytestmark = pytest.mark.anyio
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "Which city?"}], "continue_on": ["b", "c"]}
THOUGHT = chunk(choices=[{"index": 0, "delta": {"reasoning_content": "Hm"}}])
CUT = stream(events(chunk("It is "), chunk("Pa ")), end="close")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def joined(kind: Any, server: Any, **arguments: Any) -> tuple[Any, list[Any]]:
    """A stream, and its chunks."""
    client = kind(api_key="ak_x", base_url=server.url, max_retries=0)
    try:
        opened = await settled(client.chat.completions.create(**{"model": "a", **ASK, "stream": True, **arguments}))
        return opened, await items(opened)
    finally:
        await settled(client.close())


@both_clients
@pytest.mark.parametrize("asked", [{}, {"model": None, "models": ["a", "x"]}, {"deadline": 60}])
async def test_another_model_goes_on_where_the_stream_was_cut(kind: Any, asked: dict[str, Any]) -> None:
    with serving(CUT, stream(whole_stream(["ris", "."]))) as (server, _), track_spend() as spend:
        opened, chunks = await joined(kind, server, routing={"optimize": "ttft"}, **asked)
    text = "".join(choice.delta.content or "" for each in chunks for choice in each.choices)
    assert text == "It is Pa ris."
    seams = [each.continued_from for each in chunks]
    assert seams == [None, None, "claude-sonnet-4-6", *[None] * (len(chunks) - 3)]
    first, second = (request.json for request in server.requests)
    assert "continue_on" not in first
    assert second["model"] == "b"
    assert second["gateway"] == {"routing": {"optimize": "ttft"}}
    assert second["messages"] == [*ASK["messages"], {"role": "assistant", "content": "It is Pa"}]
    assert opened.usage.total_tokens
    assert opened.routing_metadata.cost.usd
    assert [record.status for record in spend.records] == ["error", "ok"]


@both_clients
async def test_models_that_cannot_go_on_are_passed_over(kind: Any) -> None:
    with serving(CUT, error(503), stream(whole_stream(["ris", "."]))) as (server, _):
        _, chunks = await joined(kind, server, gateway=GatewayOptions(models=["a", "x"]), model=None)
    assert [request.json.get("model") for request in server.requests] == [None, "b", "c"]
    assert [each.continued_from for each in chunks].count("claude-sonnet-4-6") == 1


@both_clients
@pytest.mark.parametrize(
    ("acts", "arguments", "requests"),
    [
        ([CUT, error(503)], {}, 3),
        ([CUT, CUT, CUT], {}, 3),
        ([CUT], {"tools": [{"type": "function", "function": {"name": "f"}}]}, 1),
        ([CUT], {"response_format": {"type": "json_object"}}, 1),
        ([CUT], {"n": 2}, 1),
        (
            [stream(events(chunk("Pa", choices=[{"index": 0, "delta": {"reasoning_content": "Hm"}}])), end="close")],
            {},
            1,
        ),
        ([stream(events(chunk(" ")), end="close")], {}, 1),
        ([stream(events(chunk("Pa"), envelope("invalid_request_error", "invalid_request")))], {}, 1),
        ([stream(events(chunk("Pa")), 0.3, end="close")], {"deadline": 0.2}, 1),
    ],
)
async def test_where_nobody_can_go_on_the_error_is_as_it_was(
    kind: Any, acts: list[Any], arguments: dict[str, Any], requests: int
) -> None:
    with serving(*acts) as (server, _):
        with pytest.raises(AurikoAPIError) as raised:
            await joined(kind, server, **arguments)
        assert len(server.requests) == requests
    assert isinstance(raised.value, (StreamInterruptedError, APIStatusError)) or "deadline" in arguments


@both_clients
async def test_a_stream_that_is_not_cut_is_itself(kind: Any) -> None:
    with serving(stream(whole_stream())) as (server, _):
        for arguments in ({}, {"continue_on": None}):
            opened, chunks = await joined(kind, server, **arguments)
            assert all(each.continued_from is None for each in chunks)
            assert opened.usage is not None
    with serving(CUT, stream(whole_stream(["ris", "."]))) as (server, _):
        client = kind(api_key="ak_x", base_url=server.url)
        opened = await settled(client.chat.completions.create(model="a", stream=True, **ASK))
        whole = await settled(opened.collect())
        assert whole.choices[0].message.content == "It is Pa ris."
        await settled(client.close())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stream": False}, "continue_on is for streams"),
        ({"continue_on": "b"}, "continue_on is a list of models"),
        ({"continue_on": []}, "continue_on is a list of models"),
        ({"messages": "Hello!"}, "messages is a list"),
    ],
)
def test_what_cannot_be_gone_on_with_is_refused(arguments: dict[str, Any], message: str) -> None:
    client = Client(api_key="ak_x", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(ValueError, match=message):
        client.chat.completions.create(**{"model": "a", **ASK, "stream": True, **arguments})
