"""What is special about `http_client="httptools"`; all else that it promises is in the other files, beside httpx."""

from __future__ import annotations

import asyncio
import base64
import copy
import pickle
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpcore
import httpx
import pytest

import auriko._http.httptools_transport
import auriko._http.network_backend
import auriko._http.requests
import auriko._http.shards
from auriko import (
    APIConnectionError,
    APITimeoutError,
    AsyncClient,
    BadRequestError,
    Client,
    NotFoundError,
    StreamInterruptedError,
)
from tests.support import cells
from tests.support.acts import close, deaf, drip, error, ok, raw, reply, stream
from tests.support.cells import ASK, KEY, transports_of
from tests.support.fault_server import FaultServer, serve
from tests.support.replies import chunk, events, whole_stream

pytestmark = pytest.mark.anyio
LARGE = {**ASK, "messages": [{"role": "user", "content": "x" * 16 * 2**20}]}
TWO = events(chunk("Pa"), chunk("ris"))
KINDS = [Client, AsyncClient]


def client_of(server: FaultServer, kind: Any = Client, **settings: Any) -> Any:
    return kind(**{"api_key": KEY, "base_url": server.url, "http_client": "httptools", **settings})


def call(client: Any) -> Any:
    """What a client of either kind says."""
    if isinstance(client, Client):
        return client.chat.completions.create(**ASK)

    async def main() -> Any:
        return await client.chat.completions.create(**ASK)

    return asyncio.run(main())


def test_it_is_used() -> None:
    with serve(ok) as server, client_of(server) as client:
        assert client.chat.completions.create(**ASK).request_id == "req_1"
        (transport,) = transports_of(client)
        assert type(transport) is auriko._http.httptools_transport.HttptoolsTransport
        assert cells.connections_of(client) == 1
        assert server.requests[0].header("Authorization") == f"Bearer {KEY}"
        assert server.requests[0].header("Host") == f"127.0.0.1:{server.port}"


async def test_it_is_used_on_loops() -> None:
    with serve(ok) as server:
        async with client_of(server, AsyncClient) as client:
            await client.chat.completions.create(**ASK)
            (transport,) = transports_of(client)
            assert type(transport) is auriko._http.httptools_transport.AsyncHttptoolsTransport
            assert cells.connections_of(client) == 1


