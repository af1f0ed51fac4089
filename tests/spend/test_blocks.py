"""Which calls a tracker counts: blocks, decorators, generators, clients, copies; and who else listens."""

import copy
import gc
import logging
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from auriko import AsyncClient, BudgetExceededError, Client, SpendTracker, track_spend
from auriko.spend import CallRecord, CallStart, SpendLedger, add_listener, remove_listener
from tests.support.spend_calls import ASK, COST, ask, async_client, client

pytestmark = pytest.mark.anyio


# -- decorators ----------------------------------------------------------------------------------------------------


def test_each_call_of_a_function_is_a_block() -> None:
    asked = client()

    @track_spend(limit_usd=1.5 * COST, tags=["answers"])
    def answers(times: int) -> int:
        """Say it."""
        for _ in range(times):
            ask(asked)
        return times

    assert (answers.__name__, answers.__doc__) == ("answers", "Say it.")
    with track_spend() as outer:
        assert answers(1) == answers(times=1) == 1  # the limit is for each call
        with pytest.raises(BudgetExceededError):
            answers(3)
    assert outer.calls == 3
    assert outer.by_tag()["answers"].calls == 3


async def test_a_coroutine_function_is_a_block() -> None:
    asked = async_client()

    @track_spend(tags=["a"])
    async def answers() -> None:
        await asked.chat.completions.create(**ASK)

    async with track_spend() as outer:
        await answers()
        await asked.chat.completions.create(**ASK)
    assert [r.tags for r in outer.records] == [("a",), ()]


def test_a_generator_counts_its_own_steps_and_not_those_of_who_iterates() -> None:
    asked, tracker = client(), SpendTracker()

    @tracker.active()
    def pieces() -> Any:
        ask(asked)
        try:
            got = yield 1
            ask(asked)
            yield got
        except KeyError:
            ask(asked)
            yield "caught"
        finally:
            ask(asked)
        return "end"

    steps = pieces()
    assert next(steps) == 1
    ask(asked)
    assert steps.send("sent") == "sent"
    assert tracker.calls == 2
    assert steps.throw(KeyError()) == "caught"
    ask(asked)
    with pytest.raises(StopIteration, match="end"):
        next(steps)
    assert tracker.calls == 4
    left = pieces()
    next(left)
    left.close()
    assert tracker.calls == 6, "what it does when it is closed counts as well"


async def test_an_async_generator_counts_its_own_steps() -> None:
    asked, tracker = async_client(), SpendTracker()

    @tracker.active()
    async def pieces() -> Any:
        try:
            for number in range(2):
                stream = await asked.chat.completions.create(**ASK, stream=True)
                async for _ in stream:
                    pass
                try:
                    yield number
                except KeyError:
                    yield "caught"
        finally:
            await asked.chat.completions.create(**ASK)

    seen = []
    async for piece in pieces():
        await asked.chat.completions.create(**ASK)
        seen.append(piece)
    assert (seen, tracker.calls) == ([0, 1], 3)
    left = pieces()
    assert await anext(left) == 0
    assert await left.athrow(KeyError()) == "caught"
    await left.aclose()
    assert tracker.calls == 5


def test_methods_can_be_blocks() -> None:
    class Robot:
        def __init__(self) -> None:
            self.asked = client()

        @track_spend(limit_usd=0)
        def ask(self) -> None:
            ask(self.asked)

    with pytest.raises(BudgetExceededError):
        Robot().ask()


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"limit_usd": -1}, ValueError, "0 or more"),
        ({"limit_usd": "1"}, TypeError, "an amount in USD, not str"),
        ({"limit_usd": True}, TypeError, "an amount in USD, not bool"),
        ({"limit_usd": print}, TypeError, r"write @track_spend\(\)"),
        ({"tags": "abc"}, TypeError, "a list of strings, not 'abc'"),
        ({"tags": [1]}, TypeError, "a list of strings"),
    ],
)
def test_what_cannot_be_is_refused_at_once(arguments: Any, error: Any, says: str) -> None:
    for make in (track_spend, SpendTracker):
        with pytest.raises(error, match=says):
            make(**arguments)


# -- blocks --------------------------------------------------------------------------------------------------------


def test_a_tracker_is_entered_again() -> None:
    asked, tracker = client(), SpendTracker()
    for _ in range(2):
        with tracker.active() as same, tracker.active():
            assert same is tracker
            ask(asked)
    ask(asked)
    assert tracker.calls == 2, "once for each call, however often it is entered"


def test_blocks_that_end_in_another_order_lose_nothing() -> None:
    """A generator's block is open while its caller opens one of its own, and ends first."""
    asked = client()

    def pieces() -> Any:
        with track_spend() as spend:
            yield spend

    steps = pieces()
    inner = next(steps)
    with track_spend() as outer:
        ask(asked)
        steps.close()
        ask(asked)
    ask(asked)
    assert (inner.calls, outer.calls) == (1, 2)


def test_a_block_may_end_in_another_context() -> None:
    block = track_spend()
    spend = copy_context().run(block.__enter__)
    block.__exit__(None, None, None)
    ask(client())
    assert spend.calls == 0


async def test_worker_threads_are_followed() -> None:
    asked = client()
    with track_spend() as spend:
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(anyio.to_thread.run_sync, ask, asked)
    assert spend.calls == 10


