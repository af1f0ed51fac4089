"""A client of the user's own: transports, hooks, headers, proxies; what we ask of it and what we leave alone."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest

from auriko import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AsyncClient,
    BadRequestError,
    Client,
)
from auriko._rules.exchange import Clock
from tests.support.replies import chunk, completion, envelope, events, whole_stream

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
SSE = {"content-type": "text/event-stream"}
pytestmark = pytest.mark.anyio


class Gateway:
    """Answers as told, and keeps the requests."""

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        if reply is None:
            if json.loads(request.content).get("stream"):
                return httpx.Response(200, content=whole_stream(), headers=SSE)
            return httpx.Response(200, json=completion())
        return reply

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)


def client_of(gateway: Gateway, own: httpx.Client | None = None, **settings: Any) -> Client:
    client = Client(api_key="k", http_client=own or httpx.Client(transport=gateway.transport), **settings)
    client._caller.clock = Clock(chance=lambda: 0.0)
    return client


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auriko._rules.retry.FIRST_DELAY", 0.0)


@pytest.mark.parametrize("streamed", [False, True])
def test_calls_go_through_it(streamed: bool) -> None:
    gateway = Gateway(None)
    reply = client_of(gateway).chat.completions.create(**ASK, stream=streamed)
    text = "".join(reply.text_deltas()) if streamed else reply.choices[0].message.content
    assert text == "Paris."
    (request,) = gateway.requests
    assert request.headers["authorization"] == "Bearer k"
    assert request.headers["user-agent"].startswith("auriko-python/")
    assert request.headers["accept"] == ("text/event-stream" if streamed else "application/json")
    assert request.headers.get_list("user-agent", split_commas=False) == [request.headers["user-agent"]]


@pytest.mark.parametrize("streamed", [False, True])
async def test_calls_go_through_an_async_one(streamed: bool) -> None:
    gateway = Gateway(httpx.Response(503), None)
    async with httpx.AsyncClient(transport=gateway.transport) as own:
        client = AsyncClient(api_key="k", http_client=own)
        reply = await client.chat.completions.create(**ASK, stream=streamed)
        text = "".join([t async for t in reply.text_deltas()]) if streamed else reply.choices[0].message.content
        assert text == "Paris."
        assert len(gateway.requests) == 2
        await client.close()
        assert not own.is_closed, "who made it closes it"


def test_its_own_settings_hold_but_for_ours() -> None:
    gateway = Gateway(None)
    own = httpx.Client(
        transport=gateway.transport,
        headers={"X-Own": "1", "User-Agent": "own", "Accept": "own"},
        params={"own": "1"},
        cookies={"c": "1"},
        auth=("somebody", "hunter2"),
        follow_redirects=True,
        base_url="https://other.example/",
    )
    client = client_of(
        gateway, own, base_url="https://h/v1", default_headers={"X-Ours": "2"}, default_query={"ours": "2"}
    )
    client.chat.completions.create(**ASK)
    (request,) = gateway.requests
    assert str(request.url) == "https://h/v1/chat/completions?own=1&ours=2"
    assert (request.headers["x-own"], request.headers["x-ours"], request.headers["cookie"]) == ("1", "2", "c=1")
    assert request.headers["authorization"] == "Bearer k", "its own auth does not replace the key"
    assert request.headers["user-agent"].startswith("auriko-python/")


def test_redirects_are_not_followed_even_if_it_would() -> None:
    gateway = Gateway(httpx.Response(307, headers={"location": "https://other.example/"}))
    own = httpx.Client(transport=gateway.transport, follow_redirects=True)
    with pytest.raises(Exception, match="Redirects are not followed: set base_url"):
        client_of(gateway, own).chat.completions.create(**ASK)
    assert len(gateway.requests) == 1


def test_hooks_see_requests_and_replies() -> None:
    seen: list[str] = []

    def look(response: httpx.Response) -> None:
        response.read()
        seen.append(response.text[:6])

    gateway = Gateway(None)
    own = httpx.Client(
        transport=gateway.transport, event_hooks={"request": [lambda r: seen.append(r.method)], "response": [look]}
    )
    client = client_of(gateway, own)
    assert client.chat.completions.create(**ASK).choices, "a hook may have read the reply"
    assert "".join(client.chat.completions.create(**ASK, stream=True).text_deltas()) == "Paris."
    assert seen == ["POST", '{"id":', "POST", "data: "]


async def test_hooks_of_an_async_one() -> None:
    seen: list[str] = []

    async def look(response: httpx.Response) -> None:
        await response.aread()
        seen.append(response.text[:6])

    gateway = Gateway(None)
    async with httpx.AsyncClient(transport=gateway.transport, event_hooks={"response": [look]}) as own:
        client = AsyncClient(api_key="k", http_client=own)
        assert (await client.chat.completions.create(**ASK)).choices
        stream = await client.chat.completions.create(**ASK, stream=True)
        assert [text async for text in stream.text_deltas()] == ["Pa", "ris", "."]
    assert seen == ['{"id":', "data: "]


class HookError(Exception):
    pass


def test_what_a_hook_raises_is_the_users() -> None:
    def fail(_response: httpx.Response) -> None:
        raise HookError

    gateway = Gateway(None)
    own = httpx.Client(transport=gateway.transport, event_hooks={"response": [fail]})
    with pytest.raises(HookError):
        client_of(gateway, own).chat.completions.create(**ASK)
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    ("raised", "error", "attempts"),
    [
        (httpx.ConnectError("x"), APIConnectionError, 3),
        (httpx.ConnectTimeout("x"), APITimeoutError, 3),
        (httpx.ReadError("x"), APIConnectionError, 3),
        (httpx.ReadTimeout("x"), APITimeoutError, 3),
        (httpx.WriteTimeout("x"), APITimeoutError, 3),
        (httpx.PoolTimeout("x"), APITimeoutError, 3),
        (httpx.RemoteProtocolError("x"), APIConnectionError, 3),
        (httpx.ProxyError("503 x"), APIConnectionError, 3),
        (httpx.ProxyError("407 x"), APIConnectionError, 1),
        (httpx.LocalProtocolError("x"), APIConnectionError, 1),
        (httpx.UnsupportedProtocol("x"), APIConnectionError, 1),
        (httpx.InvalidURL("x"), APIConnectionError, 1),
        (httpx.DecodingError("x"), APIResponseValidationError, 1),
        (httpx.StreamConsumed(), APIConnectionError, 3),
        (httpx.TooManyRedirects("x"), APIConnectionError, 3),
        (ConnectionResetError("x"), APIConnectionError, 3),
        (TimeoutError("x"), APITimeoutError, 3),
        (anyio.ClosedResourceError(), APIConnectionError, 3),
    ],
)
def test_every_exception_of_httpx_becomes_ours(raised: Exception, error: type[Exception], attempts: int) -> None:
    gateway = Gateway(raised)
    with pytest.raises(error) as caught:
        client_of(gateway).chat.completions.create(**ASK)
    assert type(caught.value) is error
    assert caught.value.attempts == len(gateway.requests) == attempts  # type: ignore[attr-defined]
    assert caught.value.__cause__ is raised
    assert raised.__traceback__ is None, "its frames hold the key"


def test_one_that_is_closed() -> None:
    gateway = Gateway(None)
    own = httpx.Client(transport=gateway.transport)
    client = client_of(gateway, own)
    own.close()
    with pytest.raises(APIConnectionError, match="The http_client that was passed in is closed"):
        client.chat.completions.create(**ASK)
    assert gateway.requests == []


def test_it_stays_open_when_the_client_is_closed() -> None:
    gateway = Gateway(None)
    own = httpx.Client(transport=gateway.transport)
    client_of(gateway, own).close()
    assert not own.is_closed


def test_compressed_replies() -> None:
    body = gzip.compress(json.dumps(completion()).encode())
    gateway = Gateway(httpx.Response(200, content=body, headers={"content-encoding": "gzip"}))
    assert client_of(gateway).chat.completions.create(**ASK).choices


def test_timeouts_are_ours() -> None:
    gateway = Gateway(None)
    own = httpx.Client(transport=gateway.transport, timeout=1)
    client_of(gateway, own, timeout=9).chat.completions.create(**ASK)
    client_of(gateway, own).chat.completions.create(**ASK, timeout=httpx.Timeout(5, connect=2))
    bounds = [request.extensions["timeout"] for request in gateway.requests]
    assert bounds == [
        {"connect": 9.0, "read": 9.0, "write": 9.0, "pool": 9.0},
        {"connect": 2, "read": 5, "write": 5, "pool": 5},
    ]


def test_deadline_bounds_every_phase() -> None:
    gateway = Gateway(None)
    client_of(gateway, timeout=httpx.Timeout(None, connect=1)).chat.completions.create(**ASK, deadline=30)
    bounds = gateway.requests[0].extensions["timeout"]
    assert bounds["connect"] == 1
    assert 25 < bounds["read"] <= 30


def test_options_of_one_call() -> None:
    gateway = Gateway(httpx.Response(503), None)
    client = client_of(gateway, default_headers={"X-Team": "a"}, default_query={"a": "1", "b": "1"})
    client.chat.completions.create(
        **ASK,
        extra_headers={"x-team": "b", "X-More": "c"},
        extra_query={"b": 2, "c": "x y"},
        extra_body={"new": True, "gateway": {"routing": {"optimize": "cost"}}},
        idempotency_key="key-1",
    )
    first, second = gateway.requests
    assert dict(first.url.params) == {"a": "1", "b": "2", "c": "x y"}
    assert (first.headers["x-team"], first.headers["x-more"]) == ("b", "c")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "key-1", "one key for all attempts"
    assert json.loads(first.content) == {**ASK, "new": True, "gateway": {"routing": {"optimize": "cost"}}}
    assert first.content == second.content
    assert "x-auriko-retry-count" not in first.headers
    assert second.headers["x-auriko-retry-count"] == "1"
    client.chat.completions.create(**ASK)
    assert gateway.requests[-1].headers["x-team"] == "a"
    assert "idempotency-key" not in gateway.requests[-1].headers, "none is made up"


@pytest.mark.parametrize(
    ("call", "path", "keyed"),
    [
        (lambda client: client.models.list(), "/v1/models", True),
        (lambda client: client.models.list(endpoint="responses"), "/v1/models?endpoint=responses", True),
        (lambda client: client.models.retrieve("a/../b?c#d"), "/v1/models/a%2F..%2Fb%3Fc%23d", True),
        (lambda client: client.models.retrieve(".."), "/v1/models/%2E%2E", True),
        (lambda client: client.models.list_directory(), "/v1/directory/models", False),
        (lambda client: client.models.list_registry(), "/v1/registry/models", False),
        (lambda client: client.models.list_providers(), "/v1/registry/providers", False),
        (lambda client: client.me.get(), "/v1/me", True),
    ],
)
def test_other_endpoints(call: Any, path: str, keyed: bool) -> None:
    """Public ones are not sent the key."""
    anything = {"data": [], "id": "m", "models": {}, "providers": []}
    if "registry/models" in path:
        anything["models"] = []
    gateway = Gateway(httpx.Response(200, json=anything, headers={"x-request-id": "r"}))
    assert call(client_of(gateway)).request_id == "r"
    (request,) = gateway.requests
    assert (request.method, request.url.raw_path.decode()) == ("GET", path)
    assert ("authorization" in request.headers) == keyed
    assert "content-type" not in request.headers


@pytest.mark.parametrize("endpoint", ["list", "list_directory", "list_registry", "list_providers"])
async def test_other_endpoints_async(endpoint: str) -> None:
    anything = {"data": [], "models": [] if endpoint == "list_registry" else {}, "providers": []}
    gateway = Gateway(httpx.Response(200, json=anything))
    async with httpx.AsyncClient(transport=gateway.transport) as own:
        client = AsyncClient(api_key="k", http_client=own)
        assert await getattr(client.models, endpoint)()
        gateway.replies = [httpx.Response(200, json={"id": "m"})]
        assert (await client.models.retrieve("m")).id == "m"
        assert await client.me.get()


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_stream_of_an_async_one_that_is_dropped() -> None:
    """Its reply is closed by the event loop. On trio httpx itself leaves generators, which trio warns of."""
    closed = anyio.Event()

    class Body(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield whole_stream()[:300]
            await anyio.sleep(60)

        async def aclose(self) -> None:
            closed.set()

    gateway = Gateway(httpx.Response(200, stream=Body(), headers=SSE))
    async with httpx.AsyncClient(transport=gateway.transport) as own:
        client = AsyncClient(api_key="k", http_client=own)
        stream = await client.chat.completions.create(**ASK, stream=True)
        with pytest.warns(ResourceWarning):
            del stream
        with anyio.fail_after(5):
            await closed.wait()


def test_bad_request_is_not_sent_again() -> None:
    gateway = Gateway(httpx.Response(400, json=envelope("invalid_request_error")))
    with pytest.raises(BadRequestError):
        client_of(gateway).chat.completions.create(**ASK)
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("anyio_backend", ["trio"], indirect=True)
async def test_stream_of_an_async_one_that_is_left_early_is_run_to_its_end() -> None:
    """On trio, which warns of generators that nobody finishes."""
    ended: list[str] = []

    async def pieces() -> AsyncIterator[bytes]:
        for name in ("first", "second", "third"):
            yield events(chunk(name))
            ended.append(name)

    gateway = Gateway(httpx.Response(200, content=pieces(), headers=SSE))
    async with httpx.AsyncClient(transport=gateway.transport) as own:
        client = AsyncClient(api_key="k", http_client=own)
        async with await client.chat.completions.create(**ASK, stream=True) as stream:
            assert await anext(stream.text_deltas()) == "first"
            assert ended == []
    assert ended == ["first", "second", "third"]
