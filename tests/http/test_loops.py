"""Connections of event loops that have ended, and connections of one's own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from auriko import AsyncClient, Client
from auriko._http.loop_end import _LoopEnd
from tests.support.acts import ok
from tests.support.cells import ASK, KEY
from tests.support.fault_server import serve


def test_the_guard_of_a_loop_that_is_closed_waits_for_nothing() -> None:
    with serve(ok) as server:
        client = AsyncClient(api_key=KEY, base_url=server.url)
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.chat.completions.create(**ASK))
        (own,) = client._caller.pool._loops.values()
        guard: Any = own.guard
        loop.close()
        server.wait_until_unused()
        with pytest.raises(StopIteration):
            guard.aclose().send(None)


def test_the_timer_that_waits_for_the_end_of_a_loop_does_nothing_by_itself() -> None:
    end = _LoopEnd()
    end()
    assert not end.transports


def test_connections_of_ones_own_are_closed_alone() -> None:
    caller = Client(api_key=KEY)._caller
    own = caller.with_own_connections()
    assert own.settings is caller.settings
    assert not own.pool.closed
    own.pool.closed = True
    assert not caller.pool.closed
    assert own.with_own_connections().pool.closed
