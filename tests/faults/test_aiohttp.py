"""What is special about `http_client="aiohttp"`; all else that it promises is in the other files, beside httpx."""

from __future__ import annotations

import asyncio
import base64
import copy
import gc
import pickle
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

import auriko._http.aiohttp
from auriko import APIConnectionError, APITimeoutError, AsyncClient, Client, NotFoundError, StreamInterruptedError
from tests.support import cells
from tests.support.acts import close, deaf, error, ok, raw, reply, stream
from tests.support.cells import ASK, KEY
from tests.support.fault_server import FaultServer, serve
from tests.support.replies import chunk, events, whole_stream
from tests.support.tls import Authority

pytestmark = pytest.mark.anyio
LARGE = {**ASK, "messages": [{"role": "user", "content": "x" * 16 * 2**20}]}
TWO = events(chunk("Pa"), chunk("ris"))


def client_of(server: FaultServer, **settings: Any) -> AsyncClient:
    return AsyncClient(**{"api_key": KEY, "base_url": server.url, "http_client": "aiohttp", **settings})


async def create(client: AsyncClient) -> Any:
    return await client.chat.completions.create(**ASK)


async def test_it_is_used() -> None:
    with serve(ok) as server:
        async with client_of(server) as client:
            assert (await client.chat.completions.create(**ASK)).request_id == "req_1"
            (transport,) = client._caller.pool.transports()
            assert type(transport) is auriko._http.aiohttp.AiohttpTransport
            assert cells.connections_of(client) == 1
            assert server.requests[0].header("Authorization") == f"Bearer {KEY}"
            assert server.requests[0].header("Accept-Encoding") == "gzip, deflate"


