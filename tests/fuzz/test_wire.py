"""Replies whose bytes are broken at random, heads and framing included, over real sockets."""

import asyncio
import gzip
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from auriko import AsyncClient, AurikoAPIError
from tests.support import cells, transports
from tests.support.acts import JSON, SSE, chunked, head
from tests.support.cells import ASK, KEY
from tests.support.replies import completion, whole_stream

pytestmark = pytest.mark.no_cover  # so many trials, of what other tests reach too
ROUNDS = 400
_STREAM = whole_stream()
_PARTS = [_STREAM[i : i + 150] for i in range(0, len(_STREAM), 150)]
_BODY = json.dumps(completion()).encode()
LIMITED = head(100) + head(429, content_length=2, retry_after="x" * 9000) + b"{}"
PLAIN = [
    LIMITED,
    head(content_type=JSON, content_length=len(_BODY)) + _BODY,
    head(content_type=JSON, transfer_encoding="chunked") + chunked(_BODY[:100], _BODY[100:]) + b"0\r\n\r\n",
    head(content_type=JSON, content_encoding="gzip") + gzip.compress(_BODY, mtime=0),
]
STREAMED = [
    LIMITED,
    head(content_type=SSE) + _STREAM,
    head(content_type=SSE, transfer_encoding="chunked") + chunked(*_PARTS) + b"0\r\nx-trailer: 1\r\n\r\n",
    head(content_type=SSE, transfer_encoding="chunked", content_encoding="gzip")
    + chunked(gzip.compress(_STREAM, mtime=0))
    + b"0\r\n\r\n",
]


def broken(reply: bytes, chance: random.Random) -> bytes:
    """The reply with one or two places changed."""
    for _ in range(chance.randrange(1, 3)):
        start = chance.randrange(len(reply) + 1)
        end = start + chance.randrange(1, 30)
        new = chance.choice([b"", reply[start:end] * 2, chance.randbytes(3), b"\r\n", b"\x00", b"9" * 30, b": ", b"\n"])
        reply = reply[:start] + new + reply[end:] if chance.random() < 0.9 else reply[:start]
    return reply


def breaking(chance: random.Random) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
    """What answers each request with a broken reply, in pieces, and closes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(int(request.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
        reply = broken(chance.choice(STREAMED if b'"stream":true' in body else PLAIN), chance)
        while reply and not writer.is_closing():
            most = chance.randrange(1, len(reply) + 1)
            writer.write(reply[:most])
            reply = reply[most:]
            await asyncio.sleep(0)
        writer.close()

    return answer


async def call(client: Any, *, streamed: bool) -> None:
    reply = await client.chat.completions.create(**ASK, stream=streamed)
    if streamed:
        async for _ in reply:
            pass


@pytest.mark.parametrize("http_client", transports.TRANSPORTS.values(), ids=transports.TRANSPORTS)
def test_broken_replies_end_in_an_answer_or_an_error_of_ours(http_client: Any) -> None:
    kinds: Counter[str] = Counter()

    async def main() -> None:
        async with await asyncio.start_server(breaking(random.Random(9)), "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            settings: dict[str, Any] = {"base_url": url, "max_retries": 0, "timeout": 5.0, "http_client": http_client}
            async with AsyncClient(api_key=KEY, **settings) as client:
                for turn in range(ROUNDS):
                    try:
                        await call(client, streamed=bool(turn % 2))
                    except AurikoAPIError as error:
                        kinds[type(error).__name__] += 1
                await cells.assert_clean_async(client)

    asyncio.run(main())
    assert kinds.total() < ROUNDS, "some are answered all the same"
    # No timeout: nothing waits for a connection that has ended.
    assert kinds.keys() == {
        *("APIConnectionError", "APIResponseValidationError"),
        *("RateLimitError", "StreamInterruptedError"),
    }
