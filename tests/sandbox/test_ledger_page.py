"""The page of a ledger: what it shows of it, its filters, its file, and whom it answers."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from auriko.sandbox.live.ledger import WINDOWS, Filter, ledger_view
from auriko.sandbox.live.ledger_app import LedgerPage
from auriko.sandbox.live.pages import templates
from auriko.sandbox.server import Server, bind
from auriko.spend import SpendLedger
from tests.support.spend_calls import record


@pytest.fixture
def ledger(tmp_path: Path) -> SpendLedger:
    ledger = SpendLedger(tmp_path / "ledger.db")
    now = time.time()
    for told in (
        record(
            usd=0.1, tags=("a",), started_at=now - 60, provider="openai", model="gpt-4o", ttft_ms=100.0,
            conversation="7",
        ),
        record(usd=0.2, tags=("a", "b"), started_at=now - 120, provider="anthropic", model="claude", ttft_ms=300.0),
        record(usd=None, provider=None, model=None, started_at=now - 90, conversation="7"),
        record(
            usd=None, provider=None, model=None, status="error", error="RateLimitError",
            error_code="rate_limit_exceeded", may_be_billed=False, started_at=now - 90,
        ),
        record(usd=5.0, started_at=now - 3 * 86400, provider="openai", model="gpt-4o"),
    ):  # fmt: skip
        ledger.add(told)
    return ledger


@pytest.fixture
def address(ledger: SpendLedger) -> Iterator[str]:
    async def nothing() -> None:
        pass

    listener = bind("127.0.0.1", 0)
    server = Server(LedgerPage(ledger).app(), nothing)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    server.up.wait(10)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.end()
    thread.join()


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_sums_by_everything(ledger):
    view = ledger_view(ledger, Filter())
    assert (view.total.calls, view.total.errors, view.total.unknown) == (4, 1, 1)
    assert view.total.usd == pytest.approx(0.3)
    assert {name: (sums.calls, round(sums.usd, 6)) for name, sums in view.groups["provider"].items()} == {
        "openai": (1, 0.1),
        "anthropic": (1, 0.2),
        "unknown": (2, 0.0),
    }
    assert {name: (sums.calls, round(sums.usd, 6)) for name, sums in view.groups["tag"].items()} == {
        "a": (2, 0.3),
        "b": (1, 0.2),
    }
    assert {name: (sums.calls, sums.usd, sums.unknown) for name, sums in view.groups["conversation"].items()} == {
        "7": (2, 0.1, 1)
    }
    assert {name: sums.calls for name, sums in view.groups["error"].items()} == {"rate_limit_exceeded": 1}
    assert sum(slot.calls for slot in view.over_time.slots) == 4
    assert sum(slot.usd for slot in view.over_time.slots) == pytest.approx(0.3)
    assert [(each.provider, each.ttft_p50, each.ttft_p95) for each in view.latencies] == [
        ("anthropic", 300.0, 300.0),
        ("openai", 100.0, 100.0),
    ]
    assert len(view.latest) == 4


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ({}, 4),
        ({"since": "all"}, 5),
        ({"since": "1h"}, 4),
        ({"since": "nonsense"}, 4),
        ({"since": "7d", "provider": "openai"}, 2),
        ({"model": "claude"}, 1),
        ({"tag": "a"}, 2),
        ({"tag": "a", "provider": "openai"}, 1),
        ({"conversation": "7"}, 2),
        ({"conversation": "7", "model": "gpt-4o"}, 1),
        ({"provider": "unknown"}, 2),
        ({"show": "errors"}, 1),
        ({"provider": "' OR 1=1 --"}, 0),
    ],
    ids=str,
)
def test_filters(ledger, query, calls):
    view = ledger_view(ledger, Filter.of(query))
    assert (view.total.calls, len(view.latest)) == (calls, calls)
    assert sum(slot.calls for slot in view.over_time.slots) == calls


def test_filters_in_the_address_follow_from_one_another():
    chosen = Filter.of({"since": "7d", "tag": "a&b"})
    assert chosen.with_(provider="x") == "?since=7d&provider=x&tag=a%26b"
    assert chosen.chosen == [("a&b", "?since=7d")]


def test_the_users_folder_is_not_spelled_out(ledger, monkeypatch):
    assert ledger_view(ledger, Filter()).path == str(ledger.path)
    monkeypatch.setattr(Path, "home", lambda: ledger.path.parent)
    assert ledger_view(ledger, Filter()).path == "~/ledger.db"


def test_limits_and_what_is_left_of_them(tmp_path):
    ledger = SpendLedger(tmp_path / "ledger.db", limit_usd=5.0, per="day")
    ledger.add(record(usd=1.5, started_at=time.time()))
    view = ledger_view(ledger, Filter())
    page = words(templates().get_template("ledger.html").render(view=view, windows=WINDOWS))
    assert re.search(r"\$5\.00 per day \$1\.50 \$0\.000000 \$0\.000000 \$3\.50", page)


def test_an_empty_ledger_has_a_page(tmp_path):
    ledger = SpendLedger(tmp_path / "ledger.db")
    ledger.add(record(started_at=1.0))
    view = ledger_view(ledger, Filter())
    assert (view.total.calls, view.latest) == (0, [])


def test_the_page_comes_before_its_contents(address):
    page = httpx.get(address)
    assert page.status_code == 200
    assert 'data-live="/ledger"' in page.text
    shown = words(httpx.get(f"{address}/ledger").text)
    for text in ("4 calls", "$0.300000 spent", "1 errors", "rate_limit_exceeded", "gpt-4o", "not billed", "unknown"):
        assert text in shown or " ".join(reversed(text.split())) in shown, text


def test_it_follows_new_calls(address, ledger):
    assert "1 of unknown cost" in _tiles(address)
    assert _tiles(address) == _tiles(address)
    ledger.add(record(usd=None, started_at=time.time()))
    deadline = time.monotonic() + 10
    while "2 of unknown cost" not in _tiles(address):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _tiles(address: str) -> str:
    found = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", httpx.get(f"{address}/ledger").text)
    return ", ".join(f"{amount} {name}" for name, amount in found)


def test_its_file_has_every_call_that_is_shown(address):
    reply = httpx.get(f"{address}/calls.csv", params={"tag": "a"})
    assert reply.headers["content-disposition"] == 'attachment; filename="calls.csv"'
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(reply.text)))
    assert sorted((row["usd"], row["conversation"]) for row in rows) == [("0.1", "7"), ("0.2", "")]


def test_many_calls_are_downloaded_whole_while_others_look(address, ledger):
    for _ in range(2500):
        ledger.add(record(started_at=time.time()))
    with ThreadPoolExecutor(6) as threads:
        replies = list(threads.map(httpx.get, [f"{address}/calls.csv", f"{address}/ledger"] * 3))
    for reply in replies[::2]:
        rows = list(csv.DictReader(io.StringIO(reply.text)))
        assert len({row["id"] for row in rows}) == len(rows) == 2504, "those of the last day"


def test_a_ledger_of_an_earlier_version_has_a_page(address, ledger):
    ledger.flush()
    with closing(sqlite3.connect(ledger.path)) as database, database:
        database.execute("ALTER TABLE calls DROP COLUMN conversation")
    assert ledger_view(ledger, Filter()).groups["conversation"] == {}
    assert 'id="conversation"' in httpx.get(f"{address}/ledger").text
    assert "conversation" in httpx.get(f"{address}/calls.csv").text.splitlines()[0].split(",")


@pytest.mark.parametrize("path", ["/", "/ledger", "/calls.csv"])
def test_it_answers_to_this_machine_alone(address, path):
    refused = httpx.get(address + path, headers={"Host": "evil.test"})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/ledger", "/calls.csv", "/sandbox/page.css", "/sandbox/page.js", "/sandbox/icon.svg"]
)
def test_nothing_comes_from_elsewhere(address, path):
    reply = httpx.get(address + path)
    assert reply.status_code == 200
    assert reply.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert "https://" not in reply.text
