"""Rows L8 to L10 of the fault matrix: one client over event loops, threads and processes."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest

import auriko._http.pool
import auriko._http.shards
from auriko import APIConnectionError, AsyncClient, Client
from tests.support import cells, transports
from tests.support.acts import ok, raw, stream
from tests.support.cells import ASK, KEY
from tests.support.clients import serving, serving_async
from tests.support.fault_server import serve
from tests.support.replies import chunk, events

pytestmark = pytest.mark.anyio
BOTH = pytest.mark.usefixtures("in_threads")
ON_ASYNCIO = pytest.mark.parametrize("anyio_backend", transports.ON_ASYNCIO, indirect=True)
OVER = pytest.mark.parametrize("http_client", transports.TRANSPORTS.values(), ids=transports.TRANSPORTS)


async def text_of(client: AsyncClient, *, streamed: bool) -> str:
    reply = await client.chat.completions.create(**ASK, stream=streamed)
    if streamed:
        return "".join([text async for text in reply.text_deltas()])
    return str(reply.choices[0].message.content)


@OVER
@pytest.mark.parametrize("streamed", [False, True])
def test_l8_one_client_over_three_event_loops(streamed: bool, http_client: Any) -> None:
    with serve(ok) as server:
        client = AsyncClient(api_key=KEY, base_url=server.url, http_client=http_client)
        for count in (1, 2, 3):
            assert asyncio.run(text_of(client, streamed=streamed)) == "Paris."
            server.wait_until_unused()
            assert server.accepted == count, "each event loop has its own connection, closed with it"
        if http_client is None:
            assert anyio.run(lambda: text_of(client, streamed=streamed), backend="trio") == "Paris."
            server.wait_until_unused()
        assert asyncio.run(text_of(client, streamed=streamed)) == "Paris."
        assert len(client._caller.pool._loops) <= 2, "event loops that have ended are forgotten"


@OVER
@pytest.mark.usefixtures("wire")
def test_l8_event_loop_that_is_just_closed_leaves_nothing_open(http_client: Any) -> None:
    """Many loops are closed without their generators being shut down: threads' own, LlamaIndex's, scripts'."""
    with serve(ok) as server:
        client = AsyncClient(api_key=KEY, base_url=server.url, http_client=http_client)
        for count in (1, 2):
            loop = asyncio.new_event_loop()
            assert loop.run_until_complete(text_of(client, streamed=False)) == "Paris."
            loop.close()
            server.wait_until_unused()
            assert server.accepted == count
        gc.collect()


@OVER
def test_l8_one_client_over_event_loops_at_once(http_client: Any) -> None:
    with serve(ok) as server:
        client = AsyncClient(api_key=KEY, base_url=server.url, http_client=http_client)

        async def some() -> list[str]:
            return [await text_of(client, streamed=bool(n % 2)) for n in range(10)]

        def run(backend: str) -> list[str]:
            return anyio.run(some, backend=backend)

        with ThreadPoolExecutor(8) as threads:
            for texts in threads.map(run, ["asyncio", "trio" if http_client is None else "asyncio"] * 8):
                assert texts == ["Paris."] * 10
        server.wait_until_unused()


@OVER
def test_l8_event_loop_that_is_not_shut_down_as_asyncio_run_does(http_client: Any) -> None:
    """As some frameworks do it; the connection closes when the client notices or is dropped."""
    with serve(ok) as server:
        client = AsyncClient(api_key=KEY, base_url=server.url, http_client=http_client)
        for _ in range(3):
            loop = asyncio.new_event_loop()
            try:
                assert loop.run_until_complete(text_of(client, streamed=False)) == "Paris."
                client._caller.pool.give_back(loop.run_until_complete(client._caller.pool.take()))
                loop.run_until_complete(loop.shutdown_asyncgens())
            finally:
                loop.close()
        server.wait_until_unused()


@OVER
def test_l8_client_is_closed_in_one_of_its_event_loops(http_client: Any) -> None:
    """The connections of the other close with it."""
    with serve(ok) as server:
        client = AsyncClient(api_key=KEY, base_url=server.url, http_client=http_client)
        used, closed = threading.Event(), threading.Event()

        async def elsewhere() -> None:
            await text_of(client, streamed=False)
            used.set()
            await asyncio.to_thread(closed.wait, 5)

        async def here() -> None:
            await text_of(client, streamed=False)
            await asyncio.to_thread(used.wait, 5)
            await client.close()
            closed.set()

        thread = threading.Thread(target=asyncio.run, args=(elsewhere(),))
        thread.start()
        asyncio.run(here())
        thread.join(5)
        server.wait_until_unused()


