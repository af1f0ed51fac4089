"""What a single call may set, what a client with other options shares, and the HTTP reply itself."""

import inspect
import math
from typing import Any

import httpx
import pytest

from auriko import AsyncClient, ChatCompletion, Client, GatewayOptions, RawResponse, RoutingOptions, track_spend
from auriko.errors import APIConnectionError, APIResponseValidationError, APITimeoutError, RateLimitError
from auriko.types import CallOptions
from tests.support.acts import error, hang, ok, reply
from tests.support.clients import serving, serving_async
from tests.support.replies import completion
from tests.support.response_events import response

pytestmark = pytest.mark.usefixtures("quick_retries")
REQUEST: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_headers_of_a_call_go_beside_and_before_those_of_the_client() -> None:
    with serving(ok, default_headers={"X-Team": "a", "X-Kept": "k"}) as (server, client):
        client.chat.completions.create(**REQUEST, extra_headers={"x-team": "b", "X-Own": "o"})
        client.chat.completions.create(**REQUEST)
    first, second = server.requests
    assert [first.header(name) for name in ("X-Team", "X-Kept", "X-Own")] == ["b", "k", "o"]
    assert [second.header(name) for name in ("X-Team", "X-Kept", "X-Own")] == ["a", "k", None]


def test_query_parameters_of_a_call_go_beside_and_before_those_of_the_client() -> None:
    with serving(ok, default_query={"region": "eu", "kept": "1"}) as (server, client):
        client.chat.completions.create(**REQUEST, extra_query={"region": "us & more", "n": 2})
    assert httpx.URL(server.requests[0].target).params == httpx.QueryParams(
        {"region": "us & more", "kept": "1", "n": "2"}
    )


def test_the_extra_body_is_merged_deep_inside_gateway() -> None:
    given: dict[str, Any] = {"routing": {"optimize": "cost", "weights": {"cost": 1}}, "metadata": {"tags": ["a"]}}
    extra: dict[str, Any] = {
        "brand_new": {"x": 1},
        "gateway": {"routing": {"max_ttft_ms": 9, "weights": {"ttft": 2}}, "brand_new": True},
    }
    with serving(ok) as (server, client):
        client.chat.completions.create(**REQUEST, gateway=given, extra_body=extra)  # type: ignore[arg-type]
        client.chat.completions.create(
            **REQUEST, gateway=GatewayOptions(routing=RoutingOptions(optimize="cost")), extra_body=extra
        )
        client.chat.completions.create(**REQUEST, extra_body=extra)
    first, second, third = (request.json for request in server.requests)
    assert first["gateway"] == {
        "routing": {"optimize": "cost", "weights": {"cost": 1, "ttft": 2}, "max_ttft_ms": 9},
        "metadata": {"tags": ["a"]},
        "brand_new": True,
    }
    assert second["gateway"]["routing"] == {"optimize": "cost", "max_ttft_ms": 9, "weights": {"ttft": 2}}
    assert third["gateway"] == extra["gateway"]
    assert first["brand_new"] == {"x": 1}
    assert given == {"routing": {"optimize": "cost", "weights": {"cost": 1}}, "metadata": {"tags": ["a"]}}


def test_the_extra_body_may_name_the_models() -> None:
    with serving(ok) as (server, client):
        client.chat.completions.create(messages=REQUEST["messages"], extra_body={"gateway": {"models": ["a", "b"]}})
        with pytest.raises(ValueError, match="not both"):
            client.chat.completions.create(**REQUEST, extra_body={"gateway": {"models": ["a"]}})
    assert len(server.requests) == 1


def test_a_call_may_have_its_own_timeout() -> None:
    with serving(hang, max_retries=0) as (_, client), pytest.raises(APITimeoutError):
        client.chat.completions.create(**REQUEST, timeout=0.05)


def test_a_call_may_have_its_own_deadline() -> None:
    with serving(hang) as (server, client):
        with pytest.raises(APITimeoutError):
            client.chat.completions.create(**REQUEST, deadline=0.05)
        assert len(server.requests) == 1


def test_a_call_may_have_its_own_number_of_retries() -> None:
    refusal = error(429, "rate_limit_error", "rate_limit_exceeded", retry_after="0.001")
    with serving(refusal) as (server, client):
        with pytest.raises(RateLimitError):
            client.chat.completions.create(**REQUEST, max_retries=0)
        assert len(server.requests) == 1


