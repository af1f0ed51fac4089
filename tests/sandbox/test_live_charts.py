"""Charts of pages: lengths, scales, and what happened when."""

from __future__ import annotations

import pytest

from auriko.sandbox.live.charts import Slot, bars_of, sparks, timeline


def test_bars_are_as_long_as_their_amounts():
    chart = bars_of({"a": 1.0, "b": 4.0, "none": None, "nothing": 0.0})
    assert [(bar.name, bar.share, bar.series) for bar in chart.bars] == [("b", 1.0, 1), ("a", 0.25, 0)]
    assert not chart.logarithmic


def test_bars_that_are_far_apart_are_on_a_logarithmic_scale():
    chart = bars_of({"a": 1.0, "b": 10.0, "c": 500.0}, shortest_first=True)
    assert chart.logarithmic
    shares = [bar.share for bar in chart.bars]
    assert shares == sorted(shares)
    assert 0.05 < shares[0] < 0.1 < shares[1] < shares[2] == pytest.approx(1.0)


def test_colours_stay_with_their_names():
    before = bars_of({"a": 1.0, "b": 2.0}, colours=["a", "b", "c"])
    after = bars_of({"b": 2.0, "c": 3.0}, colours=["a", "b", "c"])
    assert {bar.name: bar.series for bar in (*before.bars, *after.bars)} == {"a": 0, "b": 1, "c": 2}


def test_a_timeline_counts_calls_errors_and_cost():
    events = [(100.0, 1, 0, 0.5), (99.0, 1, 1, 0.0), (61.0, 1, 0, 0.25), (1.0, 1, 0, 9.0)]
    over_time = timeline(events, now=100.0, seconds=60.0, slots=2, began="", each="")
    assert over_time.slots == [Slot(1, 0, 0.25), Slot(2, 1, 0.5)]
    assert (over_time.most_calls, over_time.most_usd) == (2, 0.5)
    assert [column[2:] for column in over_time.columns] == [(32.0, 0.0), (64.0, 32.0)]


def test_an_empty_timeline_can_be_drawn():
    over_time = timeline([], now=0.0, seconds=60.0, slots=3, began="", each="")
    assert (over_time.columns, over_time.most_calls, over_time.most_usd) == ([], 0, 0.0)
    assert over_time.cost_line.count(",") == 3


def test_sparks_are_on_one_scale():
    lines = sparks({"quick": [1.0, 1.0], "slow": [1000.0, 1000.0], "none": []})
    assert lines == {"quick": "0.0,22.0 100.0,22.0", "slow": "0.0,2.0 100.0,2.0", "none": ""}
