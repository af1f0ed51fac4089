"""respx and pytest-httpx, in a user's own tests, intercept the default client."""

import json
from typing import Any

import httpx
import pytest
import respx
from pytest_httpx import HTTPXMock

from auriko import APIConnectionError, AsyncClient, Client, RateLimitError
from tests.support.replies import completion, envelope, whole_stream

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
URL = "https://api.auriko.ai/v1/chat/completions"
SSE = {"content-type": "text/event-stream"}
KEY = "ak_test_0123456789"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auriko._rules.retry.FIRST_DELAY", 0.0)


@respx.mock
def test_respx() -> None:
    route = respx.post(URL).mock(
        side_effect=[httpx.Response(503), httpx.ConnectError("no"), httpx.Response(200, json=completion())]
    )
    with Client(api_key=KEY) as client:
        assert client.chat.completions.create(**ASK).choices[0].message.content == "Paris."
    assert route.call_count == 3
    request = route.calls[2].request
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-auriko-retry-count"] == "2"
    assert json.loads(request.content) == ASK


@respx.mock
def test_respx_streams() -> None:
    respx.post(URL).mock(return_value=httpx.Response(200, content=whole_stream(), headers=SSE))
    with Client(api_key=KEY) as client:
        stream = client.chat.completions.create(**ASK, stream=True)
        assert "".join(stream.text_deltas()) == "Paris."
        assert stream.usage is not None


@pytest.mark.anyio
@respx.mock
async def test_respx_async() -> None:
    route = respx.post(URL).mock(
        side_effect=[httpx.Response(429, json=envelope("rate_limit_error")), httpx.Response(200, json=completion())]
    )
    async with AsyncClient(api_key=KEY) as client:
        assert (await client.chat.completions.create(**ASK)).choices
    assert json.loads(route.calls[1].request.content) == ASK
    respx.post(URL).mock(return_value=httpx.Response(200, content=whole_stream(), headers=SSE))
    async with AsyncClient(api_key=KEY) as client:
        stream = await client.chat.completions.create(**ASK, stream=True)
        assert [text async for text in stream.text_deltas()] == ["Pa", "ris", "."]


def test_pytest_httpx(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(503)
    httpx_mock.add_exception(httpx.ReadTimeout("late"))
    httpx_mock.add_response(
        json=completion(), url=URL, match_json=ASK, match_headers={"Authorization": f"Bearer {KEY}"}
    )
    with Client(api_key=KEY) as client:
        assert client.chat.completions.create(**ASK).choices
    assert [json.loads(request.content) for request in httpx_mock.get_requests()] == [ASK] * 3


def test_pytest_httpx_streams(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(content=whole_stream(), headers=SSE)
    with Client(api_key=KEY) as client:
        assert client.chat.completions.create(**ASK, stream=True).collect().choices[0].message.content == "Paris."


@pytest.mark.anyio
async def test_pytest_httpx_async(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json=completion(), match_json=ASK)
    httpx_mock.add_response(content=whole_stream(), headers=SSE)
    async with AsyncClient(api_key=KEY) as client:
        assert (await client.chat.completions.create(**ASK)).choices
        stream = await client.chat.completions.create(**ASK, stream=True)
        assert len([chunk async for chunk in stream]) == 4


def test_what_is_raised_in_its_place_is_still_ours(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_exception(httpx.ConnectError("no"))
    httpx_mock.add_response(429, json=envelope("rate_limit_error", "insufficient_quota"))
    with Client(api_key=KEY, max_retries=0) as client:
        with pytest.raises(APIConnectionError, match="no"):
            client.chat.completions.create(**ASK)
        with pytest.raises(RateLimitError, match="credits"):
            client.chat.completions.create(**ASK)