def test_nothing_but_a_call_imports_it() -> None:
    program = """
import sys, auriko
auriko.AsyncClient(api_key="k", http_client="aiohttp")
assert "aiohttp" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


async def test_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(ok) as server:
        pickled = pickle.dumps(client_of(server, pickle_api_key=True))
        monkeypatch.setitem(sys.modules, "auriko._http.aiohttp", None)
        with pytest.raises(APIConnectionError, match=r'pip install "auriko\[aiohttp\]"') as caught:
            await create(pickle.loads(pickled))  # noqa: S301 - it is ours
        assert not caught.value.is_retryable
        assert server.requests == []
        monkeypatch.setitem(sys.modules, "aiohttp", None)
        with pytest.raises(ImportError, match=r'pip install "auriko\[aiohttp\]"'):
            client_of(server)


@pytest.mark.parametrize("wrong", ["httpx", object()])
def test_other_values_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"http_client is an httpx\.AsyncClient or 'aiohttp', not "):
        AsyncClient(api_key=KEY, http_client=wrong)
    with pytest.raises(TypeError, match=r"http_client is an httpx\.Client, not str"):
        Client(api_key=KEY, http_client="aiohttp")  # type: ignore[arg-type]


def test_trio_is_refused() -> None:
    async def call(server: FaultServer) -> None:
        async with client_of(server) as client:
            with pytest.raises(APIConnectionError, match="http_client='aiohttp' runs on asyncio alone") as caught:
                await client.chat.completions.create(**ASK)
            assert caught.value.attempts == 1

    with serve(ok) as server:
        anyio.run(call, server, backend="trio")
        assert server.accepted == 0


COPIES: dict[str, Callable[[AsyncClient], AsyncClient]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda client: pickle.loads(pickle.dumps(client)),  # noqa: S301 - it is ours
    "with_options": lambda client: client.with_options(max_retries=0),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
async def test_copies_use_it_too(copied: Callable[[AsyncClient], AsyncClient]) -> None:
    with serve(ok) as server:
        async with client_of(server, pickle_api_key=True) as client, copied(client) as twin:
            await twin.chat.completions.create(**ASK)
            assert len(cells.connectors_of(twin)) == 1


async def test_a_thousand_calls_are_in_flight_at_once() -> None:
    """aiohttp alone would let a hundred go."""
    arrived, all_there = 0, asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        await reader.readuntil(b"\r\n\r\n")
        arrived += 1
        if arrived == 1000:
            all_there.set()
        await all_there.wait()
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{"choices":[]}')
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        async with AsyncClient(api_key=KEY, base_url=f"http://127.0.0.1:{port}", http_client="aiohttp") as client:
            await asyncio.gather(*(client.chat.completions.create(**ASK) for _ in range(1000)))
            cells.assert_clean(client)


async def test_time_that_the_caller_takes_is_not_counted() -> None:
    """aiohttp alone would count it, and end a stream because its reader is slow."""
    with serve(stream(events(chunk()), 0.05, events(chunk()), 0.4, whole_stream())) as server:
        async with client_of(server, timeout=0.2, stream_idle_timeout=0.25) as client:
            stream_ = await client.chat.completions.create(**ASK, stream=True)
            await anext(stream_)
            await anext(stream_)
            await asyncio.sleep(0.35)
            assert len([item async for item in stream_]) == 4


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("compressed", [False, True])
async def test_what_came_before_a_cut_is_delivered_to_a_slow_reader(end: str, compressed: bool) -> None:
    """aiohttp alone would throw it away."""
    compressor = zlib.compressobj(wbits=31) if compressed else None

    def sent(data: bytes) -> bytes:
        return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH) if compressor else data

    headers = {"content_encoding": "gzip"} if compressed else {}
    with serve(stream(sent(TWO), 0.05, sent(TWO), 0.05, sent(TWO), 0.05, end=end, **headers)) as server:
        async with client_of(server) as client:
            stream_ = await client.chat.completions.create(**ASK, stream=True)
            await asyncio.sleep(0.3)
            with pytest.raises(StreamInterruptedError) as caught:
                [item async for item in stream_]
            assert caught.value.items_received == 6


async def test_no_bounds_of_time() -> None:
    with serve(stream(events(chunk()), 0.05, whole_stream())) as server:
        async with client_of(server, timeout=httpx.Timeout(None)) as client:
            stream_ = await client.chat.completions.create(**ASK, stream=True)
            assert len([item async for item in stream_]) == 5


async def test_path_is_sent_as_it_is_escaped() -> None:
    with serve(error(404, "not_found_error")) as server:
        async with client_of(server) as client:
            with pytest.raises(NotFoundError):
                await client.models.retrieve("..")
            assert server.requests[0].target == "/v1/models/%2E%2E"


async def test_get_is_not_repeated_behind_our_back() -> None:
    with serve(ok, close, ok) as server:
        async with client_of(server, max_retries=0) as client:
            await client.chat.completions.create(**ASK)
            with pytest.raises(APIConnectionError):
                await client.models.retrieve("m")
            assert len(server.requests) == 2


async def test_cookies_are_not_kept() -> None:
    with serve(reply(200, {"choices": []}, set_cookie="who=me")) as server:
        # By name: of an address aiohttp keeps none anyway.
        async with client_of(server, base_url=f"http://localhost:{server.port}") as client:
            for _ in range(2):
                await client.chat.completions.create(**ASK)
            assert [request.header("Cookie") for request in server.requests] == [None, None]


async def test_large_request_arrives() -> None:
    with serve(ok) as server:
        async with client_of(server) as client:
            await client.chat.completions.create(**LARGE)
            assert server.requests[0].json["messages"] == LARGE["messages"]


async def test_sending_takes_too_long() -> None:
    """aiohttp alone would go on for ever."""
    with serve(deaf) as server:
        async with client_of(server, max_retries=0, timeout=httpx.Timeout(5, write=0.1)) as client:
            with pytest.raises(APITimeoutError, match="while sending the request"):
                await client.chat.completions.create(**LARGE)
            await cells.assert_clean_async(client)
        await anyio.to_thread.run_sync(server.wait_until_unused)


async def test_connection_that_others_free_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auriko._http.shards.SHARD_SIZE", 1)
    monkeypatch.setattr("auriko._http.shards.SHARDS", 1)
    with serve(ok) as server:
        async with client_of(server) as client:
            await asyncio.gather(*(client.chat.completions.create(**ASK) for _ in range(5)))
            assert server.accepted == 1


async def test_connections_are_closed_by_somebody_else() -> None:
    with serve(stream(TWO, end="hang")) as server:
        async with client_of(server) as client:
            stream_ = await client.chat.completions.create(**ASK, stream=True)
            await anext(stream_)
            await anext(stream_)
            await cells.connectors_of(client)[0].close()
            with pytest.raises(StreamInterruptedError):
                await anext(stream_)


async def test_client_is_closed_while_another_task_waits() -> None:
    with serve(stream(TWO, end="hang")) as server:
        client = client_of(server, timeout=60)

        async def read() -> None:
            async for _ in await client.chat.completions.create(**ASK, stream=True):
                pass

        task = asyncio.create_task(read())
        await anyio.to_thread.run_sync(server.wait_for, 1)
        await asyncio.sleep(0.05)
        await client.close()
        with pytest.raises(StreamInterruptedError):
            await asyncio.wait_for(task, 5)
        await anyio.to_thread.run_sync(server.wait_until_unused)


async def test_errors_hold_nothing_of_the_request() -> None:
    """The exceptions of aiohttp do, with the key in its headers."""
    with serve(raw(b"rubbish\r\n\r\n")) as server:
        async with client_of(server, max_retries=0) as client:
            with pytest.raises(APIConnectionError) as caught:
                await client.chat.completions.create(**ASK)
    cause: BaseException | None = caught.value
    kinds: list[str] = []
    while cause is not None:
        kinds.append(type(cause).__module__.partition(".")[0])
        assert KEY not in repr(vars(cause))
        cause = cause.__cause__ or cause.__context__
    assert kinds == ["auriko", "httpx"]


def test_event_loop_that_is_just_closed() -> None:
    """asyncio closes the sockets; aiohttp would complain of its session too."""
    with serve(ok) as server:
        client = client_of(server)
        loop = asyncio.new_event_loop()
        loop.run_until_complete(create(client))
        complaints: list[Any] = []
        loop.set_exception_handler(lambda _loop, context: complaints.append(context))
        loop.close()
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            assert asyncio.run(create(client))
            del loop
            gc.collect()
        assert complaints == []
        assert not [warning for warning in seen if "Unclosed" in str(warning.message)]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_is_told_its_credentials_and_nobody_else(
    scheme: str,
    trusted: None,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.faults.test_connecting import tunnel_to

    with (
        serve(ok, tls=authority.server("gateway.localhost")) as server,
        serve(tunnel_to(server.port) if scheme == "https" else ok) as proxy,
    ):
        monkeypatch.setenv(f"{scheme}_proxy", f"http://somebody:hunter2@127.0.0.1:{proxy.port}")
        outcome = cells.run("aiohttp plain", f"{scheme}://gateway.localhost", {}, {}, calls=2)
        assert outcome.text == "Paris."
        expected = "Basic " + base64.b64encode(b"somebody:hunter2").decode()
        assert {request.header("Proxy-Authorization") for request in proxy.requests} == {expected}
        assert {request.header("Proxy-Authorization") for request in server.requests} <= {None}
        proxy.wait_until_unused()


async def test_names_of_aiohttp_that_are_its_own_business_are_still_there() -> None:
    """Private ones, which a new version may rename."""
    import aiohttp

    async with aiohttp.ClientSession() as session:
        assert session._retry_connection is True
        assert session.connector is not None
        protocol = session.connector._factory()
        assert protocol._payload is None
        assert protocol._reading_paused is False
    assert callable(aiohttp.StreamReader._read_nowait)
