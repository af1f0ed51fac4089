"""Connections on asyncio to one of several addresses: their order, and what becomes of those that come too late."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from auriko._http import asyncio_connecting
from auriko._http.asyncio_connecting import connect


class Transport(asyncio.Transport):
    """A transport that notes whether it is closed."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True


class Loop(asyncio.SelectorEventLoop):
    """A loop on which a host has these addresses, whose connections are there as soon as `opened` is set."""

    def __init__(self, *addresses: str, silent: str = "", refusing: str = "") -> None:
        super().__init__()
        self.addresses = addresses
        self.silent = silent
        self.refusing = refusing
        self.opened = asyncio.Event()
        self.made: dict[str, Transport] = {}

    async def getaddrinfo(self, host: Any, port: Any, **_more: Any) -> Any:
        kinds = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in self.addresses}
        return [(kinds[address], socket.SOCK_STREAM, 6, "", (address, port)) for address in self.addresses]

    async def create_connection(self, _protocol: Any, host: Any = None, *_args: Any, **_more: Any) -> Any:
        if host == self.refusing:
            raise ConnectionRefusedError
        self.made[host] = Transport()
        await (asyncio.sleep(3600) if host == self.silent else self.opened.wait())
        return self.made[host], host


def test_addresses_are_tried_by_turns_of_their_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio_connecting, "_HEAD_START", 0.001)
    loop = Loop("::1", "::2", "127.0.0.1", "::1", "127.0.0.2")
    loop.call_later(0.1, loop.opened.set)
    loop.run_until_complete(connect("h", 1, None))
    assert list(loop.made) == ["::1", "127.0.0.1", "::2", "127.0.0.2"]
    loop.close()


def test_of_connections_that_come_at_once_one_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio_connecting, "_HEAD_START", 0.001)
    loop = Loop("127.0.0.1", "127.0.0.2", "127.0.0.3")
    loop.call_later(0.1, loop.opened.set)
    chosen: Any = loop.run_until_complete(connect("h", 1, None))
    loop.run_until_complete(asyncio.sleep(0))
    assert {host for host, transport in loop.made.items() if not transport.aborted} == {chosen}
    loop.close()


def test_an_address_that_is_silent_is_given_up_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio_connecting, "_HEAD_START", 0.001)
    loop = Loop("127.0.0.1", "127.0.0.2", silent="127.0.0.1")
    said: list[Any] = []
    loop.set_exception_handler(lambda _loop, context: said.append(context))
    loop.opened.set()
    chosen: Any = loop.run_until_complete(connect("h", 1, None))
    loop.run_until_complete(asyncio.sleep(0))
    assert (chosen, said, asyncio.all_tasks(loop)) == ("127.0.0.2", [], set())
    loop.close()


def test_the_last_address_refuses_while_the_first_is_still_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio_connecting, "_HEAD_START", 0.001)
    loop = Loop("127.0.0.1", "127.0.0.2", refusing="127.0.0.2")
    loop.call_later(0.1, loop.opened.set)
    chosen: Any = loop.run_until_complete(connect("h", 1, None))
    assert chosen == "127.0.0.1"
    loop.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_address_is_not_looked_for(address: str) -> None:
    loop = Loop("127.0.0.2")
    loop.opened.set()
    loop.run_until_complete(connect(address, 1, None))
    assert list(loop.made) == [address]
    loop.close()
