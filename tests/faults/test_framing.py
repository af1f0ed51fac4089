"""Events however they are framed and cut, over every transport, plain and over TLS: what is read is the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import anyio
import pytest

from tests.support import transports
from tests.support.acts import stream
from tests.support.cells import ASK
from tests.support.clients import serving, serving_async
from tests.support.replies import chunk, last_chunk

TEXT = "é€😀\u2028\u0085\x0b."
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("wire")]


def lines(data: str, *, end: str = "\n", space: str = " ") -> str:
    return "".join(f"data:{space}{line}{end}" for line in data.split("\n"))


def spread(data: str) -> str:
    """The same JSON over several lines."""
    return data if data == "[DONE]" else json.dumps(json.loads(data), indent=1, ensure_ascii=False)


FRAMES: dict[str, Callable[[str], str]] = {
    "LF": lambda data: lines(data) + "\n",
    "CR": lambda data: lines(data, end="\r") + "\r",
    "CRLF": lambda data: lines(data, end="\r\n") + "\r\n",
    "LF, then CR": lambda data: lines(data) + "\r",
    "CR, then CRLF": lambda data: lines(data, end="\r") + "\r\n",
    "CRLF, then CR": lambda data: lines(data, end="\r\n") + "\r",
    "no space": lambda data: lines(data, space="") + "\n",
    "several lines": lambda data: lines(spread(data)) + "\n",
    "several lines and CR": lambda data: lines(spread(data), end="\r") + "\r",
    "several lines and CRLF": lambda data: lines(spread(data), end="\r\n") + "\r\n",
    "comments": lambda data: f": hi\n:\n\n:: x\n{lines(data)}: bye\n\n",
    "other fields": lambda data: f"event: delta\nid: 1\nretry: 5\n{lines(data)}x-y: z\nfoo\n\n",
    "names that are none": lambda data: f"Data: [DONE]\n data: [DONE]\ndata : [DONE]\ndata2: x\n{lines(data)}\n",
    "blocks without data": lambda data: f"id: 1\n\nretry: 5\n\ndata:\n\ndata\n\n{lines(data)}\n",
    "blank lines": lambda data: f"\n\n{lines(data)}\n\n\n",
    "NUL in an id": lambda data: f"id: a\0b\n{lines(data)}\n",
}
EVENTS = [chunk("Pa"), chunk(TEXT, finish_reason="stop"), last_chunk()]


def framed(frame: Callable[[str], str]) -> bytes:
    data = [*(json.dumps(event, ensure_ascii=False) for event in EVENTS), "[DONE]"]
    return "".join(map(frame, data)).encode()


BODIES = {
    **{name: framed(frame) for name, frame in FRAMES.items()},
    "a byte order mark": b"\xef\xbb\xbf" + framed(FRAMES["LF"]),
    "a byte order mark, a comment": b"\xef\xbb\xbf: hi\n" + framed(FRAMES["CR"]),
    "the last blank line is missing": framed(FRAMES["LF"])[:-1],
    "the last line end is missing": framed(FRAMES["CRLF"])[:-4],
}


def cut(body: bytes) -> Iterator[bytes]:
    """Cuts after each byte that ends lines, and within each character of several."""
    start = 0
    for end in range(1, len(body) + 1):
        if body[end - 1] in b"\r\n:" or (body[end - 1] >= 0x80 and end % 2) or end == len(body):
            yield body[start:end]
            start = end


ACTS = {name: [stream(body), stream(*cut(body))] for name, body in BODIES.items()}
ONE_AFTER_ANOTHER = [act for acts in ACTS.values() for act in acts]


@pytest.mark.usefixtures("in_threads")
def test_frames() -> None:
    with serving(*ONE_AFTER_ANOTHER) as (server, client):
        for name in ACTS:
            for form in ("whole", "cut"):
                reply = client.chat.completions.create(**ASK, stream=True).collect()
                assert reply.choices[0].message.content == "Pa" + TEXT, (name, form)
                assert reply.routing_metadata.cost.usd == 0.00193, (name, form)
        assert (len(server.requests), server.accepted) == (len(ONE_AFTER_ANOTHER), 1), "each ended as it should"


@pytest.mark.parametrize("anyio_backend", transports.ON_EVERY_LOOP, indirect=True)
async def test_frames_async(anyio_backend: str) -> None:
    async with serving_async(*ONE_AFTER_ANOTHER) as (server, client):
        for name in ACTS:
            for form in ("whole", "cut"):
                reply = await (await client.chat.completions.create(**ASK, stream=True)).collect()
                assert reply.choices[0].message.content == "Pa" + TEXT, (name, form)
                assert reply.routing_metadata.cost.usd == 0.00193, (name, form)
        assert (len(server.requests), server.accepted) == (len(ONE_AFTER_ANOTHER), 1), "each ended as it should"
        await client.close()
        await anyio.to_thread.run_sync(server.wait_until_unused)
