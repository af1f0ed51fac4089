"""A storm of cancellations: a call is cancelled at each of its steps, on a scheduler that yields at random.

Nothing but the cancellation leaves the call, and nothing stays behind.
"""

from __future__ import annotations

import asyncio
import random
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import anyio
import pytest

from auriko import AsyncClient
from tests.support import cells, transports
from tests.support.acts import ok
from tests.support.amounts import amount
from tests.support.cells import ASK, KEY
from tests.support.fault_server import serve

Turn = Callable[[], Generator[Any, Any, None]]
# Of each loop, wire and transport: twelve thousand in a run.
CANCELS = amount(1_000)


@types.coroutine
def jumpy(
    asked: Coroutine[Any, Any, Any], turn: Turn, chance: random.Random, at: int, cancel: Callable[[], object]
) -> Generator[Any, Any, int]:
    """Runs a call with turns of the loop between its steps, and cancels it at one. How many steps it took."""
    steps = 0
    value: Any = None
    error: BaseException | None = None
    while True:
        try:
            waited = asked.throw(error) if error is not None else asked.send(value)
        except StopIteration:
            return steps
        value = error = None
        steps += 1
        if steps == at:
            cancel()
        try:
            value = yield waited
            while chance.random() < 0.3:
                yield from turn()
        except BaseException as thrown:  # noqa: BLE001 - it is thrown into the call
            error = thrown


def turn_of_asyncio() -> Generator[Any, Any, None]:
    return asyncio.sleep(0).__await__()


def turn_of_trio() -> Generator[Any, Any, None]:
    import trio.lowlevel

    turn: Any = trio.lowlevel.cancel_shielded_checkpoint
    return turn().__await__()


async def call(client: AsyncClient, *, streamed: bool) -> None:
    reply = await client.chat.completions.create(**ASK, stream=streamed)
    if streamed:
        async for _ in reply:
            pass


async def storm(url: str, http_client: Any) -> None:
    """On asyncio, and what stands in for it."""
    chance = random.Random()
    cancelled = 0
    async with AsyncClient(api_key=KEY, base_url=url, http_client=http_client, max_retries=0, timeout=5) as client:
        at = 0
        while cancelled < CANCELS:
            at += 1

            async def one(at: int = at) -> int:
                task: Any = asyncio.current_task()
                asked = call(client, streamed=chance.random() < 0.5)
                return await jumpy(asked, turn_of_asyncio, chance, at, task.cancel)

            task = asyncio.create_task(one())
            await asyncio.wait([task])
            if task.cancelled():
                cancelled += 1
            elif task.result() < at:
                at = 0
        await call(client, streamed=False)
        await cells.assert_clean_async(client)


async def storm_on_trio(url: str, http_client: Any) -> None:
    import trio

    chance = random.Random()
    cancelled = 0
    async with AsyncClient(api_key=KEY, base_url=url, http_client=http_client, max_retries=0, timeout=5) as client:
        at = 0
        while cancelled < CANCELS:
            at += 1
            steps = at
            with trio.CancelScope() as scope:
                asked = call(client, streamed=chance.random() < 0.5)
                steps = await jumpy(asked, turn_of_trio, chance, at, scope.cancel)
            if scope.cancelled_caught:
                cancelled += 1
            elif steps < at:
                at = 0
        await call(client, streamed=False)
        await cells.assert_clean_async(client)


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize("transport", transports.TRANSPORTS)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_l7_storm(loop: str, transport: str) -> None:
    options = {"use_uvloop": loop == "uvloop"}
    with serve(ok) as server:
        anyio.run(storm, server.url, transports.TRANSPORTS[transport], backend="asyncio", backend_options=options)
        server.wait_until_unused()


@pytest.mark.usefixtures("wire")
@pytest.mark.parametrize("transport", transports.TRANSPORTS)
def test_l7_storm_on_trio(transport: str) -> None:
    with serve(ok) as server:
        anyio.run(storm_on_trio, server.url, transports.TRANSPORTS[transport], backend="trio")
        server.wait_until_unused()