def test_an_idempotency_key_is_sent_as_a_header_and_only_if_given() -> None:
    with serving(ok) as (server, client):
        client.chat.completions.create(**REQUEST, idempotency_key="abc-1")
        client.chat.completions.create(**REQUEST)
    assert [request.header("Idempotency-Key") for request in server.requests] == ["abc-1", None]
    assert server.requests[0].json == REQUEST


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"timeout": 0}, ValueError),
        ({"timeout": "3"}, TypeError),
        ({"deadline": -1.0}, ValueError),
        ({"deadline": math.nan}, ValueError),
        ({"max_retries": -1}, ValueError),
        ({"max_retries": 1.5}, TypeError),
        ({"idempotency_key": "with space"}, ValueError),
        ({"idempotency_key": "x" * 256}, ValueError),
        ({"extra_headers": {"Authorization": "Bearer other"}}, ValueError),
        ({"extra_headers": {"X-Bad": "a\r\nb"}}, ValueError),
        ({"extra_boddy": {}}, TypeError),
    ],
)
def test_wrong_options_are_refused_before_any_request(options: Any, kind: type[Exception]) -> None:
    with serving(ok) as (server, client):
        with pytest.raises(kind):
            client.chat.completions.create(**REQUEST, **options)
        assert server.requests == []


def test_options_work_alike_on_both_endpoints() -> None:
    """They are fields of both kinds of request, and none of them reaches the body."""
    options: dict[str, Any] = {
        "extra_headers": {"X-Own": "o"},
        "extra_query": {"q": "1"},
        "extra_body": {"x": 1},
        "timeout": 5.0,
        "deadline": 5.0,
        "max_retries": 0,
        "idempotency_key": "k",
        "reserve_usd": 0.01,
    }
    # What a conversation adds to the body is looked at where conversations are.
    assert {*options, "conversation"} == set(CallOptions.__annotations__)
    with serving(ok, reply(200, response())) as (server, client):
        client.chat.completions.create(**REQUEST, **options)
        client.responses.create(model="m", input="hi", **options)
    chat, responses = server.requests
    assert chat.json == {**REQUEST, "x": 1}
    assert responses.json == {"model": "m", "input": "hi", "x": 1}
    for request in server.requests:
        assert request.target.endswith("?q=1")
        assert (request.header("X-Own"), request.header("Idempotency-Key")) == ("o", "k")


def test_a_client_with_options_shares_the_connections() -> None:
    with serving(ok, default_headers={"X-Team": "a"}, default_query={"q": "1"}) as (server, client):
        other = client.with_options(
            api_key="ak_other", timeout=3, max_retries=7, default_headers={"X-More": "m"}, default_query={"r": "2"}
        )
        client.chat.completions.create(**REQUEST)
        other.chat.completions.create(**REQUEST)
        assert server.accepted == 1
    assert (other.timeout, other.max_retries) == (httpx.Timeout(3), 7)
    assert (client.timeout, client.max_retries) == (httpx.Timeout(60), 2)
    first, second = server.requests
    assert first.header("X-More") is None
    assert (second.header("X-Team"), second.header("X-More")) == ("a", "m")
    assert second.target.endswith("?q=1&r=2")
    assert second.header("Authorization") == "Bearer ak_other"


def test_with_options_changes_only_what_it_is_told() -> None:
    client = Client(api_key="ak_x", deadline=9, stream_idle_timeout=4)
    assert client.with_options(api_key=None, deadline=None)._caller.settings.deadline is None
    assert client.with_options()._caller.settings == client._caller.settings


