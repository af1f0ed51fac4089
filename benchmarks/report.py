"""Tables of what was measured, as Markdown, and the pages of docs/ and the places there that they belong in."""

from __future__ import annotations

import re
from typing import NamedTuple

from goals import GOALS, Goal, Results
from roster import (
    FLOOR,
    LANGCHAIN,
    LITELLM,
    LLAMAINDEX,
    OPENAI,
    OPENAI_AIOHTTP,
    OURS,
    OURS_FAST,
    PYREQWEST,
    ROSTER,
)
from scale import capacity
from workloads import Kind

Versions = dict[str, str]


class Outcome(NamedTuple):
    """All that a run has found.

    Args:
        results: Medians: for each entrant, its figures by name.
        remarks: What went wrong.
        machine: Lines about the machine.
        versions: Packages with their versions, by entrant.
        rounds: How often each was measured.
    """

    results: Results
    remarks: list[str]
    machine: list[str]
    versions: Versions
    rounds: int


class Table(NamedTuple):
    """One table: whose figures, and which.

    Args:
        kinds: Whose.
        base: Whose figures the ratios in brackets are to.
        ratios: Columns with ratios: their headings, and the names of the figures.
        plain: Columns without.
    """

    kinds: tuple[Kind, ...]
    base: str | None
    ratios: dict[str, str]
    plain: dict[str, str] = {}  # noqa: RUF012 - no one adds to it


_CORE: tuple[Kind, ...] = ("limit", "core")
_ALL: tuple[Kind, ...] = ("limit", "core", "langchain", "llamaindex")
_CALLS = {"call": "call", "async call": "async call", "16 threads": "16 threads", "100 tasks": "asyncio 100"}
_STREAMS = {
    "burst": "stream",
    "paced": "paced stream",
    "async burst": "async stream",
    "async paced": "async paced stream",
}
_LONG = {"50000 chunks: MB": "50000 chunks: MB"}
_BATCHES = {"batch of 100": "batch", "abatch of 100": "abatch"}

TABLES: dict[str, Table] = {
    "imports": Table(
        _ALL,
        None,
        {},
        {"CPU ms": "import: CPU ms", "MB": "import: MB", "modules": "import: modules"},
    ),
    "construction": Table(
        ("core", "langchain", "llamaindex"),
        None,
        {},
        {"first, ms": "first client", "later ones, ms": "later clients", "TLS contexts of 21": "TLS contexts"},
    ),
    "calls": Table(_CORE, FLOOR, _CALLS),
    "in flight": Table(
        _CORE,
        FLOOR,
        {"CPU seconds": "1000 in flight"},
        {
            "seconds": "1000 in flight: seconds",
            "MB": "1000 in flight: MB",
            "most at once": "1000 in flight: at once",
            "KB for each open stream": "1000 streams: KB each",
        },
    ),
    "streams": Table(_CORE, FLOOR, {**_STREAMS, "50 at once": "50 streams", "50 paced": "50 paced streams"}),
    "long streams": Table(
        _CORE, FLOOR, {"first chunk, ms": "first chunk", "each of 50,000, µs": "50000 chunks: each"}, _LONG
    ),
    "prompts": Table(
        _CORE, FLOOR, {name: name for name in ("1 MB message", "1000 messages", "200 tools", "10 MB image")}
    ),
    "langchain calls": Table(("langchain",), LANGCHAIN, {**_CALLS, **_BATCHES, "1000 messages": "1000 messages"}),
    "langchain streams": Table(("langchain",), LANGCHAIN, {**_STREAMS, **_LONG}),
    "llamaindex calls": Table(("llamaindex",), LLAMAINDEX, _CALLS),
    "llamaindex streams": Table(("llamaindex",), LLAMAINDEX, {**_STREAMS, **_LONG}),
    "instructions": Table(
        _ALL,
        None,
        {},
        {name: f"instructions: {name}" for name in ("call", "async call", "chunk", "async chunk")},
    ),
}


# Who stands in the one table that users read.
_SUMMED_UP = (FLOOR, OURS, OURS_FAST, PYREQWEST, OPENAI, OPENAI_AIOHTTP, LITELLM)
# Places of a page of its own; all others are in figures.md.
_PLACES = {"performance.md": ("summary", "scale")}


