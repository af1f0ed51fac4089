"""What comes over a connection beside a reply is never taken for the reply to another call (RFC 9112, 6.3 and 9.3)."""

import gzip
import json
import time
from typing import Any

import anyio
import pytest

from auriko import AsyncClient, Client
from tests.support import cells, replies, transports
from tests.support.acts import JSON, SSE, Connection, chunked, head
from tests.support.cells import KEY
from tests.support.fault_server import serve

pytestmark = pytest.mark.anyio
FORMS = ["length", "chunks", "gzip", "stream"]
CALLS = ["Call 1.", "Call 2.", "Call 3."]


def message(text: str, form: str) -> bytes:
    """A reply with this text."""
    body = json.dumps(replies.completion(text)).encode()
    if form == "stream":
        events = replies.events(replies.chunk(text, finish_reason="stop"), "[DONE]")
        return head(200, content_type=SSE, transfer_encoding="chunked") + chunked(events) + b"0\r\n\r\n"
    if form == "chunks":
        return head(200, content_type=JSON, transfer_encoding="chunked") + chunked(body[:9], body[9:]) + b"0\r\n\r\n"
    coding = {"content_encoding": "gzip"} if form == "gzip" else {}
    body = gzip.compress(body) if form == "gzip" else body
    return head(200, content_type=JSON, content_length=len(body), **coding) + body


# What follows a reply in the same packet.
LEFTOVERS = {
    "reply": message("Of somebody else.", "length"),
    "line": b"\r\n",
    "junk": b"\x00junk",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n",
}


def ask(way: transports.Way, url: str, *, streamed: bool) -> list[str]:
    """The texts of three calls, one after another, of one client; each call is one request."""
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    if way.loop is None:
        with Client(api_key=KEY, base_url=url, max_retries=0, **way.settings) as client:
            if streamed:
                return ["".join(client.chat.completions.create(**asked, stream=True).text_deltas()) for _ in range(3)]
            return [str(client.chat.completions.create(**asked).choices[0].message.content) for _ in range(3)]

    async def text(client: AsyncClient) -> str:
        if streamed:
            stream = await client.chat.completions.create(**asked, stream=True)
            return "".join([piece async for piece in stream.text_deltas()])
        return str((await client.chat.completions.create(**asked)).choices[0].message.content)

    async def main() -> list[str]:
        async with AsyncClient(api_key=KEY, base_url=url, max_retries=0, **way.settings) as client:
            return [await text(client) for _ in range(3)]

    return anyio.run(main, backend=way.loop)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", transports.WAYS)
@pytest.mark.usefixtures("wire")
def test_what_follows_a_reply_is_not_the_next_one(way: str, form: str) -> None:
    wrong = {}
    for name, leftover in LEFTOVERS.items():

        def answer(connection: Connection, leftover: bytes = leftover) -> None:
            connection.send(message(f"Call {len(server.requests)}.", form) + leftover)

        with serve(answer) as server:
            texts = ask(transports.WAYS[way], server.url, streamed=form == "stream")
            if (texts, len(server.requests), server.accepted) != (CALLS, 3, 3):
                wrong[name] = texts, len(server.requests), server.accepted
    assert not wrong


def framed(name: str, text: str) -> bytes:
    """A reply with this text, in a form that is unusual or forbidden."""
    body = json.dumps(replies.completion(text)).encode()
    whole = head(200, content_type=JSON, content_length=len(body)) + body
    chunks = head(200, content_type=JSON, transfer_encoding="chunked") + chunked(body[:9], body[9:])
    return {
        "interim": head(100) + head(103, link="x") + whole,
        "trailers": chunks + b"0\r\nx-a: 1\r\nx-b: 2\r\n\r\n",
        "extensions": chunks.replace(b"9\r\n", b"9;a=b\r\n", 1) + b"0;c\r\n\r\n",
        "two equal lengths": whole.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % len(body), 1),
        "two lengths": whole.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n", 1),
        "length and chunks": chunks.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n", 1) + b"0\r\n\r\n",
        "too short": head(200, content_type=JSON, content_length=len(body) - 5) + body,
        "too long": head(200, content_type=JSON, content_length=len(body) + 5) + body,
        "no last chunk": chunks,
    }[name]


# What comes of a plain call, and whether its connection is used again.
FRAMES = {
    "interim": ("OK", True),
    "trailers": ("OK", True),
    "extensions": ("OK", True),
    "two equal lengths": ("OK", None),
    "two lengths": ("CONN(1)", False),
    "length and chunks": ("OK", False),
    "too short": ("RESP(1)", False),
    "too long": ("TIME(1)", False),
    "no last chunk": ("TIME(1)", False),
}
REFUSED_BY_SOME = {"two equal lengths", "length and chunks", "too short"}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("mode", [mode for mode in cells.TRIO_MODES if mode.endswith("plain")])
@pytest.mark.usefixtures("wire")
def test_frames_of_replies(mode: str, name: str) -> None:
    """And the reply after it is its own, whatever came before."""
    expected, again = FRAMES[name]

    def answer(connection: Connection) -> None:
        connection.send(framed(name, "First."))

    with serve(answer, lambda connection: connection.send(message("Second.", "length"))) as server:
        settings = {"max_retries": 0, "timeout": 0.3}
        first, second = cells.run_two(mode, server.url, settings)
        refused = first.described() == "CONN(1)"
        assert first.described() == expected or (refused and name in REFUSED_BY_SOME)
        assert (second.described(), second.text) == ("OK", "Second.")
        assert len(server.requests) == 2
        if again is not None:
            assert server.accepted == (1 if again else 2)


@pytest.mark.parametrize("said", [message("Of nobody.", "length"), head(408, content_length=0), b"\r\n", b"x"])
@pytest.mark.parametrize("mode", [mode for mode in cells.TRIO_MODES if mode.endswith("plain")])
@pytest.mark.usefixtures("wire")
def test_what_comes_over_an_idle_connection_answers_no_call(mode: str, said: bytes) -> None:
    def answer(connection: Connection) -> None:
        connection.send(message("First.", "length"))
        time.sleep(0.02)
        connection.send(said)

    with serve(answer, lambda connection: connection.send(message("Second.", "length"))) as server:
        first, second = cells.run_two(mode, server.url, {"max_retries": 0}, pause=0.1)
        assert [first.text, second.text] == ["First.", "Second."]
        assert (len(server.requests), server.accepted) == (2, 2)
