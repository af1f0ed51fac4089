"""Batches from threads and from tasks: order, bounds, errors, cost, and what is left when they end early."""

import itertools
import signal
import sys
import threading
import types
from collections import UserDict
from typing import Any

import anyio
import httpx
import pytest

from auriko import APIConnectionError, AsyncClient, BadRequestError, BudgetExceededError, Client, track_spend
from auriko.batch import _base, _tasks, _threads
from tests.support import acts, replies
from tests.support.batch_ways import WAYS, ask
from tests.support.fault_server import Connection, serve

pytestmark = pytest.mark.parametrize("way", WAYS)
COST = 0.00193


def number_of(connection: Connection) -> int:
    assert connection.request is not None
    return int(connection.request.json["messages"][0]["content"])


def echo(connection: Connection) -> None:
    """Answers with what was asked."""
    acts.reply(200, replies.completion(str(number_of(connection))))(connection)


def said(result: Any) -> Any:
    return result.choices[0].message.content if not isinstance(result, Exception) else type(result)


def test_results_are_in_the_order_of_the_requests(way) -> None:
    others = threading.Event()

    def answer(connection: Connection) -> None:
        if number_of(connection) == 0:
            assert others.wait(5)
        elif number_of(connection) == 5:
            others.set()
        echo(connection)

    with serve(answer) as server:
        results = way.batch(server.url, map(ask, range(8)), max_concurrency=2)
    assert [said(result) for result in results] == [str(number) for number in range(8)]


def test_results_come_as_they_complete(way) -> None:
    delivered = threading.Event()

    def answer(connection: Connection) -> None:
        if number_of(connection) == 0:
            assert delivered.wait(5)
        echo(connection)

    def see(_batch: Any, index: int, _reply: Any) -> None:
        if index == 3:
            delivered.set()

    with serve(answer) as server:
        came = way.as_completed(server.url, [ask(n) for n in range(4)], see, max_concurrency=2)
    assert [index for index, _ in came] == [1, 2, 3, 0]
    assert [said(reply) for _, reply in came] == ["1", "2", "3", "0"]


def test_no_more_requests_are_under_way_than_allowed(way) -> None:
    together = threading.Barrier(4)
    under_way = itertools.count(), itertools.count()
    most: list[int] = []

    def answer(connection: Connection) -> None:
        most.append(next(under_way[0]))
        together.wait(5)
        most[-1] -= next(under_way[1])
        echo(connection)

    with serve(answer) as server:
        assert len(way.batch(server.url, map(ask, range(12)), max_concurrency=4)) == 12
        assert server.accepted == 4


def test_nothing_is_sent_for_no_requests(way) -> None:
    with serve(acts.ok) as server:
        assert way.batch(server.url, []) == []
        assert way.batch(server.url, (ask(n) for n in range(0))) == []
        assert server.accepted == 0


def test_errors_are_values_in_their_places(way) -> None:
    def answer(connection: Connection) -> None:
        if number_of(connection) == 1:
            acts.error(400, "invalid_request_error", "invalid_value")(connection)
        elif number_of(connection) == 2:
            acts.reset(connection)
        else:
            echo(connection)

    unusable = [{"model": "m", "messages": []}, {**ask(6), "temprature": 1}, {**ask(7), "stream": True}, "a text"]
    requests = [*map(ask, range(4)), *unusable, {**ask(8), "stream": False}]
    with serve(answer) as server:
        results = way.batch(server.url, requests)
        assert len(server.requests) == 5, "what cannot be sent is not sent"
    kinds = ["0", BadRequestError, APIConnectionError, "3", ValueError, TypeError, ValueError, TypeError, "8"]
    assert [said(result) for result in results] == kinds
    assert "did you mean temperature" in str(results[5]).lower().replace("'", "")
    assert all(error.__traceback__ is None for error in results if isinstance(error, Exception))


def test_the_first_error_is_raised_and_ends_the_batch(way) -> None:
    def answer(connection: Connection) -> None:
        if number_of(connection) == 1:
            acts.error(400, "invalid_request_error")(connection)
        else:
            connection.hang()

    with serve(answer) as server:
        with pytest.raises(BadRequestError):
            way.batch(server.url, map(ask, itertools.count()), on_error="raise", max_concurrency=4)
        server.wait_until_unused()
        assert len(server.requests) <= 5


