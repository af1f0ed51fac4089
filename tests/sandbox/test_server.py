"""The sandbox's server ends without leaving anything open."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from auriko.sandbox.server import Server, bind


def _run(app: ASGIApp, until: Callable[[], Awaitable[None]], listener: socket.socket) -> None:
    """Serve until `until` returns."""

    class Until(Server):
        async def main_loop(self) -> None:
            await until()

    async def on_end() -> None:
        pass

    Until(app, on_end).run([listener])


# From the moment that a client connects to the one when the loop has its connection open.
@pytest.mark.parametrize("turns", range(8))
def test_a_connection_that_comes_as_the_server_ends_is_closed(turns: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    async def until() -> None:
        client.connect(listener.getsockname())
        for _ in range(turns):
            await asyncio.sleep(0)

    listener = bind("127.0.0.1", 0)
    with socket.socket() as client:
        client.settimeout(5)
        _run(app, until, listener)
        gc.collect()  # Whatever is still open warns, which is an error here.
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_a_request_that_goes_on_is_cancelled_and_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auriko.sandbox.server._SHUTDOWN_SECONDS", 0.05)
    begun = asyncio.Event()
    events: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            events.append("ended")

    async def until() -> None:
        client.connect(listener.getsockname())
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await begun.wait()

    listener = bind("127.0.0.1", 0)
    with socket.socket() as client:
        _run(app, until, listener)
    assert events == ["ended"]
