"""Connections on asyncio's transports, by themselves: what is held up, what waits, and what the end of one means."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpcore
import pytest

from auriko._http.asyncio_stream import AsyncioStream

HELD_UP = 64 * 1024
SOON = 0.01  # seconds after which what does not come is given up
LATER = 5.0  # seconds for what does come


class Transport(asyncio.Transport):
    """A transport that notes what it is asked for."""

    def __init__(self, sock: socket.socket, **extra: Any) -> None:
        super().__init__({"socket": sock, "sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2), **extra})
        self.asked: list[Any] = []
        self.closing = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.asked.append(("limits", high, low))

    def pause_reading(self) -> None:
        self.asked.append("pause")

    def resume_reading(self) -> None:
        self.asked.append("resume")

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.asked.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True

    def takes(self) -> list[Any]:
        """What it was asked for since the last time."""
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection's end here, and the one that a server would have."""
    here, there = socket.socketpair()
    with here, there:
        yield here, there


Ends = tuple[socket.socket, socket.socket]
Test = Callable[[AsyncioStream, Transport], Coroutine[Any, Any, None]]


def run(ends: Ends, test: Test, **extra: Any) -> None:
    async def main() -> None:
        transport = Transport(ends[0], **extra)
        stream = AsyncioStream(asyncio.get_running_loop())
        stream.connection_made(transport)
        assert transport.takes() == [("limits", 0, None)]
        await test(stream, transport)

    asyncio.run(main())


def test_what_has_come_is_read_in_order_and_no_more_than_is_asked_for(ends: Ends) -> None:
    async def test(stream: AsyncioStream, transport: Transport) -> None:
        stream.data_received(b"ab")
        stream.data_received(b"cd")
        assert await stream.read(3, SOON) == b"abc"
        assert await stream.read(3, SOON) == b"d"
        assert transport.takes() == []

    run(ends, test)


def test_a_read_waits_for_what_is_to_come_as_long_as_it_may(ends: Ends) -> None:
    async def test(stream: AsyncioStream, _transport: Transport) -> None:
        with pytest.raises(httpcore.ReadTimeout):
            await stream.read(9, SOON)
        reading = asyncio.ensure_future(stream.read(9, LATER))
        await asyncio.sleep(0)
        stream.data_received(b"here")
        stream.data_received(b" it is")
        assert await reading == b"here it i"
        reading = asyncio.ensure_future(stream.read(9))
        assert await reading == b"s"

    run(ends, test)


def test_a_server_is_held_up_while_too_much_is_unread(ends: Ends) -> None:
    async def test(stream: AsyncioStream, transport: Transport) -> None:
        stream.data_received(bytes(HELD_UP))
        assert transport.takes() == []
        stream.data_received(b"x")
        stream.data_received(b"y")
        assert transport.takes() == ["pause"]
        assert len(await stream.read(1, SOON)) == 1
        assert transport.takes() == [], "as much as it was held up for is still unread"
        assert len(await stream.read(1, SOON)) == 1
        assert transport.takes() == ["resume"]
        assert len(await stream.read(HELD_UP, SOON)) == HELD_UP
        assert transport.takes() == []
        stream.data_received(bytes(HELD_UP + 1))
        assert transport.takes() == ["pause"]

    run(ends, test)


def test_a_server_that_has_ended_is_held_up_no_more(ends: Ends) -> None:
    async def test(stream: AsyncioStream, transport: Transport) -> None:
        stream.data_received(bytes(HELD_UP + 1))
        assert transport.takes() == ["pause"]
        stream.connection_lost(None)
        assert len(await stream.read(HELD_UP + 1, SOON)) == HELD_UP + 1
        assert transport.takes() == []

    run(ends, test)


def test_after_the_end_nothing_is_waited_for(ends: Ends) -> None:
    async def ended(stream: AsyncioStream, _transport: Transport) -> None:
        stream.data_received(b"last")
        assert stream.eof_received() is True, "it can still be written to"
        assert await stream.read(9, SOON) == b"last"
        assert await stream.read(9, SOON) == b""

    async def waited(stream: AsyncioStream, _transport: Transport) -> None:
        reading = asyncio.ensure_future(stream.read(9, LATER))
        await asyncio.sleep(0)
        stream.eof_received()
        assert await reading == b""

    async def lost(stream: AsyncioStream, _transport: Transport) -> None:
        stream.connection_lost(None)
        assert await stream.read(9, SOON) == b""

    for test in (ended, waited, lost):
        run(ends, test)