def test_limit_of_the_batch_stops_it_and_says_what_was_not_sent(way) -> None:
    with serve(acts.ok) as server:
        results = way.batch(server.url, [ask(n) for n in range(10)], limit_usd=2.5 * COST, max_concurrency=1)
        assert len(server.requests) == 2, "a third would pass it"
    assert [type(result) for result in results[2:]] == [BudgetExceededError] * 8
    assert not any(isinstance(result, Exception) for result in results[:2])
    assert "No request was sent" in str(results[-1])


def test_limit_around_the_batch_holds_too(way) -> None:
    with serve(acts.ok) as server, track_spend(limit_usd=1.5 * COST) as spend:
        results = way.batch(server.url, [ask(n) for n in range(5)], max_concurrency=1)
        assert len(server.requests) == spend.calls == 1
    assert sum(isinstance(result, BudgetExceededError) for result in results) == 4


def test_cost_of_the_batch_and_of_nothing_else(way) -> None:
    seen: list[Any] = []
    with serve(acts.ok) as server, track_spend() as around:
        way.as_completed(server.url, map(ask, range(3)), lambda batch, *_: seen.append(batch))
        way.batch(server.url, map(ask, range(2)))
    assert (seen[-1].spend.calls, around.calls) == (3, 5)
    assert seen[-1].spend.usd == pytest.approx(3 * COST)


def test_requests_are_read_when_there_is_room_for_them(way) -> None:
    read = itertools.count()
    started = itertools.count()

    def see(_batch: Any, _index: int, _reply: Any) -> None:
        if next(started) == 9:
            raise LookupError("enough")

    with serve(acts.ok) as server, pytest.raises(LookupError, match="enough"):
        way.as_completed(server.url, (ask(next(read)) for _ in itertools.count()), see, max_concurrency=3)
    assert next(read) <= 10 + 3


def test_a_source_that_fails_ends_the_batch_with_its_error(way) -> None:
    def source() -> Any:
        yield ask(0)
        raise OSError("the disk is gone")

    with serve(acts.hang) as server:
        with pytest.raises(OSError, match="the disk is gone"):
            way.batch(server.url, source())
        server.wait_until_unused()


def test_leaving_early_leaves_nothing_under_way(way) -> None:
    def answer(connection: Connection) -> None:
        if number_of(connection) == 0:
            server.wait_for(4)
            echo(connection)
        else:
            connection.hang()

    def see(*_: Any) -> None:
        raise LookupError("enough")

    before = threading.active_count()
    with serve(answer) as server:
        with pytest.raises(LookupError, match="enough"):
            way.as_completed(server.url, map(ask, itertools.count()), see, max_concurrency=4)
        server.wait_until_unused()
        assert len(server.requests) == 4
    assert threading.active_count() == before


def test_leaving_early_ends_the_wait_for_another_attempt(way) -> None:
    def answer(connection: Connection) -> None:
        if number_of(connection) == 0:
            server.wait_for(2)
            echo(connection)
        else:
            acts.error(503, retry_after=30)(connection)

    def see(*_: Any) -> None:
        raise LookupError("enough")

    before = threading.active_count()
    with serve(answer) as server:
        requests = [{**ask(n), "max_retries": 2} for n in range(2)]
        with pytest.raises(LookupError, match="enough"):
            way.as_completed(server.url, requests, see)
        assert len(server.requests) == 2
        server.close()
        assert threading.active_count() == before


def test_ctrl_c_leaves_nothing_under_way(way) -> None:
    main = threading.get_ident()

    def answer(connection: Connection) -> None:
        if server.performed == 4:
            signal.pthread_kill(main, signal.SIGINT)
        connection.hang()

    before = threading.active_count()
    with serve(answer) as server:
        with pytest.raises(KeyboardInterrupt):
            way.batch(server.url, map(ask, itertools.count()), max_concurrency=4)
        server.wait_until_unused()
        assert len(server.requests) == 4
    assert threading.active_count() == before


class Interrupting(UserDict[str, Any]):
    """A request at which Ctrl-C strikes while it is made a call; trio interrupts whichever task runs."""

    def __getitem__(self, name: str) -> Any:
        raise KeyboardInterrupt


def test_what_interrupts_one_request_ends_the_batch(way) -> None:
    with serve(acts.ok) as server:
        with pytest.raises(KeyboardInterrupt):
            way.batch(server.url, [Interrupting(ask(0)), ask(1)], max_concurrency=1)
        assert server.accepted == 0