def test_nothing_but_a_call_imports_it() -> None:
    program = """
import sys, auriko
auriko.AsyncClient(api_key="k", http_client="httptools")
auriko.Client(api_key="k", http_client="httptools")
assert "httptools" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_extra_is_missing(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(ok) as server:
        pickled = pickle.dumps(client_of(server, kind, pickle_api_key=True))
        monkeypatch.setitem(sys.modules, "auriko._http.httptools_transport", None)
        monkeypatch.delattr("auriko._http.httptools_transport")
        with pytest.raises(APIConnectionError, match=r'pip install "auriko\[fast\]"') as caught:
            call(pickle.loads(pickled))  # noqa: S301 - it is ours
        assert not caught.value.is_retryable
        assert server.requests == []
        monkeypatch.setitem(sys.modules, "httptools", None)
        with pytest.raises(ImportError, match=r'pip install "auriko\[fast\]"'):
            client_of(server, kind)


@pytest.mark.parametrize("wrong", ["httpx", object()])
@pytest.mark.parametrize("kind", KINDS)
def test_other_values_are_refused(kind: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match=rf"http_client is an httpx\.{kind.__name__} or 'httptools', not "):
        kind(api_key=KEY, http_client=wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_environment_names_it(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, expected in {"httptools": "httptools", "httpx": None, "": None}.items():
        monkeypatch.setenv("AURIKO_HTTP_CLIENT", name)
        assert kind(api_key=KEY)._caller.pool.http_client == expected
    monkeypatch.setenv("AURIKO_HTTP_CLIENT", "curl")
    with pytest.raises(ValueError, match="AURIKO_HTTP_CLIENT is 'httptools' or 'httpx'"):
        kind(api_key=KEY)


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda client: pickle.loads(pickle.dumps(client)),  # noqa: S301 - it is ours
    "with_options": lambda client: client.with_options(max_retries=0),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_copies_use_it_too(copied: Callable[[Any], Any]) -> None:
    with serve(ok) as server, client_of(server, pickle_api_key=True) as client, copied(client) as twin:
        twin.chat.completions.create(**ASK)
        assert len(cells.own_transports(twin)) == 1


async def test_a_thousand_calls_are_in_flight_at_once() -> None:
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
        async with AsyncClient(api_key=KEY, base_url=f"http://127.0.0.1:{port}", http_client="httptools") as client:
            await asyncio.gather(*(client.chat.completions.create(**ASK) for _ in range(1000)))
            cells.assert_clean(client)


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("compressed", [False, True])
async def test_what_came_before_a_cut_is_delivered_to_a_slow_reader(end: str, compressed: bool) -> None:
    compressor = zlib.compressobj(wbits=31) if compressed else None

    def sent(data: bytes) -> bytes:
        return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH) if compressor else data

    headers = {"content_encoding": "gzip"} if compressed else {}
    with serve(stream(sent(TWO), 0.05, sent(TWO), 0.05, sent(TWO), 0.05, end=end, **headers)) as server:
        async with client_of(server, AsyncClient) as client:
            stream_ = await client.chat.completions.create(**ASK, stream=True)
            await asyncio.sleep(0.3)
            with pytest.raises(StreamInterruptedError) as caught:
                [item async for item in stream_]
            assert caught.value.items_received == 6


def test_no_bounds_of_time() -> None:
    act = stream(events(chunk()), 0.05, whole_stream())
    with serve(act) as server, client_of(server, timeout=httpx.Timeout(None)) as client:
        assert len(list(client.chat.completions.create(**ASK, stream=True))) == 5


def test_path_is_sent_as_it_is_escaped() -> None:
    with serve(error(404, "not_found_error")) as server, client_of(server) as client:
        with pytest.raises(NotFoundError):
            client.models.retrieve("..")
        assert server.requests[0].target == "/v1/models/%2E%2E"


def test_get_is_not_repeated_behind_our_back() -> None:
    with serve(ok, close, ok) as server, client_of(server, max_retries=0) as client:
        client.chat.completions.create(**ASK)
        with pytest.raises(APIConnectionError):
            client.models.retrieve("m")
        assert len(server.requests) == 2


def test_cookies_are_not_kept() -> None:
    with serve(reply(200, {"choices": []}, set_cookie="who=me")) as server, client_of(server) as client:
        for _ in range(2):
            client.chat.completions.create(**ASK)
        assert [request.header("Cookie") for request in server.requests] == [None, None]


def test_sending_takes_too_long() -> None:
    with serve(deaf) as server, client_of(server, max_retries=0, timeout=httpx.Timeout(5, write=0.1)) as client:
        with pytest.raises(APITimeoutError, match="while sending the request"):
            client.chat.completions.create(**LARGE)
        cells.assert_clean(client)
        server.wait_until_unused()


def test_reply_that_comes_before_the_request_has_been_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that refuses a large request says so, and closes without reading the rest."""
    connect = auriko._http.network_backend.Backend.connect_tcp

    def connect_for_a_while(*arguments: Any, **named: Any) -> Any:
        connection = connect(*arguments, **named)
        write = connection.write

        def write_and_fail(data: bytes, patience: float | None) -> None:
            write(data, patience)
            if not data.startswith(b"POST"):
                raise httpcore.WriteError("The connection was closed.")

        monkeypatch.setattr(connection, "write", write_and_fail)
        return connection

    monkeypatch.setattr(auriko._http.network_backend.Backend, "connect_tcp", connect_for_a_while)
    refused = error(413, "invalid_request_error")
    with serve(refused) as server, client_of(server) as client, pytest.raises(BadRequestError):
        client.chat.completions.create(**ASK)


