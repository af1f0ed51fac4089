"""One family of errors in every mode, exact numbers of requests, and streams that end as they should."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from llama_index.core.llms import ChatMessage

from auriko import track_spend
from auriko._rules.retry import retry_delay
from auriko.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AurikoAPIError,
    AuthenticationError,
    BudgetExceededError,
    RateLimitError,
    StreamInterruptedError,
)
from auriko_llamaindex import Auriko
from tests.support.scripted_gateway import answered_by

MESSAGES = [ChatMessage(role="user", content="Hi")]
MODES = ["chat", "achat", "stream_chat", "astream_chat", "complete", "acomplete", "stream_complete", "astream_complete"]


async def run(llm: Auriko, mode: str, into: list[Any] | None = None, **kwargs: Any) -> list[Any]:
    """What the method answers; the items of a stream are kept in `into` even where it fails."""
    items = [] if into is None else into
    result = getattr(llm, mode)(MESSAGES if "chat" in mode else "Hi", **kwargs)
    if mode.startswith("a"):
        result = await result
    if mode.startswith("stream"):
        for item in result:
            items.append(item)
    elif mode.startswith("astream"):
        async for item in result:
            items.append(item)
    else:
        items.append(result)
    return items


@pytest.fixture
def _no_waiting(monkeypatch):
    """Retries follow at once, where there are to be any."""

    def at_once(*args: Any, **kwargs: Any) -> float | None:
        return None if retry_delay(*args, **kwargs) is None else 0.0

    monkeypatch.setattr("auriko._rules.exchange.retry_delay", at_once)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_an_error_keeps_what_the_gateway_said(gateway, mode):
    gateway.refuses(401, "invalid_api_key", "authentication_error")
    gateway.refuses(429, "rate_limit_exceeded", "rate_limit_error", **{"Retry-After": "7"})
    llm = gateway.llm()
    with pytest.raises(AuthenticationError) as refused:
        await run(llm, mode)
    assert (refused.value.status_code, refused.value.code, refused.value.request_id) == (
        401,
        "invalid_api_key",
        "req-9",
    )
    with pytest.raises(RateLimitError) as limited:
        await run(llm, mode)
    assert limited.value.retry_after_seconds == 7.0
    assert limited.value.is_retryable


@pytest.mark.anyio
@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("status", "code", "kind", "retries", "requests"),
    [
        (503, "service_unavailable", "api_error", 0, 1),
        (503, "service_unavailable", "api_error", 1, 2),
        (503, "service_unavailable", "api_error", 3, 4),
        (429, "rate_limit_exceeded", "rate_limit_error", 2, 3),
        (429, "insufficient_quota", "rate_limit_error", 2, 1),
        (401, "invalid_api_key", "authentication_error", 2, 1),
        (400, "invalid_request", "invalid_request_error", 2, 1),
        (500, "internal_error", "api_error", 2, 1),
    ],
)
async def test_the_number_of_requests_is_exact(gateway, mode, status, code, kind, retries, requests):
    for _ in range(retries + 1):
        gateway.refuses(status, code, kind)
    with pytest.raises(APIStatusError) as raised:
        await run(gateway.llm(max_retries=retries), mode)
    assert len(gateway.bodies) == requests == raised.value.attempts


@pytest.mark.anyio
@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize("mode", MODES)
async def test_a_call_that_gets_through_is_an_answer_like_any_other(gateway, mode):
    gateway.refuses(503, "service_unavailable", "api_error")
    if "stream" in mode:
        gateway.streams("ok")
    else:
        gateway.says("ok")
    last = (await run(gateway.llm(max_retries=1), mode))[-1]
    assert last.additional_kwargs["routing_metadata"]["cost"]["usd"] == 0.0021


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (httpx.ConnectError("no route"), APIConnectionError),
        (httpx.ReadTimeout("slow"), APITimeoutError),
        (httpx.RemoteProtocolError("garbage"), APIConnectionError),
    ],
)
async def test_a_broken_connection_is_an_error_of_ours(mode, failure, expected):
    def answer(_request: httpx.Request) -> httpx.Response:
        raise failure

    llm = Auriko(model="m", api_key="ak_test", max_retries=0, **answered_by(answer))
    with pytest.raises(expected) as raised:
        await run(llm, mode)
    assert isinstance(raised.value, AurikoAPIError)
    chain = [raised.value.__cause__, getattr(raised.value.__cause__, "__cause__", None)]
    assert failure in chain


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_a_reply_that_is_none_is_an_error_of_ours(mode):
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<html>", headers={"content-type": "text/html"})

    llm = Auriko(model="m", api_key="ak_test", max_retries=0, **answered_by(answer))
    with pytest.raises(APIResponseValidationError):
        await run(llm, mode)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", [mode for mode in MODES if "stream" in mode])
async def test_an_error_inside_a_stream_comes_after_what_was_said(gateway, mode):
    said = {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}
    error = {"error": {"message": "gone", "type": "api_error", "code": "upstream_timeout", "provider": "p"}}
    gateway.streams_chunks(said, error, done=False)
    items: list[Any] = []
    with pytest.raises(APIStatusError) as raised:
        await run(gateway.llm(max_retries=2), mode, items)
    assert [item.delta for item in items] == ["Hel"]
    assert (raised.value.code, raised.value.provider) == ("upstream_timeout", "p")
    assert len(gateway.bodies) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("mode", [mode for mode in MODES if "stream" in mode])
async def test_a_stream_that_is_cut_is_an_error_and_no_short_answer(gateway, mode):
    gateway.streams_chunks({"choices": [{"index": 0, "delta": {"content": "Hel"}}]}, done=False)
    items: list[Any] = []
    with pytest.raises(StreamInterruptedError) as raised:
        await run(gateway.llm(), mode, items)
    assert [item.delta for item in items] == ["Hel"]
    assert raised.value.items_received == 1
    assert "routing_metadata" not in items[-1].additional_kwargs


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_a_closed_llm_says_so(gateway, mode):
    llm = gateway.llm()
    await llm.aclose()
    with pytest.raises(APIConnectionError, match="closed"):
        await run(llm, mode)
    assert gateway.bodies == []


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_a_spend_limit_stops_the_next_call(gateway, mode):
    llm = gateway.llm()
    for _ in range(2):
        if "stream" in mode:
            gateway.streams("ok")
        else:
            gateway.says("ok")
    with track_spend(limit_usd=0.005) as spend:
        for _ in range(2):
            await run(llm, mode)
        with pytest.raises(BudgetExceededError):
            await run(llm, mode)
    assert (spend.calls, spend.usd) == (2, pytest.approx(0.0042))
    assert len(gateway.bodies) == 2


def test_a_stream_that_is_left_early_closes_its_reply(endless):
    llm, body = endless
    stream = llm.stream_chat(MESSAGES)
    next(stream)
    assert not body.closed
    stream.close()
    del stream
    assert body.closed


@pytest.mark.anyio
async def test_an_async_stream_that_is_left_early_closes_its_reply(endless):
    llm, body = endless
    stream = await llm.astream_chat(MESSAGES)
    await stream.__anext__()
    assert not body.closed
    await stream.aclose()
    del stream
    # LlamaIndex's generator does not close the one within; the event loop does so in its next turns.
    for _ in range(100):
        await asyncio.sleep(0)
    assert body.closed


def test_a_stream_that_is_never_asked_sends_nothing(gateway):
    stream = gateway.llm().stream_chat(MESSAGES)
    del stream
    assert gateway.bodies == []
