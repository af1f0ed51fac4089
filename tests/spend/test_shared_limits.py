"""Limits in a ledger's file: processes share them, killed ones give back what they held, periods begin anew."""

import copy
import gc
import itertools
import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from auriko import BudgetExceededError, Client, RateLimitError, track_spend
from auriko._observing import steps
from auriko.cli import main
from auriko.spend import LedgerError, LimitStatus, SpendLedger, _ledger_file, _shared_limit, limit_of_text
from auriko.spend._periods import bounds_of
from tests.spend.test_limits import KNOWN, PRICE, ask, spend_all
from tests.support import acts
from tests.support.cells import KEY
from tests.support.fault_server import Connection, serve
from tests.support.gated_gateway import GatedGateway
from tests.support.replies import envelope
from tests.support.spend_calls import ASK, async_client, client, record

COST = 0.00193
ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, sys
from auriko import BudgetExceededError, Client, track_spend

request = {"model": "gpt-4o", "messages": [{"role": "user", "content": sys.argv[1]}]}
with Client() as client, track_spend(on_limit="wait"):
    try:
        while True:
            client.chat.completions.create(**request)
    except BudgetExceededError as error:
        assert "per day" in str(error), error
"""


def test_eight_processes_of_which_two_are_killed_keep_one_limit(tmp_path: Path) -> None:
    everybody, arrived = threading.Event(), threading.Semaphore(0)
    bills: list[str] = []

    def answer(connection: Connection) -> None:
        assert connection.request is not None
        who = connection.request.json["messages"][0]["content"]
        arrived.release()
        assert everybody.wait(60)
        if who == "killed":
            connection.hang()
            return
        bills.append(who)
        acts.ok(connection)

    environment = {
        **os.environ,
        "AURIKO_LEDGER": str(tmp_path / "ledger.db"),
        "AURIKO_LIMIT_USD": "0.1/day",
        "AURIKO_API_KEY": KEY,
    }
    with serve(answer) as server:
        environment["AURIKO_BASE_URL"] = server.url
        command = [sys.executable, "-c", PROGRAM]
        processes = [
            subprocess.Popen([*command, who], env=environment, cwd=ROOT) for who in ["killed"] * 2 + ["alive"] * 6
        ]
        try:
            assert all(arrived.acquire(timeout=60) for _ in processes)
            for process in processes[:2]:
                process.send_signal(signal.SIGKILL)
                process.wait()
            everybody.set()
            assert [process.wait(60) for process in processes[2:]] == [0] * 6
        finally:
            everybody.set()
            for process in processes:
                process.kill()
                process.wait()
    ledger = SpendLedger(tmp_path / "ledger.db", 0.1, "day")
    assert ledger.total.usd == pytest.approx(len(bills) * COST)
    assert ledger.total.calls == len(bills)
    assert 0.9 * 0.1 <= ledger.total.usd <= 0.1
    (status,) = ledger.limits
    assert (status.reserved_usd, status.estimated_usd, status.spent_usd) == (0, 0, ledger.total.usd)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def test_two_ledgers_of_one_file_share_a_limit(path: Path) -> None:
    gateway = GatedGateway([PRICE], gated=False)
    ledgers = [SpendLedger(path, 0.05) for _ in range(2)]
    clients = [gateway.client(spend=ledger) for ledger in ledgers]
    for one in clients:
        ask(one)
    for one in clients:
        with pytest.raises(BudgetExceededError, match=r"limit of \$0\.05 of the ledger .* is reached") as caught:
            spend_all(one)
    assert (caught.value.limit_usd, caught.value.spent_usd, caught.value.reserved_usd) == (0.05, 4 * PRICE, 0)
    assert caught.value.needed_usd == pytest.approx(PRICE)
    assert ledgers[0].total.usd == ledgers[1].total.usd == 4 * PRICE


@pytest.mark.parametrize("way", ["threads", "asyncio", "trio"])
def test_many_at_once(path: Path, way: str) -> None:
    gateway = GatedGateway([PRICE], gated=False)
    ledger = SpendLedger(path, 0.05)

    async def main_() -> Any:
        return await gateway.async_client(spend=ledger).chat.completions.batch([KNOWN] * 30, max_concurrency=20)

    if way == "threads":
        gateway.client(spend=ledger).chat.completions.batch([KNOWN] * 30, max_concurrency=20)
    else:
        anyio.run(main_, backend=way)
    assert 3 * PRICE <= ledger.total.usd <= 0.0615
    assert ledger.limits[0].reserved_usd == 0


def test_what_a_call_holds_is_seen_by_others_and_given_back(path: Path) -> None:
    gateway = GatedGateway([PRICE], gated=False)
    ledger, other = SpendLedger(path, 1), SpendLedger(path, 1)
    stream = gateway.client(spend=ledger).chat.completions.create(**KNOWN, stream=True)
    assert other.limits[0].reserved_usd == pytest.approx(0.01027)
    list(stream)
    assert other.limits == ledger.limits == [LimitStatus(None, 1, "total", PRICE, 0, 0, None)]
    refusal = httpx.Response(429, json=envelope("rate_limit_error"))
    own = httpx.Client(transport=httpx.MockTransport(lambda _request: refusal))
    with pytest.raises(RateLimitError):
        ask(Client(api_key="k", http_client=own, max_retries=0, spend=ledger))
    assert ledger.limits[0].left_usd == 1 - PRICE


def test_costs_that_stay_unknown_count_as_estimates(path: Path) -> None:
    ledger = SpendLedger(path, 1)
    ask(GatedGateway([None], gated=False).client(spend=ledger))
    (status,) = ledger.limits
    assert (status.spent_usd, status.estimated_usd) == (0, pytest.approx(0.01027))
    assert ledger.total.estimated_usd == status.estimated_usd == ledger.records[0].estimated_usd
    assert ledger.total.cost_text == "$0.01027 estimated"


def test_a_tracker_that_refuses_leaves_no_reservation_and_the_other_way_round(path: Path) -> None:
    gateway = GatedGateway([PRICE], gated=False)
    ledger = SpendLedger(path, 0.02)
    client = gateway.client(spend=ledger)
    with track_spend(limit_usd=0), pytest.raises(BudgetExceededError):
        ask(client)
    assert ledger.limits[0].reserved_usd == 0
    with track_spend(limit_usd=1) as spend:
        ask(client)
        with pytest.raises(BudgetExceededError, match="of the ledger"):
            ask(client)
    assert (spend.reserved_usd, ledger.limits[0].reserved_usd) == (0, 0)


def test_the_other_ledgers_room_is_given_back_where_one_refuses(path: Path) -> None:
    gateway = GatedGateway([PRICE], gated=False)
    wide, tight = SpendLedger(path, 1), SpendLedger(path.with_name("tight.db"), 0)
    with wide.active(), pytest.raises(BudgetExceededError):
        ask(gateway.client(spend=tight))
    assert wide.limits[0].reserved_usd == 0


# -- periods and tags ----------------------------------------------------------------------------------------------


def test_what_was_spent_before_the_period_does_not_count(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 3, 31, 12, 30, tzinfo=timezone.utc)
    times = {"time": now.timestamp()}
    monkeypatch.setattr(_shared_limit.time, "time", lambda: times["time"])
    plain = SpendLedger(path)
    for ago in (timedelta(minutes=10), timedelta(hours=2), timedelta(days=1), timedelta(days=40)):
        plain.add(record(started_at=(now - ago).timestamp(), usd=0.25))
    plain.flush()
    for per, spent, renews in [
        ("hour", 0.25, datetime(2026, 3, 31, 13, tzinfo=timezone.utc)),
        ("day", 0.5, datetime(2026, 4, 1, tzinfo=timezone.utc)),
        ("month", 0.75, datetime(2026, 4, 1, tzinfo=timezone.utc)),
        ("total", 1.0, None),
    ]:
        (status,) = SpendLedger(path, 2, per).limits
        assert (status.spent_usd, status.renews_at, status.per) == (spent, renews, per)
    plain.add(record(started_at=now.timestamp(), usd=0.5))
    assert SpendLedger(path, 2, "hour").limits[0].spent_usd == 0.75, "what waits beside the file is added"
    assert bounds_of("month", datetime(2026, 12, 31, 23, tzinfo=timezone.utc).timestamp())[1] == datetime(
        2027, 1, 1, tzinfo=timezone.utc
    )


def test_a_tag_has_a_limit_of_its_own(path: Path) -> None:
    gateway = GatedGateway([PRICE], gated=False)
    ledger = SpendLedger(path, 1, per_tag={"small": 0.02, "large": 0.5})
    client = gateway.client(spend=ledger)
    with track_spend(tags=["small", "x"]):
        ask(client)
        with pytest.raises(BudgetExceededError, match="for 'small'"):
            ask(client)
    with track_spend(tags=["large"]):
        ask(client)
    ask(client)
    assert [(status.tag, status.spent_usd) for status in ledger.limits] == [
        (None, pytest.approx(3 * PRICE)),
        ("small", PRICE),
        ("large", PRICE),
    ]
    twin = pickle.loads(pickle.dumps(ledger))  # noqa: S301
    assert twin.limits == ledger.limits
    assert copy.copy(ledger) is ledger
    alone = SpendLedger(path.with_name("tags.db"), per_tag={"small": 0.02})
    with track_spend(tags=["small"]):
        ask(gateway.client(spend=alone))
        with pytest.raises(BudgetExceededError, match="for 'small'"):
            ask(gateway.client(spend=alone))


@pytest.mark.parametrize(
    ("text", "limit"),
    [("5/day", (5, "day")), (" $0.5 / hour", (0.5, "hour")), (".5", (0.5, "total")), ("7.", (7, "total"))],
)
def test_a_limit_as_text(text: str, limit: Any) -> None:
    assert limit_of_text(text) == limit


@pytest.mark.parametrize("text", ["", "five", "5/week", "-5", "5/", "5 USD"])
def test_text_that_is_no_limit(text: str) -> None:
    with pytest.raises(ValueError, match=r"no limit|not per"):
        limit_of_text(text)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"limit_usd": -1}, ValueError),
        ({"limit_usd": "5"}, TypeError),
        ({"per": "week"}, ValueError),
        ({"per_tag": {"a": -1}}, ValueError),
    ],
)
def test_what_cannot_be_is_refused(path: Path, arguments: Any, error: Any) -> None:
    with pytest.raises(error):
        SpendLedger(path, **{"limit_usd": 1, **arguments})


# -- owners and leases ---------------------------------------------------------------------------------------------


def reserve_as(path: Path, owner: str, until: float = 9e12) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO reservations VALUES (?, ?, ?, ?, '[]')", (owner, owner, until, 500_000_000))


def test_reservations_of_the_dead_are_given_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = SpendLedger(path, 1)
    assert ledger.limits[0].reserved_usd == 0
    host = _shared_limit.platform.node()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    reserve_as(path, f"{host}:{gone.pid}")
    assert ledger.limits[0].reserved_usd == 0
    reserve_as(path, "elsewhere:1", until=1.0)
    assert ledger.limits[0].reserved_usd == 0, "its lease has run out"
    reserve_as(path, "elsewhere:1")
    reserve_as(path, f"{host}:1")
    monkeypatch.setattr(_shared_limit.os, "kill", lambda *_: (_ for _ in ()).throw(PermissionError))
    assert ledger.limits[0].reserved_usd == 1, "nobody knows of the first, and the second is somebody else's"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_has_a_connection_of_its_own(path: Path) -> None:
    program = f"""
