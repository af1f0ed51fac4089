"""Rows L1 to L4, L11, L12 and A3 of the fault matrix: streams that are left early, clients that are closed."""

from __future__ import annotations

import copy
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from typing import Any

import anyio
import pytest

from auriko import APIConnectionError, AsyncClient, Client, Stream, StreamInterruptedError
from tests.support import cells
from tests.support.acts import error, hang, ok, stream
from tests.support.cells import ASK, KEY
from tests.support.clients import serving, serving_async
from tests.support.fault_server import Act, serve
from tests.support.replies import chunk, events
from tests.support.transports import ON_EVERY_LOOP

TWO = events(chunk("Pa"), chunk("ris"))
OPEN_STREAM = stream(TWO, end="hang")
EITHER = pytest.mark.parametrize("anyio_backend", ON_EVERY_LOOP, indirect=True)
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("wire")]
BOTH = pytest.mark.usefixtures("in_threads")


class InTheLoopBodyError(Exception):
    """Raised by a caller while it reads a stream."""


@BOTH
def test_l1_break_without_with() -> None:
    def look(client: Client) -> None:
        for _ in client.chat.completions.create(**ASK, stream=True):
            break

    with serving(OPEN_STREAM) as (server, client):
        with pytest.warns(ResourceWarning, match="a Stream was dropped before its end"):
            look(client)
        server.wait_until_unused()
        cells.assert_clean(client)


@BOTH
def test_l1_the_warning_names_the_line_that_drops_the_stream() -> None:
    with serving(OPEN_STREAM) as (server, client):
        opened = client.chat.completions.create(**ASK, stream=True)
        with pytest.warns(ResourceWarning, match="a Stream was dropped before its end") as caught:
            del opened
        server.wait_until_unused()
    assert caught[0].filename == __file__


def test_l1_a_stream_that_could_not_be_made_is_dropped_quietly() -> None:
    Stream.__new__(Stream).__del__()


@EITHER
async def test_l1_break_without_with_async(anyio_backend: str) -> None:
    async def look(client: AsyncClient) -> None:
        async for _ in await client.chat.completions.create(**ASK, stream=True):
            break

    async with serving_async(OPEN_STREAM) as (server, client):
        with pytest.warns(ResourceWarning, match="an? AsyncStream was dropped before its end"):
            await look(client)
        await anyio.to_thread.run_sync(server.wait_until_unused)
        await cells.assert_clean_async(client)


@EITHER
async def test_l1_break_then_close_async(anyio_backend: str) -> None:
    async with serving_async(OPEN_STREAM) as (server, client):
        stream_ = await client.chat.completions.create(**ASK, stream=True)
        async for _ in stream_:
            break
        await stream_.aclose()
        await anyio.to_thread.run_sync(server.wait_until_unused)
        await cells.assert_clean_async(client)


@BOTH
def test_l2_with_block_is_left() -> None:
    def raise_while_reading(client: Client) -> None:
        with client.chat.completions.create(**ASK, stream=True) as stream_:
            for _ in stream_:
                raise InTheLoopBodyError

    with serving(OPEN_STREAM) as (server, client):
        with client.chat.completions.create(**ASK, stream=True) as stream_:
            next(stream_)
        server.wait_until_unused()
        with pytest.raises(InTheLoopBodyError):
            raise_while_reading(client)
        server.wait_until_unused()
        cells.assert_clean(client)


@EITHER
async def test_l2_with_block_is_left_async(anyio_backend: str) -> None:
    async def raise_while_reading(client: AsyncClient) -> None:
        async with await client.chat.completions.create(**ASK, stream=True) as stream_:
            async for _ in stream_:
                raise InTheLoopBodyError

    async with serving_async(OPEN_STREAM) as (server, client):
        async with await client.chat.completions.create(**ASK, stream=True) as stream_:
            await anext(stream_)
        await anyio.to_thread.run_sync(server.wait_until_unused)
        with pytest.raises(InTheLoopBodyError):
            await raise_while_reading(client)
        await anyio.to_thread.run_sync(server.wait_until_unused)
        await cells.assert_clean_async(client)


@BOTH
def test_l2_generator_around_a_stream_is_closed() -> None:
    def texts(client: Client) -> Any:
        with client.chat.completions.create(**ASK, stream=True) as stream_:
            for item in stream_:
                yield item.choices[0].delta.content

    with serving(OPEN_STREAM) as (server, client):
        generator = texts(client)
        assert next(generator) == "Pa"
        generator.close()
        server.wait_until_unused()
        cells.assert_clean(client)


@EITHER
async def test_l2_generator_around_a_stream_is_closed_async(anyio_backend: str) -> None:
    async def texts(client: AsyncClient) -> Any:
        async with await client.chat.completions.create(**ASK, stream=True) as stream_:
            async for item in stream_:
                yield item.choices[0].delta.content

    async with serving_async(OPEN_STREAM) as (server, client):
        generator = texts(client)
        assert await anext(generator) == "Pa"
        await generator.aclose()
        await anyio.to_thread.run_sync(server.wait_until_unused)
        await cells.assert_clean_async(client)