@pytest.mark.parametrize("kind", KINDS)
def test_calls_beyond_the_most_wait_for_a_connection(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auriko._http.shards.SHARD_SIZE", 1)
    monkeypatch.setattr("auriko._http.shards.SHARDS", 1)
    slow = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n", 0.2, b'{"choices":[]}', end="keep")
    with serve(slow) as server:
        client = client_of(server, kind, max_retries=0)

        def both(client: Any, patience: float) -> list[Any]:
            asked = {**ASK, "timeout": httpx.Timeout(5, pool=patience)}
            if kind is Client:
                with ThreadPoolExecutor(2) as threads:
                    waiting = [threads.submit(client.chat.completions.create, **asked) for _ in range(2)]
                return [future.exception() for future in waiting]

            async def main() -> list[Any]:
                calls = (client.chat.completions.create(**asked) for _ in range(2))
                return await asyncio.gather(*calls, return_exceptions=True)

            return asyncio.run(main())

        assert not any(isinstance(outcome, Exception) for outcome in both(client, 5))
        assert server.accepted == 1
        (failed,) = [outcome for outcome in both(client, 0.05) if isinstance(outcome, Exception)]
        assert isinstance(failed, APITimeoutError)
        assert "waiting for a free connection" in str(failed)
        if kind is Client:
            client.close()


def test_idle_connections_are_closed_when_they_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auriko._http.shards.KEEP_UNUSED", 0.1)
    with serve(ok) as server, client_of(server) as client:
        client.chat.completions.create(**ASK)
        time.sleep(0.2)
        client.chat.completions.create(**ASK)
        assert server.accepted == 2
        assert cells.connections_of(client) == 1


def test_client_is_closed_while_a_call_ends() -> None:
    with serve(stream(whole_stream(), end="hang")) as server:
        client = client_of(server)
        stream_ = client.chat.completions.create(**ASK, stream=True)
        next(stream_)
        (transport,) = transports_of(client)
        transport._closed = True  # as another thread does just before this one gives its connection back
        stream_.close()
        assert transport._open == set()
        client.close()


@pytest.mark.parametrize("kind", KINDS)
def test_client_is_closed_while_it_connects(kind: Any) -> None:
    with serve(ok) as server:
        client = client_of(server, kind, max_retries=0)

        def close_meanwhile(shards: Any) -> Any:
            shard = take(shards)
            shard.transport._closed = True
            return shard

        take = auriko._http.shards.Shards.take
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(auriko._http.shards.Shards, "take", close_meanwhile)
            with pytest.raises(APIConnectionError, match="closed meanwhile"):
                call(client)
        server.wait_until_unused()


async def test_client_is_closed_while_another_task_waits() -> None:
    with serve(stream(TWO, end="hang")) as server:
        client = client_of(server, AsyncClient, timeout=60)

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


def test_client_is_closed_while_another_thread_waits() -> None:
    with serve(drip(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", b" ")) as server:
        client = client_of(server, timeout=60)
        failed: list[Exception] = []

        def wait() -> None:
            try:
                client.chat.completions.create(**ASK)
            except APIConnectionError as error:
                failed.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        server.wait_for(1)
        time.sleep(0.05)
        client.close()
        thread.join(5)
        assert len(failed) == 1
        server.wait_until_unused()


def test_header_with_a_line_break_is_not_sent() -> None:
    """Such a header is refused before; this is what stands behind that."""
    request = httpx.Request("POST", "http://h/v1", headers=[(b"X-A", b"1\r\nX-B: 2")])
    with pytest.raises(httpx.LocalProtocolError, match="line break"):
        auriko._http.requests.head_of(request)


@pytest.mark.parametrize("kind", KINDS)
def test_a_proxy_is_left_to_httpx(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(ok) as proxy:
        monkeypatch.setenv("http_proxy", f"http://somebody:hunter2@127.0.0.1:{proxy.port}")
        assert call(client_of(proxy, kind, base_url="http://gateway.localhost")).choices[0].message.content == "Paris."
        expected = "Basic " + base64.b64encode(b"somebody:hunter2").decode()
        assert proxy.requests[0].header("Proxy-Authorization") == expected


def test_a_reply_is_closed_more_than_once() -> None:
    with serve(ok) as server, client_of(server) as client:
        client.chat.completions.create(**ASK)
        (transport,) = transports_of(client)
        request = httpx.Request("GET", server.url, extensions={"timeout": httpx.Timeout(5).as_dict()})
        request.read()
        reply_ = transport.handle_request(request)
        assert reply_.read()
        for _ in range(2):
            reply_.stream.close()
        assert transport._turns._value == 1024
        assert len(transport._idle) == 1