def test_progress_with_the_running_cost(way, capsys) -> None:
    def answer(connection: Connection) -> None:
        (acts.reset if number_of(connection) == 1 else echo)(connection)

    with serve(answer) as server:
        way.batch(server.url, [ask(n) for n in range(4)], progress=True, max_concurrency=1)
    last = capsys.readouterr().err.replace("\r", "\n").strip().splitlines()[-1]
    assert "4/4" in last
    assert "$0.00579, 1 of unknown cost, 1 errors" in last


def test_progress_without_tqdm(way, monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with serve(acts.ok) as server:
        with pytest.raises(ImportError, match="pip install"):
            way.batch(server.url, [ask(0)], progress=True)
        assert len(way.batch(server.url, [ask(0)])) == 1
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("seen", [False, True])
def test_a_bar_is_shown_where_somebody_looks(way, seen, monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", object())  # to have it imported is not to be in a notebook
    monkeypatch.setattr("sys.stderr.isatty", lambda: seen)
    with serve(acts.ok) as server:
        way.batch(server.url, [ask(0)])
        way.batch(server.url, [ask(0)], progress=False)
    assert capsys.readouterr().err.count("1/1") == seen


def test_requests_are_spread_over_time(way, monkeypatch) -> None:
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(_base, "time", types.SimpleNamespace(monotonic=lambda: 100.0))
    stopped = types.SimpleNamespace(sleep=pauses.append, monotonic=threading.TIMEOUT_MAX.__float__)
    monkeypatch.setattr(_threads, "time", stopped)
    monkeypatch.setattr(_tasks.anyio, "sleep", note)
    requests = [ask(n) for n in range(6)]
    with serve(acts.ok) as server:
        way.batch(server.url, requests, max_per_second=4, limit_usd=3 * COST, max_concurrency=1)
    assert pauses[:3] == [0.25, 0.5, 0.75]
    assert len(pauses) == 3, "what is not sent is not waited for"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_concurrency": 0}, ValueError, "1 or more"),
        ({"max_concurrency": True}, TypeError, "whole number"),
        ({"max_per_second": 0}, ValueError, "positive"),
        ({"limit_usd": -1}, ValueError, "limit_usd"),
        ({"on_error": "ignore"}, ValueError, "'return' or 'raise'"),
        ({"max_concurency": 3}, TypeError, "max_concurrency"),
        ({"requests": "text"}, TypeError, "iterable of requests"),
        ({"requests": {"model": "m"}}, TypeError, "iterable of requests"),
    ],
)
def test_options_that_cannot_be(way, options, error, message) -> None:
    with serve(acts.ok) as server:
        with pytest.raises(error, match=message):
            way.batch(server.url, **{"requests": [ask(0)], **options})
        assert server.accepted == 0


def test_a_batch_is_read_inside_its_block(way) -> None:
    kept: list[Any] = []
    with serve(acts.ok) as server:
        way.as_completed(server.url, [ask(0)], lambda batch, *_: kept.append(batch))
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        next(kept[0]) if hasattr(kept[0], "__next__") else anyio.run(kept[0].__anext__)


def test_a_closed_client_sends_no_batch(way) -> None:
    with serve(acts.ok) as server:

        async def closed() -> Any:
            client = AsyncClient(api_key="k", base_url=server.url)
            await client.close()
            return await client.chat.completions.batch([ask(0)])

        if hasattr(way, "backend"):
            (result,) = anyio.run(closed, backend=way.backend)
        else:
            client = Client(api_key="k", base_url=server.url)
            client.close()
            (result,) = client.chat.completions.batch([ask(0)])
        assert "client is closed" in str(result)
        assert server.accepted == 0


def test_a_client_of_the_users_sends_the_batch_and_stays_open(way) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json=replies.completion()))

    async def on_loop() -> Any:
        async with httpx.AsyncClient(transport=transport) as own:
            client = AsyncClient(api_key="k", http_client=own)
            return [*await client.chat.completions.batch(map(ask, range(3)), on_error="raise"), own.is_closed]

    if hasattr(way, "backend"):
        *results, closed = anyio.run(on_loop, backend=way.backend)
    else:
        with httpx.Client(transport=transport) as own:
            results = Client(api_key="k", http_client=own).chat.completions.batch(map(ask, range(3)), on_error="raise")
            closed = own.is_closed
    assert len(results) == 3
    assert not closed