@BOTH
def test_l3_stream_that_is_never_read() -> None:
    with serving(OPEN_STREAM) as (server, client):
        stream_ = client.chat.completions.create(**ASK, stream=True)
        with pytest.warns(ResourceWarning, match="use it in a with block"):
            del stream_
        server.wait_until_unused()
        cells.assert_clean(client)


@EITHER
async def test_l3_stream_that_is_never_read_async(anyio_backend: str) -> None:
    async with serving_async(OPEN_STREAM) as (server, client):
        stream_ = await client.chat.completions.create(**ASK, stream=True)
        with pytest.warns(ResourceWarning, match="use it in a with block"):
            del stream_
        await anyio.to_thread.run_sync(server.wait_until_unused)
        await cells.assert_clean_async(client)


@BOTH
def test_l3_stream_is_closed_even_where_warnings_are_errors() -> None:
    with serving(OPEN_STREAM) as (server, client):
        stream_ = client.chat.completions.create(**ASK, stream=True)
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            patch.setattr(sys, "unraisablehook", lambda _unraisable: None)
            warnings.simplefilter("error")
            del stream_
        server.wait_until_unused()
        cells.assert_clean(client)


@EITHER
async def test_l3_stream_that_is_dropped_when_its_reply_has_ended_already(anyio_backend: str) -> None:
    """Its last event has no blank line after it, so the reply's end is what brought it."""
    last = events(chunk())[:-2]
    async with serving_async(stream(last)) as (server, client):
        stream_ = await client.chat.completions.create(**ASK, stream=True)
        with pytest.warns(ResourceWarning, match="dropped before its end"):
            del stream_
        await cells.assert_clean_async(client)
        assert cells.connections_of(client) == 1, "the connection can be used again"
        assert len(server.requests) == 1


@EITHER
async def test_l3_stream_that_is_dropped_by_another_thread(anyio_backend: str) -> None:
    async with serving_async(OPEN_STREAM) as (server, client):
        held = [await client.chat.completions.create(**ASK, stream=True)]
        with pytest.warns(ResourceWarning):
            await anyio.to_thread.run_sync(held.clear)
        await anyio.to_thread.run_sync(server.wait_until_unused)
        await cells.assert_clean_async(client)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_l3_stream_that_outlives_its_event_loop(backend: str) -> None:
    """The connection closes with the loop; dropping the stream later does nothing."""
    with serve(OPEN_STREAM) as server:
        client = AsyncClient(api_key=KEY, base_url=server.url)
        held: list[Any] = []

        async def main() -> None:
            held.append(await client.chat.completions.create(**ASK, stream=True))

        anyio.run(main, backend=backend)
        server.wait_until_unused()
        with pytest.warns(ResourceWarning, match="dropped before its end"):
            held.clear()


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_l3_stream_that_is_open_when_the_program_ends(kind: str) -> None:
    program = """
import asyncio, sys, auriko
client = getattr(auriko, sys.argv[2])(api_key="k", base_url=sys.argv[1])
ask = dict(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
async def main():
    global stream
    stream = await client.chat.completions.create(**ask)
    await stream.__anext__()
if sys.argv[2] == "Client":
    stream = client.chat.completions.create(**ask)
    next(stream)
else:
    asyncio.run(main())
"""
    with serve(OPEN_STREAM) as server:
        done = subprocess.run([sys.executable, "-c", program, server.url, kind], capture_output=True, check=True)
        assert done.stderr == b""
        server.wait_until_unused()


@BOTH
def test_l4_stream_is_read_once() -> None:
    with serving(ok) as (_server, client):
        stream_ = client.chat.completions.create(**ASK, stream=True)
        assert iter(stream_) is stream_
        first = next(stream_)
        assert [first, *stream_][0] is first
        with pytest.raises(ValueError, match="this stream has ended; a stream can be read only once"):
            list(stream_)
        with pytest.raises(StopIteration):
            next(stream_)


@EITHER
async def test_l4_stream_is_read_once_async(anyio_backend: str) -> None:
    async with serving_async(ok) as (_server, client):
        stream_ = await client.chat.completions.create(**ASK, stream=True)
        assert [item async for item in stream_]
        await stream_.close()
        with pytest.raises(ValueError, match="this stream has ended"):
            _ = [item async for item in stream_]
        with pytest.raises(StopAsyncIteration):
            await anext(stream_)


@BOTH
def test_l4_failed_stream_fails_once() -> None:
    with serving(stream(TWO)) as (_server, client):
        stream_ = client.chat.completions.create(**ASK, stream=True)
        with pytest.raises(StreamInterruptedError):
            list(stream_)
        with pytest.raises(ValueError, match="this stream has ended"):
            list(stream_)


@BOTH
def test_l4_closed_stream_gives_nothing_more() -> None:
    with serving(OPEN_STREAM) as (_server, client):
        stream_ = client.chat.completions.create(**ASK, stream=True)
        stream_.close()
        stream_.close()
        with pytest.raises(StopIteration):
            next(stream_)