import os
from auriko.spend import SpendLedger
from tests.support.gated_gateway import GatedGateway
from tests.spend.test_limits import ask, PRICE

ledger = SpendLedger({str(path)!r}, 1)
client = GatedGateway([PRICE], gated=False).client(spend=ledger)
ask(client)
child = os.fork()
if not child:
    ask(client)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
ask(client)
assert ledger.total.calls == 3
assert ledger.limits[0].reserved_usd == 0
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_the_connection_of_a_process_that_was_forked_is_left_alone(path: Path) -> None:
    ledger = SpendLedger(path, 1)
    ledger.add(record(usd=0.25))
    ledger._new_locks()
    assert _shared_limit._inherited[-1].total_changes, "it is open"
    assert ledger.limits[0].spent_usd == 0.25


def test_a_lease_is_renewed_by_the_next_call(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = {"time": 1.8e9}
    monkeypatch.setattr(_shared_limit.time, "time", lambda: times["time"])
    ledger = SpendLedger(path, 1)
    gateway = GatedGateway([PRICE], gated=False)
    stream = gateway.client(spend=ledger).chat.completions.create(**KNOWN, stream=True)
    for _ in range(3):
        times["time"] += 400
        assert ledger.limits[0].reserved_usd > 0
    times["time"] += 700
    assert SpendLedger(path, 1).limits[0].reserved_usd > 0, "it is this process's, which renews it"
    list(stream)


@contextmanager
def written_by_another(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def wait_for_moves() -> None:
    for thread in threading.enumerate():
        if thread.name == "auriko-ledger":
            thread.join()


def test_what_could_not_be_settled_is_given_back_when_its_lease_has_run_out(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not renewed by the calls that follow."""
    times = {"time": 1.8e9}
    monkeypatch.setattr(_shared_limit.time, "time", lambda: times["time"])
    monkeypatch.setattr(SpendLedger, "_fold_in_background", lambda *_: None)
    ledger = SpendLedger(path, 1)
    gateway = GatedGateway([PRICE], gated=False)
    stream = gateway.client(spend=ledger).chat.completions.create(**KNOWN, stream=True)
    with written_by_another(path):
        list(stream)
    for held in (True, True, False):
        times["time"] += 250
        ask(gateway.client(spend=ledger))
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("SELECT count(*) FROM reservations").fetchone() == (held,)


def test_what_could_not_be_settled_is_given_back_as_its_record_is_moved(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ledger_file, "_PATIENCE", 0.01)
    ledger = SpendLedger(path, 1)
    gateway = GatedGateway([PRICE], gated=False)
    stream = gateway.client(spend=ledger).chat.completions.create(**KNOWN, stream=True)
    with written_by_another(path):
        list(stream)
        wait_for_moves()  # which fail
    ask(gateway.client(spend=ledger))
    wait_for_moves()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM reservations").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM calls").fetchone() == (2,)


@pytest.mark.parametrize("deadline", [None, 9.0])
def test_an_event_loop_goes_on_while_another_process_writes(deadline: Any, path: Path) -> None:
    ledger = SpendLedger(path, 5)
    times: list[float] = []

    async def tick() -> None:
        while True:
            times.append(time.monotonic())
            await anyio.sleep(0.001)

    async def calls() -> None:
        async with async_client(spend=ledger, deadline=deadline) as asking, anyio.create_task_group() as tasks:
            await asking.chat.completions.create(**ASK)
            tasks.start_soon(tick)
            with written_by_another(path):
                tasks.start_soon(lambda: asking.chat.completions.create(**ASK))  # has yet to reserve
                await anyio.sleep(0.5)
            await anyio.sleep(0.2)
            stream = await asking.chat.completions.create(**ASK, stream=True)
            with written_by_another(path):
                await stream.collect()  # has yet to settle
                await anyio.sleep(0.5)
            tasks.cancel_scope.cancel()

    anyio.run(calls)
    assert max(later - sooner for sooner, later in itertools.pairwise(times)) < 0.3
    (status,) = ledger.limits
    assert (ledger.total.calls, status.reserved_usd) == (3, 0)


def test_a_file_that_another_process_writes_for_too_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "PATIENCE", 0.1)
    ledger = SpendLedger(path, 5)
    client(spend=ledger).chat.completions.create(**ASK)
    with written_by_another(path), pytest.raises(LedgerError, match="cannot be kept: database is locked"):
        client(spend=ledger).chat.completions.create(**ASK)
    with ThreadPoolExecutor() as threads, ledger.shared_limit._lock:  # as a thread that waits for it
        asked = threads.submit(client(spend=ledger).chat.completions.create, **ASK)
        with pytest.raises(LedgerError, match="another thread waits for it"):
            asked.result()


# -- files that fail -----------------------------------------------------------------------------------------------


def test_a_limit_that_cannot_be_looked_up_stops_the_call(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    file.write_text("This is something else than a database. " * 99)
    gateway = GatedGateway([PRICE], gated=False)
    with track_spend(limit_usd=1) as spend, pytest.raises(LedgerError, match="cannot be kept"):
        ask(gateway.client(spend=SpendLedger(file, 1)))
    assert (gateway.arrived, spend.reserved_usd) == (0, 0)


def test_a_limit_that_cannot_be_set_up_stops_the_call_and_leaves_nothing_open(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shared_limit, "_SCHEMA", ["SELECT 1 FROM elsewhere"])
    gateway = GatedGateway([PRICE], gated=False)
    with pytest.raises(LedgerError, match="cannot be kept: no such table: elsewhere"):
        ask(gateway.client(spend=SpendLedger(path, 1)))
    assert gateway.arrived == 0
    gc.collect()  # Python 3.13 would warn of a connection that nobody has closed


def test_a_record_that_cannot_be_written_waits_beside_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call has been paid for, so it does not fail, and its record is not lost."""
    ledger = SpendLedger(path, 1)
    gateway = GatedGateway([PRICE], gated=False)

    def fails(*_: Any) -> None:
        raise LedgerError("locked")

    with monkeypatch.context() as patched:
        patched.setattr(_shared_limit.SharedLimit, "settle", fails)
        ask(gateway.client(spend=ledger))
    assert ledger.limits[0].spent_usd == PRICE
    assert ledger.limits[0].reserved_usd == 0, "it is given back as the record is moved"


def test_a_ledger_of_an_earlier_version_is_read_and_gets_a_limit(path: Path) -> None:
    ledger = SpendLedger(path)
    ledger.add(record(usd=0.25, tags=("a",)))
    ledger.add(record(usd=None))
    ledger.flush()
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE calls DROP COLUMN estimated_usd")
    assert (ledger.total.usd, ledger.records[1].estimated_usd) == (0.25, None)
    assert SpendLedger(path, 1).limits[0].spent_usd == 0.25
    ask(GatedGateway([PRICE], gated=False).client(spend=SpendLedger(path, 1)))
    assert SpendLedger(path, 1).limits[0].spent_usd == 0.25 + PRICE
    assert SpendLedger(path).limits == []


def test_a_ledger_of_an_earlier_version_gets_conversations_whose_ids_stay_text(path: Path) -> None:
    ledger = SpendLedger(path)
    ledger.add(record())
    ledger.flush()
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE calls DROP COLUMN conversation")
    assert ledger.records[0].conversation is None
    client = GatedGateway([PRICE, PRICE], gated=False).client(spend=SpendLedger(path, 1))
    client.chat.completions.create(**KNOWN, conversation="007")
    client.chat.completions.create(**KNOWN, conversation="half a pair: \ud83d")
    assert [told.conversation for told in ledger.records] == [None, "007", "half a pair: ?"]
    assert list(ledger.by("conversation")) == [None, "007", "half a pair: ?"]


def test_waiting_for_other_processes(path: Path) -> None:
    """Nobody tells of what another process settles, so the file is looked at again."""
    gateway = GatedGateway([PRICE], gated=False)
    stream = gateway.client(spend=SpendLedger(path, 0.0247)).chat.completions.create(**KNOWN, stream=True)
    ledger = SpendLedger(path, 0.0247)
    limit = ledger.shared_limit
    assert limit is not None
    asked, look = threading.Event(), limit.reserve

    def reserve(*arguments: Any) -> Any:
        try:
            return look(*arguments)
        finally:
            asked.set()

    limit.reserve = reserve  # type: ignore[method-assign]
    arguments = {"client": gateway.client(spend=ledger), "reserve_usd": PRICE}
    waiting = threading.Thread(target=track_spend(on_limit="wait")(ask), kwargs=arguments)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE reservations SET nano = 20000000")
    waiting.start()
    assert asked.wait(30)
    list(stream)
    waiting.join(30)
    assert ledger.total.usd == 2 * PRICE


# -- the environment and the command -------------------------------------------------------------------------------


def test_the_environment_sets_a_limit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURIKO_LIMIT_USD", "0.02/day")
    with pytest.raises(ValueError, match="needs AURIKO_LEDGER"):
        Client(api_key="k")
    monkeypatch.setenv("AURIKO_LEDGER", str(path))
    gateway = GatedGateway([PRICE], gated=False)
    ask(gateway.client())
    with pytest.raises(BudgetExceededError, match=r"\$0\.02 per day .* It renews at "):
        ask(gateway.client())
    assert pickle.loads(pickle.dumps(gateway.client()))._caller.settings.ledger.limits[0].limit_usd == 0.02  # noqa: S301
    monkeypatch.setenv("AURIKO_LIMIT_USD", "much")
    with pytest.raises(ValueError, match="AURIKO_LIMIT_USD: 'much' is no limit"):
        Client(api_key="k")


def test_the_command_shows_the_limits(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AURIKO_LEDGER", str(path))
    SpendLedger(path).add(record(usd=0.25))
    assert main(["spend", "--limits"]) == 2
    assert "there is no limit: set AURIKO_LIMIT_USD" in capsys.readouterr().err
    monkeypatch.setenv("AURIKO_LIMIT_USD", "2")
    assert main(["spend", "--limits"]) == 0
    assert capsys.readouterr().out.split("\n") == [
        "limit      $2.00",
        "spent      $0.25",
        "estimated  $0.00",
        "reserved   $0.00",
        "left       $1.75",
        "renews     never",
        "",
    ]
    monkeypatch.setenv("AURIKO_LIMIT_USD", "2/day")
    assert main(["spend", "--limits"]) == 0
    assert "limit      $2.00 per day" in capsys.readouterr().out
    assert main(["spend", "--limits", "--json"]) == 0
    (limit,) = json.loads(capsys.readouterr().out)["limits"]
    assert (limit["limit_usd"], limit["per"], limit["spent_usd"]) == (2, "day", 0)
    assert datetime.fromisoformat(limit["renews_at"]).hour == 0
    monkeypatch.setenv("AURIKO_LIMIT_USD", "x")
    assert main(["spend", "--limits"]) == 2
    assert "AURIKO_LIMIT_USD" in capsys.readouterr().err
