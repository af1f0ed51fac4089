"""Sums as text, HTML, plots, CSV, lines of JSON and data frames: what is unknown is never shown as 0."""

import csv
import io
import json
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from auriko import SpendTracker
from auriko.spend import SpendTotal
from tests.support.spend_calls import record


@pytest.fixture
def spend() -> SpendTracker:
    tracker = SpendTracker(limit_usd=2)
    tracker.add(record(usd=0.75, tags=("a", "b"), cache_savings_usd=0.125))
    tracker.add(record(usd=0.25, provider="<b>x</b>", model="small", prompt_tokens=5, tags=("a",)))
    tracker.add(record(usd=None, provider="<b>x</b>", model="small", prompt_tokens=None, completion_tokens=None))
    tracker.add(record(usd=None, provider=None, model=None, status="abandoned", prompt_tokens=None))
    tracker.add(
        record(usd=None, provider=None, model=None, status="error", error="RateLimitError", may_be_billed=False)
    )
    return tracker


TEXT = """\
5 calls: $1.00 + 2 unknown, $0.125 saved by caches, limit $2.00

provider  calls  tokens in  out                USD  share
--------  -----  ---------  ---  -----------------  -----
openai        1      1,000   50              $0.75    75%
<b>x</b>      2          5   50  $0.25 + 1 unknown    25%
unknown       2      1,000  100            unknown

model    calls  tokens in  out                USD  share
-----    -----  ---------  ---  -----------------  -----
gpt-4o       1      1,000   50              $0.75    75%
small        2          5   50  $0.25 + 1 unknown    25%
unknown      2      1,000  100            unknown

tag     calls  tokens in  out      USD  share
---     -----  ---------  ---  -------  -----
a           2      1,005  100    $1.00   100%
b           1      1,000   50    $0.75    75%
(none)      3      1,000  100  unknown"""


def test_text(spend: SpendTracker) -> None:
    assert str(spend) == TEXT
    assert repr(spend) == "SpendTracker($1.00 in 5 calls, 2 of unknown cost, limit $2.00)"
    assert str(SpendTracker()) == "no calls"


def test_text_of_what_is_asked_for(spend: SpendTracker) -> None:
    assert [block.split()[0] for block in spend.report("day", "tag").split("\n\n")] == ["5", "day", "tag"]
    assert "2026-03-31" in spend.report("day")
    with pytest.raises(ValueError, match="not by 'week'"):
        spend.report("week")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("total", "text"),
    [
        (SpendTotal(), "$0.00"),
        (SpendTotal(calls=1), "$0.00"),
        (SpendTotal(calls=1, unknown_cost_calls=1), "unknown"),
        (SpendTotal(calls=2, usd=0.5, unknown_cost_calls=1), "$0.50 + 1 unknown"),
    ],
)
def test_an_unknown_cost_is_not_0(total: SpendTotal, text: str) -> None:
    assert total.cost_text == text


class Table(HTMLParser):
    """The rows of the tables of a page, and the widths of its bars."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.widths: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        style = dict(attrs).get("style") or ""
        if "background" in style:
            self.widths.append(style.partition("width:")[2])
        assert "color:#" not in style
        assert "background:#" not in style

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def test_html_has_a_bar_for_each_provider_and_no_colour_of_its_own(spend: SpendTracker) -> None:
    page = Table(spend._repr_html_())
    assert page.rows[:4] == [
        ["provider", "calls", "tokens in", "out", "USD", "share", ""],
        ["openai", "1", "1,000", "50", "$0.75", "75%", ""],
        ["<b>x</b>", "2", "5", "50", "$0.25 + 1 unknown", "25%", ""],
        ["unknown", "2", "1,000", "100", "unknown", "", ""],
    ]
    assert page.widths[:3] == ["75.0%", "25.0%", "0.0%"]
    assert not page.open
    assert "no calls" in SpendTracker()._repr_html_()


def test_csv(spend: SpendTracker, tmp_path: Path) -> None:
    spend.to_csv(tmp_path / "calls.csv")
    text = io.StringIO()
    spend.to_csv(text)
    assert (tmp_path / "calls.csv").read_text("utf-8") == text.getvalue()
    rows = list(csv.DictReader(io.StringIO(text.getvalue())))
    first, third = rows[0], rows[2]
    assert (first["started_at"], first["usd"], first["tags"]) == ("2026-03-31T12:00:00.250+00:00", "0.75", "a;b")
    assert (third["usd"], third["prompt_tokens"], third["may_be_billed"]) == ("", "", "True")
    assert rows[4]["error"] == "RateLimitError"


def test_lines_of_json(spend: SpendTracker, tmp_path: Path) -> None:
    spend.to_jsonl(str(tmp_path / "calls.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text("utf-8").splitlines()]
    assert [row["usd"] for row in rows] == [0.75, 0.25, None, None, None]
    assert rows[0]["tags"] == ["a", "b"]
    assert rows[0]["started_at"] == "2026-03-31T12:00:00.250+00:00"


def test_data_frame(spend: SpendTracker) -> None:
    frame = spend.to_pandas()
    assert list(frame["status"]) == ["ok", "ok", "ok", "abandoned", "error"]
    assert frame["usd"].sum() == spend.usd
    assert list(frame["usd"].isna()) == [False, False, True, True, True]
    assert frame["prompt_tokens"].sum() == spend.total.prompt_tokens
    assert str(frame["started_at"].iloc[0]) == "2026-03-31 12:00:00.250000+00:00"
    assert list(SpendTracker().to_pandas().columns) == list(frame.columns)


def test_plot(spend: SpendTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    from matplotlib import pyplot as plt

    axes = spend.plot("model")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["unknown", "small", "gpt-4o"]
    assert [bar.get_width() for bar in axes.patches] == [0, 0.25, 0.75]
    assert {text.get_text() for text in axes.texts} == {"unknown", "$0.25 + 1 unknown", "$0.75"}
    axes.figure.canvas.draw()
    own = plt.subplots()[1]
    assert SpendTracker().plot(ax=own) is own
    plt.close("all")


@pytest.mark.parametrize(("method", "package"), [("to_pandas", "pandas"), ("plot", "matplotlib")])
def test_what_is_not_installed_is_named(
    spend: SpendTracker, monkeypatch: pytest.MonkeyPatch, method: str, package: str
) -> None:
    for module in (package, "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf'{method}\(\) needs {package}: pip install "auriko\[notebook\]"'):
        getattr(spend, method)()
