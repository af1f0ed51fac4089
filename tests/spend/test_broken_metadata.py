"""Broken metadata of a paid reply: it fails no call, keeps no reservation, and takes no other record along."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from auriko import Client, SpendTracker, track_spend
from auriko.spend import CallRecord, SpendLedger
from tests.support.replies import METADATA, USAGE, completion
from tests.support.spend_calls import ASK, COST, ask, client, record

CLEAN = completion()
HUGE = 2**63


def with_usage(**fields: Any) -> dict[str, Any]:
    return completion(usage={**USAGE, **fields})


def with_cost(**fields: Any) -> dict[str, Any]:
    return completion(routing_metadata={**METADATA, "cost": {**METADATA["cost"], **fields}})


def client_of(*replies: Any, **settings: Any) -> Client:
    queue = list(replies)
    headers = {"content-type": "application/json"}

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=json.dumps(queue.pop(0)), headers=headers)

    return Client(api_key="k", http_client=httpx.Client(transport=httpx.MockTransport(answer)), **settings)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.mark.parametrize("limit", [None, 5.0])
@pytest.mark.parametrize(
    ("broken", "usd"),
    [
        (with_usage(prompt_tokens=HUGE), COST),
        (with_usage(prompt_tokens=-1, completion_tokens=HUGE - 1), COST),
        (with_usage(completion_tokens_details={"reasoning_tokens": 10**4000}), COST),
        (with_usage(prompt_tokens_details={"cached_tokens": HUGE, "cache_creation_tokens": -HUGE}), COST),
        (with_cost(usd=1e10), None),
        (with_cost(usd=1e300), None),
        (with_cost(usd=-1), None),
        (with_cost(usd="nan"), None),
        (with_cost(cache_savings_usd="-Infinity"), COST),
        (with_cost(cache_savings_usd="nan"), COST),
        (with_cost(cache_savings_usd=-1e300), COST),
        (with_cost(cache_savings_usd=float("nan"), hosted_tool_usd=float("inf")), COST),
    ],
    ids=lambda value: "",
)
def test_it_is_unknown_and_all_else_is_counted(broken: Any, usd: Any, limit: Any, path: Path) -> None:
    ledger = SpendLedger(path, limit)
    with client_of(CLEAN, broken, CLEAN, broken, CLEAN, spend=ledger) as calls, track_spend(limit) as spend:
        for _ in range(5):
            assert calls.chat.completions.create(**ASK).choices[0].message.content == "Paris."
    assert ledger.total == spend.total
    assert [call.usd for call in ledger.records] == [COST, usd, COST, usd, COST]
    assert spend.total.calls == 5
    assert 0 <= spend.total.prompt_tokens <= 5 * USAGE["prompt_tokens"]
    assert 0 <= spend.total.cache_savings_usd < 0.02
    assert spend.reserved_usd == 0
    assert [(status.reserved_usd, status.spent_usd) for status in ledger.limits] == [(0, spend.usd)] * bool(limit)


def odd_record() -> CallRecord:
    return record(prompt_tokens=HUGE, completion_tokens=HUGE - 1, usd=1e10, ttft_ms=["no number"], estimated_usd=1e10)


@pytest.mark.parametrize("limit", [None, 1e18])
def test_a_record_that_a_file_cannot_hold_takes_no_other_along(limit: Any, path: Path) -> None:
    ledger = SpendLedger(path, limit)
    for told in (record(), odd_record(), odd_record(), record()):
        ledger.add(told)
    total = ledger.total
    assert (total.calls, total.usd) == (4, 2e10 + 0.5)
    assert total.prompt_tokens == 2000, "what cannot be held is unknown"
    assert total.completion_tokens == HUGE - 1, "the most that there can be"
    assert [call.completion_tokens for call in ledger.records] == [50, HUGE - 1, HUGE - 1, 50]
    (status,) = SpendLedger(path, 1).limits
    assert status.spent_usd > 9e9


def test_a_ledger_in_which_an_earlier_version_wrote_huge_amounts_gets_a_limit(path: Path) -> None:
    ledger = SpendLedger(path)
    ledger.add(record())
    ledger.flush()
    with closing(sqlite3.connect(path)) as database, database:
        columns = "started_at, duration_ms, operation, stream, status, model_asked, usd, may_be_billed, tags"
        for name in "xy":
            database.execute(
                f"INSERT INTO calls (id, {columns}) VALUES (?, 1.8e9, 1.0, 'chat', 0, 'ok', 'm', 1e10, 1, '[]')",  # noqa: S608
                (name,),
            )
    assert ledger.total.usd == 2e10 + 0.25
    (status,) = SpendLedger(path, 1).limits
    assert status.left_usd < 0


def test_a_tracker_adds_up_whatever_a_record_says() -> None:
    tracker = SpendTracker(limit_usd=1)
    for usd in (float("-inf"), 0.25):
        tracker.add(record(usd=usd, cache_savings_usd=usd))
    assert tracker.calls == 2


class Broken(SpendTracker):
    def add(self, *_: Any) -> None:
        raise OverflowError("It is more than I can count")


def test_a_recorder_that_fails_fails_neither_the_call_nor_the_others(caplog: pytest.LogCaptureFixture) -> None:
    after = SpendTracker()
    with Broken().active():
        for _ in range(2):
            ask(client(spend=after))
    assert after.calls == 2
    assert ["Broken, which listens" in message for message in caplog.messages] == [True]