@OVER
def test_l8_client_that_is_dropped_closes_its_connections(http_client: Any) -> None:
    with serve(ok) as server:

        async def main() -> None:
            client = AsyncClient(api_key=KEY, base_url=server.url, http_client=http_client)
            await text_of(client, streamed=False)
            del client
            gc.collect()
            await asyncio.to_thread(server.wait_until_unused)

        asyncio.run(main())
        client = Client(api_key=KEY, base_url=server.url)
        client.chat.completions.create(**ASK)
        del client
        gc.collect()
        server.wait_until_unused()


@BOTH
def test_l9_thirty_two_threads_one_client() -> None:
    with serving(ok) as (server, client):
        together = threading.Barrier(32)

        def work(number: int) -> list[str]:
            together.wait(10)
            texts: list[str] = []
            for turn in range(6):
                if (number + turn) % 2:
                    texts.append("".join(client.chat.completions.create(**ASK, stream=True).text_deltas()))
                else:
                    texts.append(str(client.chat.completions.create(**ASK).choices[0].message.content))
            return texts

        with ThreadPoolExecutor(32) as threads:
            for texts in threads.map(work, range(32)):
                assert texts == ["Paris."] * 6
        assert len(server.requests) == 32 * 6
        assert server.accepted <= 32
        cells.assert_clean(client)


@BOTH
def test_l9_a_thread_closes_what_another_opened() -> None:
    with serving(stream(events(chunk()), end="hang")) as (server, client):
        stream_ = client.chat.completions.create(**ASK, stream=True)
        thread = threading.Thread(target=stream_.close)
        thread.start()
        thread.join()
        server.wait_until_unused()
        cells.assert_clean(client)


FORKED = """
import os, sys, auriko
url, threads, http_client, streamed = sys.argv[1:]
ask = dict(model="m", messages=[{"role": "user", "content": "x"}])

def run(client):
    def text(reply):
        return reply.choices[0].message.content
    if threads:
        if streamed:
            return client.chat.completions.create(**ask, stream=True).collect().choices[0].message.content
        return text(client.chat.completions.create(**ask))
    import asyncio
    async def main():
        reply = await client.chat.completions.create(**ask, stream=bool(streamed))
        return (await reply.collect()).choices[0].message.content if streamed else text(reply)
    return asyncio.run(main())

kind = auriko.Client if threads else auriko.AsyncClient
client = kind(api_key="k", base_url=url, http_client=http_client or None)
assert run(client) == "Paris."
children = []
for _ in range(2):
    pid = os.fork()
    if not pid:
        assert run(client) == "Paris."
        sys.exit(0)
    children.append(pid)
for pid in children:
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert run(client) == "Paris."
"""


@pytest.mark.parametrize("streamed", ["", "1"], ids=["plain", "stream"])
@pytest.mark.parametrize(
    "way", [way for way in transports.WAYS.values() if way.loop != "trio"], ids=lambda way: way.name
)
def test_l10_fork_after_use(way: transports.Way, streamed: str) -> None:
    """Parent and children answer, and no socket is used by two of them."""
    with serve(ok) as server:
        threads = "" if way.loop else "1"
        asked = [server.url, threads, way.settings.get("http_client", ""), streamed]
        command = [sys.executable, "-W", "error", "-c", FORKED, *asked]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(server.requests) == 4
        used = [request.connection for request in server.requests]
        assert len(set(used)) == (3 if threads else 4)
        assert used[0] == used[-1] or not threads, "the parent goes on with its connection"
        server.wait_until_unused()


@BOTH
def test_l10_process_that_takes_itself_for_a_child_opens_its_own_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fork does, seen from inside one process: the parent's connection is kept and never touched."""
    pid = os.getpid()
    with serving(ok) as (server, client):
        client.chat.completions.create(**ASK)
        parents = client._caller.pool._shards
        monkeypatch.setattr(os, "getpid", lambda: pid + 1)
        client.chat.completions.create(**ASK)
        assert server.accepted == 2
        assert auriko._http.pool._inherited[-1] is parents
        assert parents is not None
        parents.opened[
            0
        ].transport.close()  # in a child it closes its copy of the socket, and does not end the parent's connection