@BOTH
def test_l11_use_after_close() -> None:
    with serving(ok) as (server, client):
        client.chat.completions.create(**ASK)
        client.close()
        client.close()
        for streamed in (False, True):
            with pytest.raises(APIConnectionError, match="The client is closed; make a new one") as caught:
                client.chat.completions.create(**ASK, stream=streamed)
            assert not caught.value.is_retryable
        assert len(server.requests) == 1
        server.wait_until_unused()
        with copy.copy(client) as twin:
            assert twin.chat.completions.create(**ASK)


@EITHER
async def test_l11_use_after_close_async(anyio_backend: str) -> None:
    async with serving_async(ok) as (server, client):
        await client.chat.completions.create(**ASK)
        await client.close()
        await client.aclose()
        for streamed in (False, True):
            with pytest.raises(APIConnectionError, match="The client is closed; make a new one"):
                await client.chat.completions.create(**ASK, stream=streamed)
        assert len(server.requests) == 1
        await anyio.to_thread.run_sync(server.wait_until_unused)


def test_l11_client_that_was_never_used_is_closed() -> None:
    Client(api_key=KEY).close()


@BOTH
def test_l11_client_is_closed_during_a_stream() -> None:
    with serving(OPEN_STREAM) as (server, client):
        stream_ = client.chat.completions.create(**ASK, stream=True)
        assert next(stream_).choices
        client.close()
        assert next(stream_).choices, "what has come is delivered"
        with pytest.raises(StreamInterruptedError, match="The client is closed") as caught:
            next(stream_)
        assert caught.value.items_received == 2
        server.wait_until_unused()


@EITHER
async def test_l11_client_is_closed_during_a_stream_async(anyio_backend: str) -> None:
    async with serving_async(OPEN_STREAM) as (server, client):
        stream_ = await client.chat.completions.create(**ASK, stream=True)
        await client.close()
        with pytest.raises(StreamInterruptedError, match="The client is closed") as caught:
            _ = [item async for item in stream_]
        assert caught.value.items_received == 2
        await anyio.to_thread.run_sync(server.wait_until_unused)


@pytest.mark.parametrize("act", [OPEN_STREAM, hang], ids=["for an event", "for the head"])
@BOTH
def test_l11_client_is_closed_while_another_thread_waits(act: Act) -> None:
    """The thread does not go on waiting for what will never come."""
    with serving(act, timeout=60.0) as (server, client):
        caught: list[BaseException] = []

        def read() -> None:
            try:
                list(client.chat.completions.create(**ASK, stream=True))
            except APIConnectionError as error:
                caught.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        server.wait_for(1)
        time.sleep(0.05)
        client.close()
        thread.join(5)
        assert len(caught) == 1
        assert not thread.is_alive()
        server.wait_until_unused()


@BOTH
def test_l11_client_is_closed_while_a_thread_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection that comes about all the same is not left open."""
    with serving(stream()) as (server, client):
        connect = socket.create_connection

        def connect_late(*arguments: Any, **options: Any) -> socket.socket:
            connection = connect(*arguments, **options)
            client.close()
            return connection

        monkeypatch.setattr(socket, "create_connection", connect_late)
        with pytest.raises(APIConnectionError, match="closed"):
            client.chat.completions.create(**ASK)
        assert not server.requests
        server.wait_until_unused()


def interrupt_soon() -> threading.Timer:
    timer = threading.Timer(0.1, signal.pthread_kill, [threading.get_ident(), signal.SIGINT])
    timer.start()
    return timer


@BOTH
def test_l12_interrupt_in_sleep() -> None:
    with serving(error(503, Retry_After="50")) as (server, client):
        timer = interrupt_soon()
        with pytest.raises(KeyboardInterrupt):
            client.chat.completions.create(**ASK)
        timer.join()
        assert len(server.requests) == 1
        cells.assert_clean(client)


@pytest.mark.parametrize("streamed", [False, True])
@BOTH
def test_l12_interrupt_while_waiting(streamed: bool) -> None:
    with serving(OPEN_STREAM if streamed else stream(end="hang")) as (server, client):
        timer = interrupt_soon()
        with pytest.raises(KeyboardInterrupt):
            list(client.chat.completions.create(**ASK, stream=streamed))
        timer.join()
        cells.assert_clean(client)
        server.wait_until_unused()


def test_a2_settings_are_refused_at_construction() -> None:
    for setting in ({"api_key": "a b"}, {"base_url": "ftp://x"}, {"max_retries": -1}, {"timeout": -1}, {"deadline": 0}):
        with pytest.raises(ValueError, match=r"api|API|base_url|max_retries|timeout|deadline"):
            Client(**{"api_key": KEY, **setting})  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", cells.MODES)
def test_a3_messages_from_a_generator_are_sent_again(mode: str, naps: list[float]) -> None:
    """The request is written once, before the first attempt: what the caller does to it later has no effect."""
    message = {"role": "user", "content": "before"}

    def change(connection: Any) -> None:
        message["content"] = "after"
        error(503)(connection)

    with serve(change, ok) as server:
        outcome = cells.run(mode, server.url, {}, {"messages": (m for m in [message])})
        assert outcome.text == "Paris."
        assert [request.json["messages"] for request in server.requests] == [
            [{"role": "user", "content": "before"}]
        ] * 2
