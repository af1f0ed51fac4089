"""Connections of ours: what goes together, bounds of writes, readers that are slow, ends that nobody waits for."""

import asyncio
import contextlib
import json
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
import pytest

import auriko._http.asyncio_stream
from auriko import APIConnectionError, APITimeoutError, AsyncClient, Client
from auriko._http.asyncio_stream import AsyncioStream
from auriko._http.bounds import readable
from auriko._http.network_backend import _AsyncStream, _Stream
from tests.support import cells
from tests.support.acts import JSON, SSE, Connection, chunked, close, deaf, hang, head, ok, stream
from tests.support.cells import ASK, KEY, transports_of
from tests.support.clients import serving_async
from tests.support.fault_server import AtAccept, FaultServer, nobody_listening, serve
from tests.support.replies import chunk, completion, events, whole_stream
from tests.support.tls import Authority

EVERY_WAY = pytest.mark.parametrize("mode", [mode for mode in cells.TRIO_MODES if mode.endswith("plain")])
OVER_EACH_WIRE = pytest.mark.usefixtures("wire")
BACKENDS = pytest.mark.parametrize("anyio_backend", ["async", "trio"], indirect=True)
LARGE = {**ASK, "messages": [{"role": "user", "content": "x" * 16 * 2**20}]}
pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("mode", ["sync plain", "async plain"])
def test_head_and_body_are_one_packet(mode: str) -> None:
    first: list[bytes] = []

    def act(connection: Connection) -> None:
        first.append(connection.sock.recv(65536))
        connection.unread = first[0]
        connection.request = connection.read_request()
        ok(connection)

    with serve(AtAccept(act)) as server:
        assert cells.run(mode, server.url, {}, {}).described() == "OK"
    assert first[0].startswith(b"POST ")
    assert first[0].endswith(b"}")


@EVERY_WAY
@OVER_EACH_WIRE
def test_large_request_arrives(mode: str) -> None:
    with serve(ok) as server:
        assert cells.run(mode, server.url, {"timeout": 30}, LARGE).described() == "OK"
        assert server.requests[0].json["messages"] == LARGE["messages"]


@EVERY_WAY
@OVER_EACH_WIRE
def test_sending_takes_too_long(mode: str) -> None:
    with serve(deaf) as server:
        settings = {"max_retries": 0, "timeout": httpx.Timeout(5, write=0.1)}
        outcome = cells.run(mode, server.url, settings, LARGE)
        assert isinstance(outcome.error, APITimeoutError)
        assert "while sending the request" in str(outcome.error)


@EVERY_WAY
@OVER_EACH_WIRE
def test_large_request_that_is_taken_slowly_is_no_silence(mode: str) -> None:
    """It is under way for longer than each bound, of which none passes."""

    def act(connection: Connection) -> None:
        taken = bytearray()
        for turn in range(1, 11):
            time.sleep(0.08)
            while len(taken) < turn * 2**20 and (read := connection.sock.recv(65536)):
                taken += read
        connection.unread = bytes(taken)
        connection.request = connection.read_request()
        ok(connection)

    with serve(AtAccept(act)) as server:
        settings = {"max_retries": 0, "timeout": httpx.Timeout(0.5, connect=5)}
        outcome = cells.run(mode, server.url, settings, LARGE)
        assert outcome.described() == "OK", outcome.error


@EVERY_WAY
@OVER_EACH_WIRE
def test_sending_without_a_bound(mode: str) -> None:
    with serve(ok) as server:
        assert cells.run(mode, server.url, {"timeout": httpx.Timeout(None)}, {}).described() == "OK"


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_body_that_comes_with_the_head(mode: str) -> None:
    """As small streams of fast servers do."""

    def act(connection: Connection) -> None:
        connection.send(
            head(200, content_type=SSE, transfer_encoding="chunked") + chunked(whole_stream()) + b"0\r\n\r\n"
        )

    with serve(act) as server:
        outcome = cells.run(mode, server.url, {}, {}, calls=2)
        assert (outcome.described(), outcome.text) == ("OK", "Paris.")
        assert server.accepted == 1


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
def test_chunk_that_is_longer_than_it_says(mode: str) -> None:
    """What came before it is delivered."""
    data = events(chunk("Pa"))
    wrong = chunked(data) + b"%x\r\n%s\r\n" % (len(data) - 3, data)
    sent = head(200, content_type=SSE, transfer_encoding="chunked") + wrong

    def act(connection: Connection) -> None:
        connection.send(sent)
        connection.hang()

    with serve(act) as server:
        outcome = cells.run(mode, server.url, {}, {})
        assert outcome.described() == "CUT@1(1)"
        server.wait_until_unused()