def test_closing_either_closes_both() -> None:
    with serving(ok) as (_, client):
        client.with_options(timeout=3).close()
        with pytest.raises(APIConnectionError, match="closed"):
            client.chat.completions.create(**REQUEST)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"timeout": -1}, ValueError),
        ({"max_retries": -1}, ValueError),
        ({"api_key": "with space"}, ValueError),
        ({"default_headers": {"Host": "x"}}, ValueError),
        ({"base_url": "http://127.0.0.1"}, TypeError),
        ({"timeoutt": 1}, TypeError),
    ],
)
def test_with_options_checks_as_the_client_does(options: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        Client(api_key="ak_x").with_options(**options)


@pytest.mark.anyio
async def test_an_async_client_with_options_shares_the_connections() -> None:
    async with serving_async(ok) as (server, client):
        await client.chat.completions.create(**REQUEST)
        await client.with_options(max_retries=0).chat.completions.create(**REQUEST)
        assert server.accepted == 1


def test_a_users_http_client_is_shared_too() -> None:
    with serving(ok) as (server, client), httpx.Client(headers={"X-Mine": "1"}) as mine:
        own = Client(api_key="ak_x", base_url=client.base_url, http_client=mine)
        own.with_options(max_retries=0).chat.completions.create(**REQUEST)
    assert server.requests[0].header("X-Mine") == "1"


def test_a_raw_response_is_the_http_reply() -> None:
    with serving(reply(201, completion(), x_request_id="req_1", x_custom="c")) as (_, client):
        raw = client.with_raw_response(client.chat.completions.create)(**REQUEST)
    assert isinstance(raw, RawResponse)
    assert (raw.status_code, raw.headers["X-Custom"], raw.request_id) == (201, "c", "req_1")
    assert b'"Paris."' in raw.content
    parsed = raw.parse()
    assert isinstance(parsed, ChatCompletion)
    assert parsed.choices[0].message.content == "Paris."
    assert parsed.request_id == "req_1"
    assert "Paris" not in repr(raw)


def test_a_raw_response_is_there_even_if_it_cannot_be_understood() -> None:
    with serving(reply(200, b"<html>", content_type="text/html")) as (_, client), track_spend() as spend:
        raw = client.with_raw_response(client.chat.completions.create)(**REQUEST)
    assert raw.content == b"<html>"
    with pytest.raises(APIResponseValidationError):
        raw.parse()
    assert spend.unknown_cost_calls == 1


def test_a_raw_call_is_retried_raised_and_counted_like_any_other() -> None:
    busy = error(429, "rate_limit_error", "rate_limit_exceeded", retry_after="0.001")
    with serving(busy, ok, busy, max_retries=1) as (server, client), track_spend() as spend:
        client.with_raw_response(client.chat.completions.create)(**REQUEST)
        assert len(server.requests) == 2
        with pytest.raises(RateLimitError):
            client.with_raw_response(client.chat.completions.create)(**REQUEST)
    assert [record.usd for record in spend.records] == [0.00193, None]


def test_every_resource_has_raw_responses() -> None:
    with serving(reply(200, {"models": {}, "data": [], "providers": [], **response()})) as (_, client):
        assert client.with_raw_response(client.models.list)(endpoint="responses").parse().data == []
        assert client.with_raw_response(client.models.list_directory)().status_code == 200
        assert client.with_raw_response(client.me.get)().status_code == 200
        assert client.with_raw_response(client.responses.create)(model="m", input="x").parse().id == "resp_31"


def test_a_raw_method_shows_the_parameters_of_the_plain_one() -> None:
    client = Client(api_key="ak_x")
    raw = client.with_raw_response(client.chat.completions.create)
    assert inspect.signature(raw) == inspect.signature(client.chat.completions.create)


def test_a_raw_stream_is_refused_since_streams_have_their_headers() -> None:
    client = Client(api_key="ak_x")
    with pytest.raises(ValueError, match="response_headers"):
        client.with_raw_response(client.chat.completions.create)(**REQUEST, stream=True)


@pytest.mark.anyio
async def test_a_raw_stream_is_refused_in_an_event_loop_too() -> None:
    client = AsyncClient(api_key="ak_x")
    with pytest.raises(ValueError, match="response_headers"):
        await client.with_raw_response(client.chat.completions.create)(**REQUEST, stream=True)


@pytest.mark.parametrize("method", [len, Client.close, Client(api_key="ak_y").me.get, Client(api_key="ak_y").close])
def test_only_methods_of_the_same_client_have_raw_responses(method: Any) -> None:
    with pytest.raises(TypeError, match="a method of this very client"):
        Client(api_key="ak_x").with_raw_response(method)


@pytest.mark.anyio
async def test_the_async_client_has_raw_responses() -> None:
    async with serving_async(reply(200, completion())) as (_, client):
        raw = await client.with_raw_response(client.chat.completions.create)(**REQUEST)
        assert raw.status_code == 200
        assert raw.parse().choices[0].message.content == "Paris."
    with pytest.raises(TypeError):
        AsyncClient(api_key="ak_x").with_raw_response(client.me.get)