def test_an_end_of_tls_closes_both_directions(ends: Ends) -> None:
    async def test(stream: AsyncioStream, _transport: Transport) -> None:
        assert stream.eof_received() is False

    run(ends, test, ssl_object=object())


def test_a_connection_that_is_lost_is_an_error_after_what_came_before(ends: Ends) -> None:
    async def test(stream: AsyncioStream, transport: Transport) -> None:
        stream.data_received(b"last")
        stream.connection_lost(ConnectionResetError("it was reset"))
        assert await stream.read(9, SOON) == b"last"
        with pytest.raises(httpcore.ReadError, match="it was reset"):
            await stream.read(9, SOON)
        transport.closing = True
        with pytest.raises(httpcore.WriteError, match="it was reset"):
            await stream.write(b"x", SOON)

    run(ends, test)


def test_a_connection_that_was_closed_is_not_written_to(ends: Ends) -> None:
    async def test(stream: AsyncioStream, transport: Transport) -> None:
        await stream.aclose()
        with pytest.raises(httpcore.WriteError, match="The connection is closed"):
            await stream.write(b"x", SOON)
        assert transport.takes() == []

    run(ends, test)


def test_a_connection_is_closed_after_its_loop(ends: Ends) -> None:
    kept: list[AsyncioStream] = []

    async def test(stream: AsyncioStream, _transport: Transport) -> None:
        kept.append(stream)

    run(ends, test)
    with pytest.raises(StopIteration):  # there is no turn of a loop to wait for
        kept[0].aclose().send(None)
    assert kept[0]._transport.is_closing()


def test_a_write_waits_until_it_has_been_sent_as_long_as_it_may(ends: Ends) -> None:
    async def test(stream: AsyncioStream, transport: Transport) -> None:
        await stream.write(b"first", SOON)
        stream.pause_writing()
        with pytest.raises(httpcore.WriteTimeout):
            await stream.write(b"second", SOON)
        writing = asyncio.ensure_future(stream.write(b"third", LATER))
        await asyncio.sleep(0)
        assert not writing.done()
        stream.resume_writing()
        await writing
        await stream.write(b"fourth", SOON)
        stream.pause_writing()
        writing = asyncio.ensure_future(stream.write(b"fifth"))
        await asyncio.sleep(0)
        stream.connection_lost(None)
        await writing
        assert transport.takes() == [b"first", b"second", b"third", b"fourth", b"fifth"]

    run(ends, test)


def test_it_is_readable_with_something_unread_at_its_end_and_by_its_socket(ends: Ends) -> None:
    async def test(stream: AsyncioStream, _transport: Transport) -> None:
        assert stream.get_extra_info("is_readable") is False
        stream.data_received(b"x")
        assert stream.get_extra_info("is_readable") is True
        await stream.read(1, SOON)
        assert stream.get_extra_info("is_readable") is False
        ends[1].send(b"x")
        assert stream.get_extra_info("is_readable") is True
        ends[0].recv(1)
        assert stream.get_extra_info("is_readable") is False
        stream.eof_received()
        assert stream.get_extra_info("is_readable") is True

    run(ends, test)


def test_it_tells_what_httpcore_asks_for(ends: Ends) -> None:
    async def test(stream: AsyncioStream, _transport: Transport) -> None:
        assert stream.get_extra_info("client_addr") == ("127.0.0.1", 1)
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", 2)
        assert stream.get_extra_info("socket") is ends[0]
        assert stream.get_extra_info("ssl_object") is None

    run(ends, test)


def test_tls_takes_the_place_of_the_transport(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(stream: AsyncioStream, transport: Transport) -> None:
        secure = Transport(ends[0])
        answers: list[Any] = [secure, None, ssl.SSLError("no"), TimeoutError("late"), KeyboardInterrupt()]

        async def start_tls(given: Any, *_args: Any, **_more: Any) -> Any:
            assert given is transport
            answer = answers.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        monkeypatch.setattr(asyncio.get_running_loop(), "start_tls", start_tls)
        context = ssl.create_default_context()
        assert await stream.start_tls(context, "h", LATER) is stream
        assert secure.takes() == [("limits", 1, 0)]
        await stream.write(b"x", SOON)
        assert (secure.takes(), transport.takes()) == ([b"x"], [])
        for expected in (httpcore.ConnectError, httpcore.ConnectError, httpcore.ConnectTimeout, KeyboardInterrupt):
            stream._transport = transport
            with pytest.raises(expected):
                await stream.start_tls(context, "h", LATER)

    run(ends, test)