@ON_ASYNCIO
async def test_l10_process_that_takes_itself_for_a_child_opens_its_own_connections_async(
    anyio_backend: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pid = os.getpid()
    async with serving_async(ok) as (server, client):
        await client.chat.completions.create(**ASK)
        parents = client._caller.pool._loops
        monkeypatch.setattr(os, "getpid", lambda: pid + 1)
        await client.chat.completions.create(**ASK)
        assert server.accepted == 2
        assert auriko._http.pool._inherited[-1] is parents
        for left in parents.values():
            await left.guard.aclose()


def test_l10_fork_during_a_stream() -> None:
    """The child may drop the parent's stream without harming it."""
    program = """
import os, sys, auriko
client = auriko.Client(api_key="k", base_url=sys.argv[1])
ask = dict(model="m", messages=[{"role": "user", "content": "x"}])
stream = client.chat.completions.create(**ask, stream=True)
first = next(stream)
pid = os.fork()
if not pid:
    os._exit(0 if client.chat.completions.create(**ask).choices else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert len(list(stream)) == 3
"""
    with serve(ok) as server:
        done = subprocess.run([sys.executable, "-c", program, server.url], capture_output=True, check=False, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert len({request.connection for request in server.requests}) == 2


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_hundred_clients_leave_nothing() -> None:
    with serve(ok) as server:
        before = open_files()
        for _ in range(100):
            with Client(api_key=KEY, base_url=server.url) as client:
                client.chat.completions.create(**ASK)
        server.wait_until_unused()
        assert open_files() <= before + 2


async def _use(client: Any) -> None:
    await text_of(client, streamed=False)


@OVER
def test_a_hundred_async_clients_leave_nothing(http_client: Any) -> None:
    async def main(url: str) -> None:
        for _ in range(100):
            async with AsyncClient(api_key=KEY, base_url=url, http_client=http_client) as client:
                await _use(client)

    with serve(ok) as server:
        before = open_files()
        asyncio.run(main(server.url))
        server.wait_until_unused()
        assert open_files() <= before + 2


def one_connection_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auriko._http.shards, "SHARD_SIZE", 1)
    monkeypatch.setattr(auriko._http.shards, "SHARDS", 3)
    monkeypatch.setattr(auriko._http.shards, "KEEP_UNUSED", 0.0)


def test_shards_are_opened_for_calls_at_once_and_closed_when_unused(monkeypatch: pytest.MonkeyPatch) -> None:
    one_connection_a_shard(monkeypatch)
    with serving(ok) as (server, client):
        opened = [client.chat.completions.create(**ASK, stream=True) for _ in range(3)]
        assert len(client._caller.pool.transports()) == server.accepted == 3
        for each in opened:
            assert each.collect().choices[0].message.content == "Paris."
        for left in (2, 1, 1):
            client.chat.completions.create(**ASK)
            assert len(client._caller.pool.transports()) == left


async def test_shards_are_opened_for_calls_at_once_and_closed_when_unused_async(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_connection_a_shard(monkeypatch)
    async with serving_async(ok) as (server, client):
        opened = [await client.chat.completions.create(**ASK, stream=True) for _ in range(3)]
        assert len(client._caller.pool.transports()) == server.accepted == 3
        for each in opened:
            assert (await each.collect()).choices[0].message.content == "Paris."
        for left in (2, 1, 1):
            await client.chat.completions.create(**ASK)
            assert len(client._caller.pool.transports()) == left


def test_pool_that_was_closed_meanwhile_opens_nothing_more() -> None:
    with serving(ok) as (server, client):
        client.close()
        with pytest.raises(APIConnectionError, match="closed"):
            client._caller.pool.take()
        assert server.accepted == 0


def test_child_process_leaves_what_its_parents_calls_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = stream(events(chunk()), end="hang")
    with serving(hanging) as (_server, client), client.chat.completions.create(**ASK, stream=True) as held:
        (pool,) = cells.pools_of(client)
        pid = os.getpid()
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: pid + 1)
            client._caller.pool.discard(held._channel._shard, held._channel._mark)
        assert len(pool._requests) == 1


@pytest.mark.parametrize(("note", "text"), [(b"caf\xc3\xa9", "caf\u00e9"), (b"caf\xe9", "caf\u00e9")])
@BOTH
def test_headers_in_utf8_and_latin1(note: bytes, text: str) -> None:
    answer = b'HTTP/1.1 200 OK\r\nx-note: %s\r\ncontent-length: 14\r\n\r\n{"choices":[]}' % note
    with serving(raw(answer)) as (_server, client):
        headers = client.chat.completions.create(**ASK).response_headers
        assert headers is not None
        assert headers["x-note"] == text
