"""Runs one cell of the fault matrix: one call in one mode, what came of it, and that nothing is left."""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel

import auriko
from auriko import AsyncClient, Client
from auriko._rules.exchange import Clock
from auriko.errors import AurikoAPIError, StreamInterruptedError
from tests.support import transports

MODES = transports.modes(*(name for name, way in transports.WAYS.items() if way.loop != "trio"))
TRIO_MODES = transports.modes(*transports.WAYS)
KEY = "ak_test_0123456789abcdefghij"
ASK: dict[str, Any] = {"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": "Capital of France?"}]}
CLOCK = Clock(chance=lambda: 0.5)  # no jitter, so that delays are exact

KINDS: dict[type[BaseException], str] = {
    auriko.APIConnectionError: "CONN",
    auriko.APITimeoutError: "TIME",
    auriko.StreamInterruptedError: "CUT",
    auriko.APIResponseValidationError: "RESP",
    auriko.APIStatusError: "STATUS",
    auriko.BadRequestError: "BAD",
    auriko.AuthenticationError: "AUTH",
    auriko.PermissionDeniedError: "PERM",
    auriko.NotFoundError: "NOTFOUND",
    auriko.ConflictError: "CONFLICT",
    auriko.RateLimitError: "RATE",
    auriko.InternalServerError: "SRV",
    ValueError: "ARG",
    TypeError: "ARG",
}


@dataclass
class Outcome:
    """What came of a call."""

    error: BaseException | None = None
    items: list[Any] = field(default_factory=list)
    reply: Any = None
    stream: Any = None

    @property
    def kind(self) -> str:
        """OK, or the error's short name."""
        return "OK" if self.error is None else KINDS[type(self.error)]

    @property
    def text(self) -> str:
        """The text that came, plain or streamed."""
        if self.reply is not None:
            return self.reply.choices[0].message.content or ""
        return "".join(choice.delta.content or "" for item in self.items for choice in item.choices)

    def described(self) -> str:
        """As in `CUT@2(1)`: the kind, the items of a stream before an error, the attempts that the error counts."""
        items = f"@{len(self.items)}" if self.items and self.error is not None else ""
        attempts = self.error.attempts if isinstance(self.error, AurikoAPIError) else None
        if isinstance(self.error, StreamInterruptedError):
            assert self.error.items_received == len(self.items)
        return f"{self.kind}{items}" + (f"({attempts})" if attempts else "")


def run(mode: str, url: str, settings: dict[str, Any], call: dict[str, Any], calls: int = 1) -> Outcome:
    """What comes of a call (of the last of several) in one mode; nothing may be left after it."""
    return _run(mode, url, settings, call, calls)[-1]


def run_two(mode: str, url: str, settings: dict[str, Any], pause: float = 0) -> list[Outcome]:
    """What comes of each of two calls of one client, some seconds apart."""
    return _run(mode, url, settings, {}, 2, pause)


def _run(
    mode: str, url: str, settings: dict[str, Any], call: dict[str, Any], calls: int, pause: float = 0
) -> list[Outcome]:
    way = transports.way_of(mode)
    settings = {"api_key": KEY, "base_url": url, "timeout": 2.0, **way.settings, **settings}
    call = {**ASK, **call, "stream": mode.endswith("stream")}
    if way.loop is None:
        return _run_sync(settings, call, calls, pause)
    return anyio.run(_run_async, settings, call, calls, pause, backend=way.loop)


def _run_sync(settings: dict[str, Any], call: dict[str, Any], calls: int, pause: float) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with Client(**settings) as client:
        client._caller.clock = CLOCK
        for _ in range(calls):
            outcome = Outcome()
            outcomes.append(outcome)
            try:
                result = client.chat.completions.create(**call)
                if call["stream"]:
                    outcome.stream = result
                    for item in result:
                        outcome.items.append(item)
                else:
                    outcome.reply = result
            except (AurikoAPIError, ValueError, TypeError) as error:
                outcome.error = error
            time.sleep(pause)
        assert_clean(client)
    return outcomes


async def _run_async(settings: dict[str, Any], call: dict[str, Any], calls: int, pause: float) -> list[Outcome]:
    outcomes: list[Outcome] = []
    async with AsyncClient(**settings) as client:
        client._caller.clock = CLOCK
        for _ in range(calls):
            outcome = Outcome()
            outcomes.append(outcome)
            try:
                result = await client.chat.completions.create(**call)
                if call["stream"]:
                    outcome.stream = result
                    async for item in result:
                        outcome.items.append(item)
                else:
                    outcome.reply = result
            except (AurikoAPIError, ValueError, TypeError) as error:
                outcome.error = error
            if pause:
                await anyio.sleep(pause)
        await assert_clean_async(client)
    return outcomes


def pools_of(client: Client | AsyncClient) -> list[Any]:
    """The httpcore pools of a client's connections here; none before the first call."""
    return [transport._pool for transport in client._caller.pool.transports() if hasattr(transport, "_pool")]


def connections_of(client: Client | AsyncClient) -> int:
    """How many connections a client has open here."""
    return sum(len(pool.connections) for pool in pools_of(client)) + sum(
        len(own._open) for own in own_transports(client)
    )


def own_transports(client: Client | AsyncClient) -> list[Any]:
    """The transports of this project that a client has here; none before the first call."""
    return [transport for transport in client._caller.pool.transports() if hasattr(transport, "_turns")]


def assert_clean(client: Client | AsyncClient) -> None:
    """No request is in the pool, and each of its connections is idle."""
    for pool in pools_of(client):
        assert pool._requests == []
        assert all(connection.is_idle() or connection.is_closed() for connection in pool.connections), repr(pool)
    for own in own_transports(client):
        assert {connection for connection, _ in own._idle} == own._open


async def assert_clean_async(client: AsyncClient) -> None:
    """The same, and no task is left."""
    gc.collect()
    try:
        own = asyncio.current_task()
    except RuntimeError:
        await anyio.lowlevel.checkpoint()
    else:
        for _ in range(100):
            left = {t for t in asyncio.all_tasks() - {own} if "TestRunner" not in repr(t.get_coro())}
            if not left:
                break
            await asyncio.sleep(0)
        assert not left, left
    assert_clean(client)
