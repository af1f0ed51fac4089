"""A program that takes its time holds the server up, and does not fill its memory (64 KiB and one read a stream)."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from auriko import AsyncClient, Client
from tests.support import transports
from tests.support.acts import SSE, chunked, head
from tests.support.cells import ASK, KEY
from tests.support.fault_server import Act, Connection, serve
from tests.support.replies import chunk, event

pytestmark = [
    pytest.mark.usefixtures("wire"),
    pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux does"),
]
EVENT = event(chunk("x" * 100_000))
FLOODS = {"tcp": 200 * 10**6 // len(EVENT), "tls": 40 * 10**6 // len(EVENT)}
# Beyond what waits: what the interpreter takes for the objects that are read, and gives back when it likes.
ALLOWED = 8 * 2**20


def flood(count: int) -> Act:
    """A stream of so many events, as fast as they are taken."""

    def act(connection: Connection) -> None:
        connection.send(head(200, content_type=SSE, transfer_encoding="chunked"))
        framed = chunked(EVENT)
        for _ in range(count):
            connection.send(framed)
        connection.send(chunked(event("[DONE]")) + b"0\r\n\r\n")

    return act


def highest_memory() -> int:
    """The most memory in bytes that the process has had since it was last asked."""
    status = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def read(settings: dict[str, Any]) -> tuple[int, int]:
    """How many events came, and by how much the memory grew meanwhile."""
    with Client(**settings) as client, client.chat.completions.create(**ASK, stream=True) as stream:
        next(stream)
        highest_memory()
        before = highest_memory()
        count = 1 + sum(1 for _ in stream)
        return count, highest_memory() - before


async def read_async(settings: dict[str, Any]) -> tuple[int, int]:
    async with AsyncClient(**settings) as client, await client.chat.completions.create(**ASK, stream=True) as stream:
        await anext(stream)
        highest_memory()
        before = highest_memory()
        count = 1
        async for _ in stream:
            count += 1
            for _ in range(3):  # in which more arrives
                await anyio.lowlevel.checkpoint()
        return count, highest_memory() - before


@pytest.mark.parametrize("way", transports.WAYS)
def test_a_flood_waits_outside(way: str, wire: str) -> None:
    sent = FLOODS[wire]
    with serve(flood(sent)) as server:
        chosen = transports.WAYS[way]
        settings = {"api_key": KEY, "base_url": server.url, **chosen.settings}
        if chosen.loop is None:
            count, grown = read(settings)
        else:
            count, grown = anyio.run(read_async, settings, backend=chosen.loop)
    assert count == sent
    assert grown < ALLOWED, f"{grown / 2**20:.1f} MiB"
