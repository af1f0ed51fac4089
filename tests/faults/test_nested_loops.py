"""Row L8 of the fault matrix, on event loops that nest, as nest_asyncio makes them in notebooks and for LlamaIndex."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import transports
from tests.support.acts import ok
from tests.support.fault_server import serve

LIFE_CYCLES = Path(__file__).with_name("test_lifecycle.py")
PROGRAM = """
import asyncio, sys
import nest_asyncio
nest_asyncio.apply()
import auriko
client = auriko.AsyncClient(api_key="k", base_url=sys.argv[1], http_client=sys.argv[2] or None)
ask = dict(model="m", messages=[{"role": "user", "content": "x"}])

async def plain():
    return await client.chat.completions.create(**ask)

async def streamed():
    return [item async for item in await client.chat.completions.create(**ask, stream=True)]

async def both():
    asyncio.get_event_loop().run_until_complete(streamed())
    return asyncio.run(plain())

for kind in (plain, streamed, both, both):
    asyncio.run(kind())
"""


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize("http_client", transports.TRANSPORTS.values(), ids=transports.TRANSPORTS)
def test_loops_that_are_left_lying(http_client: str | None) -> None:
    """As `asyncio.run` leaves them there: nothing is printed when they are collected, and no connection stays."""
    with serve(ok) as server:
        command = [sys.executable, "-X", "dev", "-W", "ignore:unclosed event loop", "-c", PROGRAM]
        done = subprocess.run([*command, server.url, http_client or ""], capture_output=True, check=False, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        server.wait_until_unused()


def test_life_cycles() -> None:
    """What must hold on other loops holds on these."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.nested", "-p", "no:cacheprovider", "-q", "-x"]
    command += [str(LIFE_CYCLES), "-k", "async and not uvloop and not trio"]
    done = subprocess.run(command, cwd=LIFE_CYCLES.parents[2], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert " passed" in done.stdout
