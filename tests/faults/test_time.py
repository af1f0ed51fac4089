"""Rows B7, E1b, E5 and E9 of the fault matrix, and the bounds of time: what each of them ends, and when."""

from __future__ import annotations

import logging
import time
from typing import Any

import anyio
import httpx
import pytest

from auriko import APITimeoutError, AsyncClient, Client, track_spend
from tests.support import cells
from tests.support.acts import SSE, chunked, drip, error, hang, head, ok, stream
from tests.support.cells import ASK, TRIO_MODES
from tests.support.clients import serving
from tests.support.fault_server import Act, serve
from tests.support.replies import chunk, event, events, whole_stream

EVERY_MODE = pytest.mark.parametrize("mode", TRIO_MODES)
STREAM_MODES = pytest.mark.parametrize("mode", [mode for mode in TRIO_MODES if mode.endswith("stream")])
pytestmark = pytest.mark.usefixtures("wire")
BOTH = pytest.mark.usefixtures("in_threads")
STREAM_HEAD = head(content_type=SSE, transfer_encoding="chunked")


@STREAM_MODES
def test_b7_deadline_ends_a_stream_that_goes_on(mode: str) -> None:
    with serve(drip(STREAM_HEAD, chunked(event(chunk())))) as server:
        outcome = cells.run(mode, server.url, {"deadline": 0.2}, {})
        assert outcome.kind == "TIME"
        assert outcome.items
        assert "the time allowed for this call" in str(outcome.error).lower()
        server.wait_until_unused()


@STREAM_MODES
def test_b7_deadline_ends_a_stream_that_drips(mode: str) -> None:
    """Even if no item ever gets whole, and though each read comes in time."""
    with serve(drip(STREAM_HEAD + chunked(event(chunk())), chunked(b"d"))) as server:
        assert cells.run(mode, server.url, {"deadline": 0.2, "stream_idle_timeout": 9}, {}).described() == "TIME@1(1)"
        server.wait_until_unused()


@EVERY_MODE
def test_b7_deadline_ends_the_wait_for_the_head(mode: str) -> None:
    with serve(hang) as server:
        assert cells.run(mode, server.url, {"deadline": 0.1, "timeout": 5.0}, {}).described() == "TIME(1)"
        server.wait_until_unused()


@EVERY_MODE
def test_deadline_of_a_call_takes_the_place_of_the_clients(mode: str) -> None:
    with serve(hang) as server:
        outcome = cells.run(mode, server.url, {"deadline": 60, "timeout": 5.0}, {"deadline": 0.1})
        assert outcome.described() == "TIME(1)"


@EVERY_MODE
def test_deadline_does_not_wait_for_a_retry_that_comes_too_late(mode: str, naps: list[float]) -> None:
    """The error of the last attempt says more than that time is up."""
    with serve(error(503, Retry_After="30")) as server:
        assert cells.run(mode, server.url, {"deadline": 20}, {}).described() == "STATUS(1)"
        assert naps == []
        assert cells.run(mode, server.url, {"deadline": 200}, {}).described() == "STATUS(3)"
        assert naps == [30, 30]


@EVERY_MODE
def test_timeout_of_a_call_takes_the_place_of_the_clients(mode: str) -> None:
    with serve(hang) as server:
        outcome = cells.run(
            mode, server.url, {"timeout": 60}, {"timeout": httpx.Timeout(9, read=0.1), "max_retries": 0}
        )
        assert outcome.described() == "TIME(1)"
        assert "Timed out while waiting for the reply" in str(outcome.error)


@STREAM_MODES
def test_e5_comments_do_not_extend_the_wait_for_an_event(mode: str) -> None:
    with serve(drip(STREAM_HEAD + chunked(events(chunk(), chunk())), chunked(b": keep-alive\n\n"))) as server:
        outcome = cells.run(mode, server.url, {"stream_idle_timeout": 0.15}, {})
        assert outcome.described() == "TIME@2(1)"
        server.wait_until_unused()


@STREAM_MODES
def test_e5_comments_keep_a_stream_alive(mode: str) -> None:
    """For longer than the read timeout, before the first event and later: the model thinks."""
    comments: list[Any] = [part for _ in range(12) for part in (b": keep-alive\n\n", 0.05)]
    with serve(stream(*comments, event(chunk()), *comments, whole_stream())) as server:
        outcome = cells.run(mode, server.url, {"timeout": httpx.Timeout(5, read=0.4)}, {})
        assert outcome.described() == "OK", outcome.error
        assert len(server.requests) == 1


@STREAM_MODES
def test_e5_silence_after_comments_ends_at_the_read_timeout(mode: str) -> None:
    with serve(stream(events(chunk(), chunk()), *[b": keep-alive\n\n", 0.02] * 3, end="hang")) as server:
        assert cells.run(mode, server.url, {"timeout": 0.15}, {}).described() == "TIME@2(1)"
        assert cells.run(mode, server.url, {"timeout": 9}, {"timeout": 0.15}).described() == "TIME@2(1)"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 600),
        ({"timeout": 900}, 900),
        ({"timeout": httpx.Timeout(None)}, None),
        ({"stream_idle_timeout": 5, "timeout": httpx.Timeout(None)}, 5),
    ],
)
@BOTH
def test_e5_without_an_idle_timeout_it_is_ten_minutes(settings: dict[str, Any], expected: float | None) -> None:
    with serving(ok, **settings) as (_, client):
        opened = client.chat.completions.create(**ASK, stream=True)
        assert opened._opened.idle == expected
        opened.close()


