"""docs/performance.md and docs/figures.md are what benchmarks/ writes, and the harness still measures."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
PAGE = (ROOT / "docs" / "figures.md").read_text("utf-8")
SHORT = (ROOT / "docs" / "performance.md").read_text("utf-8")
EXPECTED = """
import json, sys
from goals import GOALS
from report import Outcome, goal_row, pages, place, sections

shown = json.load(sys.stdin)
found = [None if text == "-" else float(text.replace(",", "")) for text in shown]
rows = [goal_row(goal, figure) for goal, figure in zip(GOALS, found)]
found = pages(sections(Outcome({}, [], [], {}, 0)))
places = {page: [place(name)[0] for name in texts] for page, texts in found.items()}
print(json.dumps({"goals": len(GOALS), "rows": rows, "places": places}))
"""


def python(*arguments: object, given: str = "") -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=BENCHMARKS, input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def goal_rows() -> list[str]:
    text = PAGE.partition("<!-- measured: goals -->")[2].partition("<!-- end -->")[0]
    return [line for line in text.splitlines() if line.startswith("| ")][1:]


def test_the_page_shows_every_goal_and_judges_it_by_what_it_shows() -> None:
    rows = goal_rows()
    shown = [row.split(" | ")[-2] for row in rows]
    expected: dict[str, Any] = json.loads(python("-c", EXPECTED, given=json.dumps(shown)))
    assert len(rows) == expected["goals"]
    assert rows == expected["rows"]


def test_the_page_counts_the_goals_that_are_met() -> None:
    rows = goal_rows()
    met = sum(row.endswith("| met |") for row in rows)
    assert f"\n{met} of {len(rows)} goals are met.\n" in PAGE


def test_the_pages_have_a_place_for_every_table() -> None:
    expected = json.loads(python("-c", EXPECTED, given="[]"))["places"]
    assert expected.keys() == {"figures.md", "performance.md"}
    for name, page in {"figures.md": PAGE, "performance.md": SHORT}.items():
        assert sorted(re.findall(r"^<!-- measured: .* -->$", page, re.MULTILINE)) == sorted(expected[name])


def test_the_harness_measures_and_compares(tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    workloads = {"construction", "call", "async call", "stream", "async stream", "imports"}
    printed = python(
        *("compare.py", "--here", "--rounds", 1, "--seconds", 0.01, "--keep", kept),
        *("--only", ",".join(sorted(workloads)), "--entrants", "raw httpx,auriko"),
    )
    found = json.loads(kept.read_text("utf-8"))["results"]
    measured = {"call", "async call", "stream", "async stream", "import: CPU ms"}
    assert measured <= {name for name, figure in found["raw httpx"].items() if figure > 0}
    assert measured | {"later clients"} <= {name for name, figure in found["auriko"].items() if figure > 0}
    ratio = found["auriko"]["call"] / found["raw httpx"]["call"]
    assert re.search(rf"^\| auriko \| [\d.,]+ \({ratio:.2f}\) ", printed, re.MULTILINE)
    assert re.search(r"^\| raw httpx \| [\d.,]+ \(1\.00\) ", printed, re.MULTILINE)


@pytest.mark.parametrize(("now", "within"), [(1100, True), (1101, False), (500, True)])
def test_the_guard_refuses_growth_beyond_a_tenth(now: float, within: bool) -> None:
    program = "import json, sys; from guard import judged; print(json.dumps(judged(*json.load(sys.stdin))))"
    found, committed = {"auriko": {"call": now, "chunk": 10}}, {"auriko": {"call": 1000, "chunk": 10}}
    lines, judgement = json.loads(python("-c", program, given=json.dumps([found, committed])))
    assert judgement is within
    assert ["grew by more than 10%" in line for line in lines] == [not within, False]
    assert "1,000" in lines[0]
    assert f"{now:,}" in lines[0]


def test_the_guard_has_figures_of_all_that_it_guards() -> None:
    program = "import json; from guard import COMMITTED, GUARDED; print(json.dumps([str(COMMITTED), GUARDED]))"
    path, guarded = json.loads(python("-c", program))
    for figures in json.loads(Path(path).read_text("utf-8")).values():
        assert list(figures) == guarded
        assert all(set(measures) == {"call", "chunk", "async call", "async chunk"} for measures in figures.values())
