"""Connections to a host by its name, on asyncio: one bound holds for finding its addresses and for trying them all.

By way of anyio, a call whose connection is new takes two thirds more memory meanwhile, and half as much CPU time again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, TypeAlias

import anyio
import httpcore

from auriko._http.asyncio_stream import AsyncioStream
from auriko._http.bounds import remaining

# Seconds for which an address is tried by itself, before the next one is tried beside it (RFC 8305, 5).
_HEAD_START: Final = 0.25

_Connected: TypeAlias = tuple[asyncio.Transport, AsyncioStream]
_Try: TypeAlias = Callable[[], Coroutine[Any, Any, _Connected]]


def is_on_asyncio() -> bool:
    """True in a task of asyncio's, false in one of trio's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def connect(host: str, port: int, until: float | None) -> AsyncioStream:
    """A connection to the first address that takes one.

    Raises:
        httpcore.ConnectTimeout, httpcore.ConnectError: None does until then, on the monotonic clock.
    """
    loop = asyncio.get_running_loop()
    stream = partial(AsyncioStream, loop, until)
    try:
        with anyio.fail_after(remaining(until)):
            addresses = [host] if _is_address(host) else await _addresses(loop, host, port)
            tries: list[_Try] = [partial(loop.create_connection, stream, address, port) for address in addresses]
            _, connected = await (tries[0]() if len(tries) == 1 else _first(loop, tries))
            return connected
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from error
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _addresses(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[str]:
    """The addresses of a host, IPv6 and IPv4 by turns, so that a network without one of them holds nobody up."""
    ranks: dict[str, int] = {}
    seen = Counter[int]()
    for family, *_, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        ranks.setdefault(str(address[0]), seen[family])
        seen[family] += 1
    return sorted(ranks, key=ranks.__getitem__)


async def _first(loop: asyncio.AbstractEventLoop, tries: list[_Try]) -> _Connected:
    """What the first try to succeed gives; each has a head start, and in the end all others are given up.

    Raises:
        OSError: The last failure, where all have failed.
    """
    running: set[asyncio.Task[_Connected]] = set()
    try:
        while True:
            if tries:
                running.add(loop.create_task(tries.pop(0)()))
            patience = _HEAD_START if tries else None
            done, _ = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                if each.exception() is None:
                    running.discard(each)
                    return each.result()
            running -= done
            if done and not running and not tries:
                return done.pop().result()
    finally:
        for each in running:
            each.cancel()
            each.add_done_callback(_give_up)


def _give_up(task: asyncio.Task[_Connected]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result()[0].abort()