@STREAM_MODES
def test_e5_before_the_first_event_the_call_is_made_again(mode: str, naps: list[float]) -> None:
    with serve(drip(STREAM_HEAD, chunked(b": keep-alive\n\n"))) as server:
        assert cells.run(mode, server.url, {"stream_idle_timeout": 0.1}, {}).described() == "TIME(3)"


@STREAM_MODES
def test_e5_events_in_time_keep_a_stream_alive(mode: str) -> None:
    """Longer in all than the idle timeout."""
    pieces: list[Any] = [part for piece in whole_stream().split(b"\n\n") for part in (piece + b"\n\n", 0.1)]
    with serve(stream(*pieces)) as server:
        assert cells.run(mode, server.url, {"stream_idle_timeout": 0.3}, {}).text == "Paris."


@BOTH
def test_time_that_the_caller_takes_is_not_counted() -> None:
    """The wait for an event starts when the caller asks for it."""
    with serving(stream(events(chunk()), 0.05, whole_stream()), stream_idle_timeout=0.3) as (_server, client):
        stream_ = client.chat.completions.create(**ASK, stream=True)
        next(stream_)
        time.sleep(0.4)
        assert len(list(stream_)) == 4


@STREAM_MODES
def test_e9_connection_is_used_again_after_a_stream(mode: str) -> None:
    with serve(ok) as server:
        assert cells.run(mode, server.url, {}, {}, calls=3).text == "Paris."
        assert server.accepted == 1


@STREAM_MODES
def test_e9_connection_is_used_again_after_a_stream_whose_end_comes_late(mode: str) -> None:
    with serve(stream(whole_stream(), 0.05, b": bye\n\n", 0.05)) as server:
        assert cells.run(mode, server.url, {}, {}, calls=3).text == "Paris."
        assert server.accepted == 1


@EVERY_MODE
def test_connection_is_used_again_after_an_error(mode: str) -> None:
    with serve(error(400, "invalid_request_error"), error(404, "not_found_error"), ok) as server:
        assert cells.run(mode, server.url, {}, {}, calls=3).text == "Paris."
        assert server.accepted == 1


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_e1b_stream_without_done_is_taken_with_a_warning(mode: str, caplog: pytest.LogCaptureFixture) -> None:
    finished = events(chunk("Paris."), chunk("", finish_reason="stop"))
    with serve(stream(finished)) as server, track_spend() as spend, caplog.at_level(logging.WARNING, "auriko"):
        assert cells.run(mode, server.url, {}, {}).text == "Paris."
    (warning,) = caplog.records
    assert "A stream ended without [DONE]" in warning.message
    (record,) = spend.records
    assert (record.status, record.usd, spend.unknown_cost_calls) == ("ok", None, 1)


def test_bounds_hold_for_a_clients_own_http_client() -> None:
    """They are laid below the transports of the user's client, proxies' included."""
    endless = drip(STREAM_HEAD + chunked(event(chunk())), chunked(b": keep-alive\n\n"))
    with serve(endless) as server, httpx.Client(mounts={"all://other.example": httpx.HTTPTransport()}) as own:
        for _ in range(2):  # a client may be handed over more than once
            client = Client(api_key=cells.KEY, base_url=server.url, http_client=own, deadline=0.2)
            stream_ = client.chat.completions.create(**ASK, stream=True)
            with pytest.raises(APITimeoutError):
                list(stream_)
        assert own._transport._pool._requests == []  # type: ignore[attr-defined]
        server.wait_until_unused()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("act", [hang, drip(STREAM_HEAD + chunked(event(chunk())), chunked(b": keep-alive\n\n"))])
def test_bounds_hold_for_an_async_clients_own_http_client(backend: str, act: Act) -> None:
    async def main(url: str) -> None:
        async with httpx.AsyncClient() as own:
            client = AsyncClient(api_key=cells.KEY, base_url=url, http_client=own, deadline=0.2)
            with pytest.raises(APITimeoutError):
                await read_all(await client.chat.completions.create(**ASK, stream=True))

    async def read_all(stream_: Any) -> None:
        async for _ in stream_:
            pass

    with serve(act) as server:
        anyio.run(main, server.url, backend=backend)
        server.wait_until_unused()


def test_e9_end_of_a_stream_is_not_waited_for_with_a_clients_own_http_client() -> None:
    with serve(stream(whole_stream(), end="hang")) as server, httpx.Client(timeout=60) as own:
        client = Client(api_key=cells.KEY, base_url=server.url, http_client=own)
        assert client.chat.completions.create(**ASK, stream=True).collect().choices[0].message.content == "Paris."
        server.wait_until_unused()