def number(figure: float) -> str:
    """Three digits, or all that are before the point."""
    size = abs(figure)
    digits = 0 if size >= 100 or not size else 1 if size >= 10 else 2 if size >= 1 else 3 if size >= 0.1 else 4
    return f"{figure:,.{digits}f}"


def table(shape: Table, results: Results) -> str:
    """One table, with a row for everyone who has one of its figures; a dash where there is none."""
    columns = {**shape.ratios, **shape.plain}
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for name, figures in results.items():
        if ROSTER[name].kind in shape.kinds and any(measure in figures for measure in columns.values()):
            cells = [_cell(results, name, shape, heading, measure) for heading, measure in columns.items()]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 2 else "Not measured."


def _cell(results: Results, name: str, shape: Table, heading: str, measure: str) -> str:
    figure = results[name].get(measure)
    if figure is None:
        return "-"
    base = results.get(shape.base or "", {}).get(measure)
    return f"{number(figure)} ({figure / base:.2f})" if heading in shape.ratios and base else number(figure)


def summary(results: Results) -> str:
    """The ratios to plain httpx of calls and chunks."""
    columns = {**_CALLS, **_STREAMS}
    lines = [f"| CPU time, httpx = 1 | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    base = results.get(FLOOR, {})
    for name in _SUMMED_UP:
        found = results.get(name, {})
        ratios = [
            f"{found[measure] / base[measure]:.2f}" if measure in found and measure in base else "-"
            for measure in columns.values()
        ]
        lines.append(f"| {name} | {' | '.join(ratios)} |")
    return "\n".join(lines)


def goal_row(goal: Goal, found: float | None) -> str:
    """A goal and what came of it; what is shown is what is judged."""
    against = f"divided by {goal.against}" if goal.against else ""
    bound = f"{'≥' if goal.least else '≤'} {goal.bound:,.10g}{' (hoped for)' if goal.hoped else ''}"
    if found is None:
        shown, verdict = "-", "not measured"
    else:
        shown = number(found)
        verdict = "met" if goal.met(float(shown.replace(",", ""))) else "**NOT met**"
    return f"| {goal.measure} | {goal.subject} | {against} | {bound} | {shown} | {verdict} |"


def goals(results: Results) -> str:
    """Every goal with its outcome, and how many are met."""
    rows = [goal_row(goal, goal.found(results)) for goal in GOALS]
    met = sum(row.endswith("| met |") for row in rows)
    head = ["| figure | of | | goal | measured | |", "|---|---|---|---:|---:|---|"]
    return "\n".join([f"{met} of {len(rows)} goals are met.", "", *head, *rows])


def sections(outcome: Outcome) -> dict[str, str]:
    """The text of every place of the pages, by its name."""
    lines = [*outcome.machine, f"{outcome.rounds} rounds"]
    packages = [f"- {name}: {text}" for name, text in outcome.versions.items()]
    return {
        "machine": "\n".join([f"- {line}" for line in lines]),
        "versions": "\n".join(packages),
        **{name: table(shape, outcome.results) for name, shape in TABLES.items()},
        "summary": summary(outcome.results),
        "scale": capacity(outcome.results),
        "goals": goals(outcome.results),
        "remarks": "\n".join(f"- {remark}" for remark in outcome.remarks)
        or "Nothing failed, and nobody waited for the server.",
    }


def place(name: str) -> tuple[str, str]:
    """What stands before and after a place of the page."""
    return f"<!-- measured: {name} -->", "<!-- end -->"


def pages(texts: dict[str, str]) -> dict[str, dict[str, str]]:
    """The texts of each page."""
    apart = {page: {name: texts[name] for name in names} for page, names in _PLACES.items()}
    elsewhere = {name for names in _PLACES.values() for name in names}
    return {**apart, "figures.md": {name: text for name, text in texts.items() if name not in elsewhere}}


def renewed(page: str, texts: dict[str, str]) -> str:
    """The page with new texts in its places.

    Raises:
        ValueError: The page has not each place once.
    """
    for name, text in texts.items():
        before, after = place(name)
        pattern = re.compile(f"{re.escape(before)}.*?{re.escape(after)}", re.DOTALL)
        pieces = pattern.split(page)
        if len(pieces) != 2:
            raise ValueError(f"the page has {len(pieces) - 1} places for {name!r} instead of one")
        page = f"{before}\n{text}\n{after}".join(pieces)
    return page