# -- clients -------------------------------------------------------------------------------------------------------


def test_a_client_counts_where_there_is_no_context() -> None:
    tracker = SpendTracker(limit_usd=2 * COST, tags=["worker"])
    asked = client(spend=tracker)
    for _ in range(2):
        thread = threading.Thread(target=ask, args=(asked,))
        thread.start()
        thread.join()
    assert [r.tags for r in tracker.records] == [("worker",), ("worker",)]
    with pytest.raises(BudgetExceededError):
        ask(asked)
    asked.with_options(spend=None).chat.completions.create(**ASK)
    other = SpendTracker()
    list(asked.with_options(spend=other).chat.completions.create(**ASK, stream=True))
    assert (tracker.calls, other.calls) == (2, 1)


def test_a_call_under_context_and_client_counts_once() -> None:
    tracker = SpendTracker()
    with track_spend() as block, tracker.active():
        ask(client(spend=tracker))
    assert (tracker.calls, block.calls) == (1, 1)
    tracker.add(tracker.records[0])
    assert tracker.calls == 1


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_what_is_no_tracker_is_refused(kind: Any) -> None:
    for wrong in (0.5, track_spend(), []):
        with pytest.raises(TypeError, match="spend is a SpendTracker or a SpendLedger, not"):
            kind(api_key="k", spend=wrong)
    with pytest.raises(TypeError, match="spend is a"):
        kind(api_key="k").with_options(spend="x")


def test_a_listing_needs_no_budget() -> None:
    own = httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(200, json={"data": []})))
    with track_spend(limit_usd=0):
        assert Client(api_key="k", http_client=own).models.list().data == []


def test_copies_count_together_and_pickles_apart() -> None:
    tracker = SpendTracker(limit_usd=1, tags=["a"])
    asked = client(spend=tracker)
    assert copy.copy(tracker) is copy.deepcopy(tracker) is tracker
    ask(asked)
    twin = pickle.loads(pickle.dumps(tracker))  # noqa: S301
    ask(asked)
    assert (twin.calls, twin.limit_usd, twin.tags, twin.records) == (1, 1, ("a",), tracker.records[:1])
    assert tracker.calls == 2
    assert pickle.loads(pickle.dumps(asked))._caller.settings.spend.calls == 2  # noqa: S301


# -- listeners -----------------------------------------------------------------------------------------------------


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    told: list[Any] = []

    def listen(start: CallStart) -> Any:
        told.append(start)
        return told.append

    add_listener(listen)
    add_listener(listen)
    yield told
    remove_listener(listen)


def test_listeners_hear_the_start_and_the_end(heard: list[Any]) -> None:
    asked = client(base_url="http://127.0.0.1:9/v1")
    ask(asked)
    start, ended = heard
    assert start[:4] == ("chat", "m", False, "http://127.0.0.1:9/v1")
    assert isinstance(ended, CallRecord)
    assert (ended.started_at, ended.usd, ended.status, ended.operation) == (start.started_at, COST, "ok", "chat")
    stream = asked.chat.completions.create(**ASK, stream=True)
    assert (len(heard), heard[-1].stream) == (3, True)
    stream.close()
    assert heard[-1].status == "abandoned"


def test_a_listener_that_starts_nothing_hears_no_end() -> None:
    add_listener(starts := lambda _start: None)
    try:
        ask(client())
    finally:
        remove_listener(starts)
        remove_listener(starts)


def test_a_broken_listener_fails_no_call(caplog: pytest.LogCaptureFixture) -> None:
    def fails_at_once(_start: CallStart) -> None:
        raise KeyError

    def fails_later(_start: CallStart) -> Any:
        return fails_at_once

    with caplog.at_level(logging.ERROR, "auriko"):
        for listener in (fails_at_once, fails_later):
            add_listener(listener)
            try:
                with track_spend() as spend:
                    ask(client())
                    ask(client())
            finally:
                remove_listener(listener)
            assert spend.calls == 2
    assert [message.count("fails_at_once") for message in caplog.messages] == [1], "said once"


# -- processes -----------------------------------------------------------------------------------------------------


def test_a_forked_process_counts_although_a_lock_was_held() -> None:
    """In a program of its own: pytest's process has threads, and forking it would be a test of those."""
    program = """
import os, threading
from auriko import SpendTracker
from auriko.spend._limits import books
from tests.support.spend_calls import record

tracker = SpendTracker(limit_usd=1)
books.lock.acquire()  # as a thread that is just counting has it
child = os.fork()
if not child:
    tracker.add(record())
    os._exit(0 if tracker.calls == 1 else 1)
books.lock.release()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert tracker.calls == 0
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def test_trackers_and_ledgers_are_not_kept_alive(tmp_path: Any) -> None:
    from auriko.spend import _recorder

    gc.collect()
    before = len(_recorder._recorders)
    made = [SpendTracker(), SpendLedger(tmp_path / "ledger.db")]
    assert len(_recorder._recorders) == before + 2
    del made
    gc.collect()
    assert len(_recorder._recorders) == before


def test_a_ledger_is_a_block_too(tmp_path: Any) -> None:
    ledger = SpendLedger(tmp_path / "ledger.db")
    with ledger.active(), track_spend(tags=["both"]) as spend:
        ask(client())
    assert ledger.records == spend.records