async def test_slow_reader_holds_the_server_up() -> None:
    """So that a long stream does not fill the memory of a program that takes its time."""
    event = events(chunk("x" * 1000))
    sent = 0

    def act(connection: Connection) -> None:
        nonlocal sent
        connection.send(head(200, content_type=SSE, transfer_encoding="chunked"))
        connection.sock.settimeout(0.5)
        framed = chunked(event)
        try:
            while sent < 64 * 2**20:
                connection.send(framed)
                sent += len(framed)
        except TimeoutError:
            connection.reset()

    async with serving_async(act) as (server, client):
        stream_ = await client.chat.completions.create(**ASK, stream=True)
        await asyncio.sleep(0.3)
        async for _ in stream_:
            break
        await asyncio.to_thread(server.wait_until_unused)
        await stream_.close()
    assert 0 < sent < 32 * 2**20


def test_end_that_came_while_no_loop_ran_is_noticed() -> None:
    with serve(ok, close) as server, contextlib.closing(asyncio.new_event_loop()) as loop:
        client = AsyncClient(api_key=KEY, base_url=server.url, max_retries=0)
        loop.run_until_complete(client.chat.completions.create(**ASK))
        server.acts = (ok,)
        for connection in list(server._open.values()):
            connection.sock.shutdown(socket.SHUT_WR)
        time.sleep(0.05)
        assert loop.run_until_complete(client.chat.completions.create(**ASK)).choices
        assert server.accepted == 2
        loop.run_until_complete(client.close())


@BACKENDS
async def test_connections_are_asyncios_own(anyio_backend: str) -> None:
    """A contract with httpcore and anyio: without their private names, each read would cost several times as much."""
    async with serving_async(ok) as (_, client):
        await client.chat.completions.create(**ASK)
        pool: Any = transports_of(client)[0]
        found = pool._pool.connections[0]._connection._network_stream
        assert type(found) is (AsyncioStream if anyio_backend == "asyncio" else _AsyncStream)
        assert found.get_extra_info("is_readable") is False
        assert found.get_extra_info("server_addr")[1] == int(client.base_url.partition("127.0.0.1:")[2].split("/")[0])


@pytest.mark.parametrize("polls", [True, False], ids=["poll", "select, as on Windows"])
def test_socket_tells_whether_it_can_be_read(monkeypatch: pytest.MonkeyPatch, polls: bool) -> None:
    if not polls:
        monkeypatch.delattr(select, "poll")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        can_be_read = readable(ours)
        assert can_be_read() is False
        theirs.close()
        assert can_be_read() is True


@pytest.mark.parametrize("mode", [mode for mode in cells.TRIO_MODES if mode.endswith("stream")])
@pytest.mark.parametrize("wire", ["tcp", "tls", "cut tls"], indirect=True)
def test_connection_of_a_stream_is_used_again(mode: str, wire: str) -> None:
    with serve(stream(whole_stream())) as server:
        outcome = cells.run(mode, server.url, {}, {}, calls=3)
        assert (outcome.described(), outcome.text) == ("OK", "Paris.")
        assert server.accepted == 1


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("mode", cells.TRIO_MODES)
def test_tls_handshake_that_comes_slowly(mode: str, authority: Authority) -> None:
    """A byte at a time."""
    with serve(ok, tls=authority.server()) as server, serve(AtAccept(_dripping(server.port))) as slow:
        url = f"https://127.0.0.1:{slow.port}"
        assert cells.run(mode, url, {}, {}).described() == "OK"
        settings = {"max_retries": 0, "timeout": httpx.Timeout(5, connect=0.05)}
        outcome = cells.run(mode, url, settings, {})
        assert isinstance(outcome.error, APITimeoutError)
        assert "while connecting" in str(outcome.error)


def _dripping(port: int) -> Callable[[Connection], None]:
    """Passes what the server at a port says on, the first 300 bytes of it in small pieces."""

    def act(connection: Connection) -> None:
        with socket.create_connection(("127.0.0.1", port)) as upstream:

            def pass_on() -> None:
                with contextlib.suppress(OSError):
                    while data := connection.sock.recv(65536):
                        upstream.sendall(data)
                    upstream.shutdown(socket.SHUT_WR)

            passing = threading.Thread(target=pass_on)
            passing.start()
            left = 100
            with contextlib.suppress(OSError):
                while data := upstream.recv(3 if left else 65536):
                    left = max(left - 1, 0)
                    time.sleep(0.002 if left else 0)
                    connection.send(data)
                connection.sock.shutdown(socket.SHUT_RDWR)
            passing.join()
            connection.close()

    return act


