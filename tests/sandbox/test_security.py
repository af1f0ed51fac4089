"""Who is let in, what is refused, and clients that are slow, broken or many."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from auriko.sandbox import Sandbox
from support.watched_engine import WatchedEngine

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
KEY = "a-key-of-my-own"


def port_of(sandbox: Sandbox) -> int:
    return httpx.URL(sandbox.base_url).port or 0


def raw_request(body: bytes, **headers: str) -> bytes:
    lines = ["POST /v1/chat/completions HTTP/1.1", "Host: 127.0.0.1", "Authorization: Bearer ak_sandbox_key"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False


def test_it_listens_on_this_machine_alone(sandbox):
    with socket.create_connection(("127.0.0.1", port_of(sandbox))):
        pass
    with pytest.raises(OSError, match=r".+"), socket.create_connection(("127.0.0.2", port_of(sandbox)), timeout=5):
        pass


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "[::1]", "my.localhost", "LOCALHOST."])
def test_names_of_this_machine_are_answered(steady_http, host):
    assert steady_http.get("/models", headers={"Host": f"{host}:4010"}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/directory/models", "/sandbox/report", "/sandbox/decisions"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:4010", "localhost.evil.example", "10.0.0.1", "[::", ""])
def test_a_name_that_somebody_else_leads_here_is_refused(steady_http, path, host):
    """A page of evil.example whose name is made to mean 127.0.0.1 could read all of this (DNS rebinding)."""
    url = str(steady_http.base_url).removesuffix("/v1/") + path
    reply = steady_http.get(url, headers={"Host": host})
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "insufficient_permissions")


def test_with_a_key_of_ones_own_every_name_is_answered_and_nothing_is_open(start_sandbox):
    http = start_sandbox(api_key=KEY)
    root = str(http.base_url).removesuffix("/v1/")
    for path in ("/v1/models", "/sandbox/report", "/sandbox/decisions"):
        assert http.get(root + path, headers={"Host": "gpu-box.lan"}).status_code == 200
        for key in ("ak_sandbox_key", KEY[:-1], KEY + "x", "ä" * 9):
            headers = {"Authorization": f"Bearer {key}".encode()}
            assert http.get(root + path, headers=headers).status_code == 401, (path, key)


@pytest.mark.parametrize("key", ["", "short", "with a space", "newline\n1234", "ümläute-12"])
def test_a_key_that_nobody_could_send_is_refused(key):
    with pytest.raises(ValueError, match="8 to 512 characters") as caught:
        Sandbox(api_key=key)
    assert not key or key not in str(caught.value)


def test_the_body_of_a_stranger_is_not_kept(start_sandbox):
    http = start_sandbox(api_key=KEY)
    reply = http.post("/chat/completions", content=b"[" * 1_000_000, headers={"Authorization": "Bearer ak_another"})
    assert reply.json()["error"]["code"] == "invalid_api_key"  # and not that its JSON is too deep


@pytest.fixture
def impatient(monkeypatch) -> Iterator[Sandbox]:
    monkeypatch.setattr("auriko.sandbox.server._REQUEST_SECONDS", 0.2)
    with Sandbox(engines=[WatchedEngine("quote")]) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"POST /v1/chat/completions HT",
        raw_request(b"", Content_Length="100"),
        raw_request(b'{"mod', Content_Length="100"),
        raw_request(b'5\r\n{"mod\r\n', Transfer_Encoding="chunked"),
    ],
    ids=["nothing", "half a line", "no body", "half a body", "half of its chunks"],
)
def test_a_request_that_never_comes_to_its_end_is_given_up(impatient, beginning):
    with socket.create_connection(("127.0.0.1", port_of(impatient)), timeout=10) as connection:
        connection.sendall(beginning)
        assert connection.recv(1000) == b""


def test_a_request_in_drips_is_given_up_too(impatient):
    with socket.create_connection(("127.0.0.1", port_of(impatient)), timeout=10) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\n")
        connection.settimeout(0.02)
        with contextlib.suppress(ConnectionError):
            while not is_closed(connection):
                connection.sendall(b"X-More: 1\r\n")


def test_an_answer_may_take_longer_than_a_request(impatient):
    slow = {"X-Sandbox-Fault": "slow;seconds=0.5", "Authorization": f"Bearer {impatient.api_key}"}
    assert httpx.post(f"{impatient.base_url}/chat/completions", json=BODY, headers=slow).status_code == 200


def test_many_broken_clients_at_once_keep_nobody_out(http, sandbox):
    with contextlib.ExitStack() as stack:
        for number in range(60):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port_of(sandbox)), timeout=10))
            body = json.dumps({**BODY, "stream": True}).encode()
            whole = raw_request(body, Content_Length=str(len(body)))
            connection.sendall([whole[:40], whole[:-5], whole, b"\x00" * 50][number % 4])
            if number % 3 == 0:  # gone, by a reset
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
        assert http.post("/chat/completions", json=BODY).status_code == 200


def test_a_client_that_does_not_read_holds_up_nobody(http, sandbox, quick, slow):
    quick.text = slow.text = "word " * 20_000
    body = json.dumps({**BODY, "stream": True}).encode()
    with socket.create_connection(("127.0.0.1", port_of(sandbox))) as connection:
        connection.sendall(raw_request(body, Content_Length=str(len(body))))
        connection.recv(10)
        quick.text = slow.text = "Short."
        assert http.post("/chat/completions", json=BODY).json()["choices"][0]["message"]["content"] == "Short."


def test_nobody_else_is_called():
    """Whatever a request names: the interpreter itself tells of every connection and every look-up of a name."""
    program = """
import sys
called = []
calls = {"socket.connect", "socket.getaddrinfo"}
sys.addaudithook(lambda event, about: called.append(about) if event in calls else None)
import httpx
from auriko.sandbox import Sandbox
with Sandbox(engines=["quote"]) as sandbox:
    http = httpx.Client(base_url=sandbox.base_url, headers={"Authorization": "Bearer ak_sandbox_key"}, trust_env=False)
    url = "http://pictures.example/a.png"
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": f"What is at {url}?"}]
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": parts}]}
    print(http.post("/chat/completions", json=body).status_code)
    tools = [{"type": "web_search"}]
    print(http.post("/responses", json={"model": "gpt-4o", "input": "News?", "tools": tools}).status_code in {200, 400})
    for path in ("/models", "/directory/models", "/me"):
        http.get(path)
    port = httpx.URL(sandbox.base_url).port
    mine = [about for about in called if port in about or ("127.0.0.1", port) in about]
    print(len(mine) > 0, [about for about in called if about not in mine])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "200\nTrue\nTrue []\n", done.stderr


def test_two_hundred_streams_at_once(sandbox):
    """All are open before the first is read."""
    streams = 200

    async def run() -> list[str]:
        everyone, begun = asyncio.Event(), 0
        limits = httpx.Limits(max_connections=None)
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}

        async def one(client: httpx.AsyncClient) -> str:
            nonlocal begun
            url = f"{sandbox.base_url}/chat/completions"
            async with client.stream("POST", url, json={**BODY, "stream": True}) as reply:
                begun += 1
                if begun == streams:
                    everyone.set()
                await everyone.wait()
                return (await reply.aread()).decode()

        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=120) as client:
            return await asyncio.gather(*(one(client) for _ in range(streams)))

    answers = asyncio.run(run())
    assert all(answer.endswith("data: [DONE]\n\n") for answer in answers)
    assert sandbox.report["statuses"] == {"200": streams}
    assert sandbox.report["connections"] == streams
