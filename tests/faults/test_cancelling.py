"""Rows L5 to L7 of the fault matrix: calls that are cancelled wherever they are."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from typing import Any

import anyio
import httpcore
import pytest

from auriko import AsyncClient
from auriko._http.network_backend import AsyncBackend
from tests.support import cells, transports
from tests.support.acts import deaf, error, hang, ok, stream
from tests.support.cells import ASK
from tests.support.clients import async_client, serving_async
from tests.support.fault_server import Act, AtAccept, Connection, FaultServer, full_backlog
from tests.support.replies import chunk, events, whole_stream

EITHER = pytest.mark.parametrize("anyio_backend", transports.ON_LOOPS, indirect=True)
ON_ASYNCIO = pytest.mark.parametrize("anyio_backend", transports.ON_ASYNCIO, indirect=True)
STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])
LARGE = {**ASK, "messages": [{"role": "user", "content": "x" * 16 * 2**20}]}
SITUATIONS: dict[str, tuple[Act, dict[str, Any]]] = {
    "sending": (deaf, LARGE),
    "waiting": (hang, ASK),
    "sleeping": (error(503, Retry_After="50"), ASK),
    "in the body": (stream(events(chunk()), end="hang"), ASK),
    "in the body before an item": (stream(b"data", end="hang"), ASK),
    "in the body of an error": (stream(b"{", status=400, end="hang"), ASK),
}
IN = pytest.mark.parametrize("situation", SITUATIONS)
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("wire")]


async def read(client: AsyncClient, ask: dict[str, Any], *, streamed: bool) -> None:
    reply = await client.chat.completions.create(**ask, stream=streamed)
    if streamed:
        async for _ in reply:
            pass


async def until_stuck(server: FaultServer) -> None:
    """The call has gone as far as it can."""
    with anyio.fail_after(5):
        await anyio.to_thread.run_sync(server.wait_for, 1)
    await anyio.sleep(0.03)


async def assert_nothing_is_left(server: FaultServer, client: AsyncClient) -> None:
    await cells.assert_clean_async(client)
    await client.close()
    await anyio.to_thread.run_sync(server.wait_until_unused)


@ON_ASYNCIO
@IN
@STREAMED
async def test_l5_task_is_cancelled(anyio_backend: str, situation: str, streamed: bool) -> None:
    act, ask = SITUATIONS[situation]
    async with serving_async(act) as (server, client):
        task = asyncio.create_task(read(client, ask, streamed=streamed))
        await until_stuck(server)
        task.cancel("why")
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        if sys.version_info >= (3, 11):  # asyncio did not hand it on before
            assert caught.value.args == ("why",)
        assert task.cancelled()
        await assert_nothing_is_left(server, client)


@ON_ASYNCIO
@STREAMED
async def test_l5_task_is_cancelled_while_it_connects(anyio_backend: str, streamed: bool) -> None:
    with full_backlog() as url:
        async with async_client(base_url=url) as client:
            task = asyncio.create_task(read(client, ASK, streamed=streamed))
            await anyio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await cells.assert_clean_async(client)
            assert all(pool.connections == [] for pool in cells.pools_of(client))


@ON_ASYNCIO
async def test_l5_task_is_cancelled_in_the_tls_handshake(anyio_backend: str) -> None:
    """httpcore forgets the socket there."""
    async with serving_async(AtAccept(hang)) as (server, _):
        url = f"https://127.0.0.1:{server.port}"
        async with async_client(base_url=url) as client:
            task = asyncio.create_task(read(client, ASK, streamed=False))
            await until_stuck(server)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await anyio.to_thread.run_sync(server.wait_until_unused)


@ON_ASYNCIO
async def test_l5_waiting_for_a_slow_call_is_limited_by_asyncio(anyio_backend: str) -> None:
    async with serving_async(hang) as (server, client):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(read(client, ASK, streamed=False), 0.1)
        await assert_nothing_is_left(server, client)


@EITHER
@IN
@STREAMED
async def test_l6_scope_ends(anyio_backend: str, situation: str, streamed: bool) -> None:
    act, ask = SITUATIONS[situation]
    async with serving_async(act) as (server, client):
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:

                async def cancel() -> None:
                    await until_stuck(server)
                    scope.cancel()

                group.start_soon(cancel)
                await read(client, ask, streamed=streamed)
        assert scope.cancelled_caught
        await assert_nothing_is_left(server, client)


@EITHER
async def test_l6_anyio_as_anyio_says(anyio_backend: str) -> None:
    async with serving_async(hang) as (server, client):
        with anyio.move_on_after(0.05) as scope:
            await read(client, ASK, streamed=False)
        assert scope.cancelled_caught
        with pytest.raises(TimeoutError):
            with anyio.fail_after(0.05):
                await read(client, ASK, streamed=True)
        with anyio.move_on_after(5) as outer:
            with anyio.move_on_after(0.05) as inner:
                await read(client, ASK, streamed=False)
            assert inner.cancelled_caught
        assert not outer.cancelled_caught
        await assert_nothing_is_left(server, client)


@EITHER
async def test_l6_scope_is_cancelled_already(anyio_backend: str) -> None:
    async with serving_async(ok) as (server, client):
        for streamed in (False, True):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await read(client, ASK, streamed=streamed)
            assert scope.cancelled_caught
        await cells.assert_clean_async(client)
        await read(client, ASK, streamed=True)
        assert len(server.requests) == 1


@EITHER
async def test_l6_closing_a_stream_is_not_cancelled(anyio_backend: str) -> None:
    async with serving_async(stream(events(chunk()), end="hang")) as (server, client):
        with anyio.CancelScope() as scope:
            async with await client.chat.completions.create(**ASK, stream=True):
                scope.cancel()
        await assert_nothing_is_left(server, client)


@EITHER
async def test_l6_one_fails_and_the_group_cancels_the_rest(anyio_backend: str) -> None:
    async with serving_async(error(400, "invalid_request_error"), hang) as (server, client):
        with pytest.raises(BaseException) as caught:  # noqa: PT011, PT012 - an ExceptionGroup, which 3.10 does not have
            async with anyio.create_task_group() as group:
                for streamed in (True, False, True, False):
                    group.start_soon(lambda s: read(client, ASK, streamed=s), streamed)
        assert [type(error).__name__ for error in caught.value.exceptions] == ["BadRequestError"]
        await assert_nothing_is_left(server, client)


class _Clumsy(httpcore.AsyncNetworkBackend):
    """One whose bookkeeping fails when it is cancelled."""

    async def connect_tcp(self, *_args: Any, **_more: Any) -> httpcore.AsyncNetworkStream:
        try:
            await anyio.sleep(0.05)
        except BaseException:  # noqa: BLE001 - as such bookkeeping does
            raise RuntimeError("Attempted to exit a cancel scope that isn't the current task's") from None
        raise RuntimeError("Something else")


@EITHER
async def test_l5_nothing_foreign_leaves_a_call_that_is_cancelled_while_it_connects(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = AsyncBackend(_Clumsy(), proxied=True)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await backend.connect_tcp("h", 1)
    assert scope.cancelled_caught
    with pytest.raises(httpcore.ConnectError, match="Something else"):
        await backend.connect_tcp("h", 1)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a task does not tell that it is cancelled")
async def test_l5_cancellation_that_was_kept_is_raised() -> None:
    backend = AsyncBackend(_Clumsy(), proxied=True)
    task = asyncio.ensure_future(backend.connect_tcp("h", 1))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def jittery(connection: Connection) -> None:
    """The answer in pieces with short pauses, so that a call may be cancelled anywhere in it."""
    if connection.request is not None and connection.request.json.get("stream"):
        pieces = [whole_stream()[i : i + 200] for i in range(0, len(whole_stream()), 200)]
        stream(*(part for piece in pieces for part in (random.random() * 0.002, piece)))(connection)
    else:
        ok(connection)


async def cancel_at_random(client: AsyncClient, chance: random.Random, *, twice: bool) -> None:
    """One call that is cancelled after some turns of the event loop or some milliseconds."""
    task = asyncio.create_task(read(client, ASK, streamed=chance.random() < 0.5))
    if chance.random() < 0.5:
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)
    else:
        await asyncio.sleep(chance.random() * 0.02)
    task.cancel()
    if twice:
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@ON_ASYNCIO
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
async def test_l7_a_thousand_calls_are_cancelled_anywhere(anyio_backend: str, twice: bool) -> None:
    """httpcore alone loses some of their connections, until every slot of the pool is taken by one."""
    chance = random.Random(7)
    async with serving_async(jittery, max_retries=0) as (server, client):
        await read(client, ASK, streamed=False)
        for _ in range(50):
            await asyncio.gather(*(cancel_at_random(client, chance, twice=twice) for _ in range(20)))
        await cells.assert_clean_async(client)
        await read(client, {**ASK, "user": "last"}, streamed=True)
        assert sum(b'"last"' in request.body for request in server.requests) == 1


@pytest.mark.parametrize("turns", range(4))
async def test_l7_task_is_cancelled_while_it_closes_a_stream(turns: int) -> None:
    async with serving_async(stream(events(chunk()), end="hang")) as (server, client):
        opened = await client.chat.completions.create(**ASK, stream=True)
        closing = asyncio.ensure_future(opened.aclose())
        for _ in range(turns):
            await asyncio.sleep(0)
        closing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await closing
        await opened.aclose()
        await assert_nothing_is_left(server, client)


@EITHER
async def test_l7_scopes_end_anywhere(anyio_backend: str) -> None:
    chance = random.Random(7)
    async with serving_async(jittery, max_retries=0) as (server, client):

        async def one() -> None:
            with anyio.move_on_after(chance.random() * 0.03):
                await read(client, ASK, streamed=chance.random() < 0.5)

        for _ in range(10):
            async with anyio.create_task_group() as group:
                for _ in range(20):
                    group.start_soon(one)
        await cells.assert_clean_async(client)
        await read(client, {**ASK, "user": "last"}, streamed=True)
        assert sum(b'"last"' in request.body for request in server.requests) == 1
