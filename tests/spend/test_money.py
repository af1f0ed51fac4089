"""Amounts in USD: sums without the rests of binary fractions, and decimals without an exponent, wherever they stand."""

import csv
import io
import json
import math
from pathlib import Path

import pytest

from auriko import SpendTracker
from auriko.spend import SpendLedger, add_usd, decimal_text, json_text, usd_text
from tests.support.spend_calls import record


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0, "$0.00"),
        (0.05, "$0.05"),
        (2, "$2.00"),
        (1e-05, "$0.00001"),
        (0.00010067999999999999, "$0.00010068"),
        (1e-09, "under $0.00000001"),
        (1234567.5, "$1234567.50"),
        (-0.5, "-$0.50"),
        (math.inf, "$inf"),
    ],
)
def test_an_amount_as_text(usd: float, text: str) -> None:
    assert usd_text(usd) == text


def test_a_number_in_decimals() -> None:
    assert [decimal_text(number) for number in (0.0, -0.0, 2.5, 100.0, 1.25e-7)] == [
        "0",
        "0",
        "2.5",
        "100",
        "0.000000125",
    ]


def test_sums_are_exact(tmp_path: Path) -> None:
    tracker, ledger = SpendTracker(), SpendLedger(tmp_path / "ledger.db")
    for _ in range(400):
        told = record(usd=0.01, cache_savings_usd=0.1)
        tracker.add(told)
        ledger.add(told)
    for total in (tracker.total, ledger.total, ledger.by_model()["gpt-4o"]):
        assert (total.usd, total.cache_savings_usd) == (4.0, 40.0)
    assert add_usd(0.1, 0.2) == 0.3
    assert add_usd(0.1, None) == 0.1


def test_no_amount_has_an_exponent_in_json_and_csv() -> None:
    told = {"total": {"usd": 1e-05, "cost_usd": None}, "calls": [{"estimated_usd": 3.0}, 1e-05], "limit_usd": math.inf}
    text = json_text(told, indent=2)
    assert '"usd": 0.00001' in text
    assert json.loads(text) == told
    tracker = SpendTracker()
    tracker.add(record(usd=1e-05))
    lines, rows = io.StringIO(), io.StringIO()
    tracker.to_jsonl(lines)
    tracker.to_csv(rows)
    assert '"usd":0.00001,' in lines.getvalue()
    assert next(csv.DictReader(io.StringIO(rows.getvalue())))["usd"] == "0.00001"