def _thinks(connection: Connection) -> None:
    time.sleep(0.6)
    ok(connection)


@EVERY_WAY
@pytest.mark.usefixtures("trusted")
def test_the_bound_of_writing_ends_with_the_request(mode: str, authority: Authority) -> None:
    """Over TLS, too: a request that has been sent is waited for, and not sent and billed again."""
    timeout = httpx.Timeout(10, write=0.2)
    with serve(ok, _thinks, tls=authority.server()) as server:
        outcome = cells.run(mode, server.url, {"timeout": timeout, "max_retries": 2}, {}, calls=3)
        assert (outcome.described(), len(server.requests), server.accepted) == ("OK", 3, 1)


def test_user_client_over_a_unix_socket(tmp_path: Path) -> None:
    """Which works as before, beside ours and after it."""
    path = str(tmp_path / "socket")
    with FaultServer((ok,), path=path) as server, httpx.Client(transport=httpx.HTTPTransport(uds=path)) as inner:
        ask = {"json": {**ASK, "stream": False}}
        with Client(api_key=KEY, base_url=server.url, http_client=inner, timeout=2) as client:
            assert client.chat.completions.create(**ASK).choices[0].message.content == "Paris."
            assert client.chat.completions.create(**ASK, stream=True).collect().choices
            assert inner.post(server.url, **ask).json()["choices"]
        assert inner.post(server.url, **ask).json()["choices"]
    assert server.accepted == 1


def test_user_client_that_connects_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its transport's own retries wait as they do without us."""
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    with nobody_listening() as url, httpx.Client(transport=httpx.HTTPTransport(retries=2)) as inner:
        client = Client(api_key=KEY, base_url=url, http_client=inner, max_retries=0)
        with pytest.raises(APIConnectionError):
            client.chat.completions.create(**ASK)
    assert naps == [0, 0.5]


def test_user_client_over_its_own_backend() -> None:
    """What has no socket is read through its own stream."""
    body = json.dumps(completion()).encode()
    answer = head(200, content_type=JSON, content_length=len(body)) + body
    transport = httpx.HTTPTransport()
    pool: Any = transport._pool
    pool._network_backend = httpcore.MockBackend([answer])
    with httpx.Client(transport=transport) as inner, Client(api_key=KEY, http_client=inner) as client:
        assert client.chat.completions.create(**ASK).choices[0].message.content == "Paris."


@pytest.mark.parametrize("mode", cells.TRIO_MODES)
def test_tls_handshake_takes_too_long(mode: str) -> None:
    with serve(AtAccept(hang)) as server:
        settings = {"max_retries": 0, "timeout": httpx.Timeout(5, connect=0.2)}
        outcome = cells.run(mode, f"https://127.0.0.1:{server.port}", settings, {})
        assert isinstance(outcome.error, APITimeoutError)
        server.wait_until_unused()


async def connected(url: str) -> AsyncioStream:
    loop = asyncio.get_running_loop()
    parts = urlsplit(url)
    _, stream = await loop.create_connection(partial(AsyncioStream, loop), parts.hostname, parts.port)
    return stream


async def test_writing_to_a_connection_that_is_closed() -> None:
    with serve(hang) as server:
        found = await connected(server.url)
        await found.aclose()
        with pytest.raises(httpcore.WriteError, match="closed"):
            await found.write(b"x")


async def test_connection_that_is_lost_in_the_tls_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some event loops say so with None."""

    async def start_tls(*_: object, **__: object) -> None:
        pass

    with serve(hang) as server:
        found = await connected(server.url)
        monkeypatch.setattr(found._loop, "start_tls", start_tls)
        with pytest.raises(httpcore.ConnectError, match="closed during the TLS handshake"):
            await found.start_tls(ssl.create_default_context(), "h")
        await found.aclose()


async def test_bound_that_passes_with_the_answer() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    auriko._http.asyncio_stream._fail(future, httpcore.ReadTimeout)
    assert future.result() is None


def test_connection_that_is_lost_while_sending() -> None:
    """As sending to a socket that has been shut says."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        found = _Stream(httpcore.MockStream([]))
        found._socket = ours
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises(httpcore.WriteError):
            found.write(b"x")


def test_socket_that_takes_a_part_at_a_time() -> None:
    taken: list[bytes] = []

    class Socket:
        def gettimeout(self) -> float:
            return 5.0

        def send(self, data: bytes) -> int:
            taken.append(bytes(data[:2]))
            return len(taken[-1])

    found = _Stream(httpcore.MockStream([]))
    sock: Any = Socket()
    found._socket = sock
    found.write(b"abcde", 5.0)
    assert taken == [b"ab", b"cd", b"e"]
