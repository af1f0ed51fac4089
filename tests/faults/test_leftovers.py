"""What comes over a connection beside a reply is never taken for the reply to another call (RFC 9112, 6.3 and 9.3)."""

import gzip
import json
from typing import Any

import anyio
import pytest

from auriko import AsyncClient, Client
from tests.support import replies, ways
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


def ask(way: ways.Way, url: str, *, streamed: bool) -> list[str]:
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
@pytest.mark.parametrize("way", ways.WAYS)
@pytest.mark.usefixtures("wire")
def test_what_follows_a_reply_is_not_the_next_one(way: str, form: str) -> None:
    wrong = {}
    for name, leftover in LEFTOVERS.items():
        if (way, name) == ("aiohttp", "junk"):
            continue  # aiohttp's parser refuses the reply itself

        def answer(connection: Connection, leftover: bytes = leftover) -> None:
            connection.send(message(f"Call {len(server.requests)}.", form) + leftover)

        with serve(answer) as server:
            texts = ask(ways.WAYS[way], server.url, streamed=form == "stream")
            connections = 1 if (way, name) == ("aiohttp", "line") else 3  # which passes over empty lines
            if (texts, len(server.requests), server.accepted) != (CALLS, 3, connections):
                wrong[name] = texts, len(server.requests), server.accepted
    assert not wrong
