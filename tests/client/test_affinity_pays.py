"""What `conversation=` saves where a gateway shares its calls, as `benchmarks/affinity.py` measures and tells it."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "routing.md"
LEAST_CACHED = 0.6


@pytest.fixture
def program() -> Any:
    spec = importlib.util.spec_from_file_location("affinity", ROOT / "benchmarks" / "affinity.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("strategy", ["cost-focus", "balanced", "ttft"])
def test_more_comes_from_caches_and_it_costs_less(strategy: str, program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "CONVERSATIONS", 6)
    monkeypatch.setattr(program, "LOAD_BALANCE", 1.0)  # whatever speeds this machine's load makes up
    monkeypatch.setattr(program, "DOWN", 0.0)
    without, kept = (program.measure(strategy, kept=kept, pace=0.05) for kept in (False, True))
    assert kept.cached >= LEAST_CACHED
    assert kept.cached > without.cached
    assert kept.usd < without.usd


def test_the_table_says_so(program: Any) -> None:
    row = r"^\| `(\S+)` \| (with|without) \| (\d+)% \| \$([\d.]+) \| (\d+) ms \|$"
    rows = re.findall(row, PAGE.read_text("utf-8"), re.MULTILINE)
    assert [row[:2] for row in rows] == [(each, said) for each in program.STRATEGIES for said in ("without", "with")]
    for without, kept in zip(rows[::2], rows[1::2], strict=True):
        assert int(kept[2]) >= LEAST_CACHED * 100
        assert int(kept[2]) > int(without[2])
        assert float(kept[3]) < float(without[3])
        assert int(kept[4]) < int(without[4])


def test_the_program_renews_the_table(
    program: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "routing.md"
    text = PAGE.read_text("utf-8")
    copy.write_text(text, "utf-8")
    monkeypatch.setattr(program, "PAGE", copy)

    def measure(_: str, *, kept: bool) -> Any:
        return program.Outcome(0.9 if kept else 0.4, 1.0, 12.0)

    monkeypatch.setattr(program, "measure", measure)
    for argument in ([], ["--write"]):
        monkeypatch.setattr("sys.argv", ["affinity.py", *argument])
        program.main()
        assert ("| `ttft` | with | 90% | $1.00 | 12 ms |" in copy.read_text("utf-8")) is bool(argument)
    assert "| `ttft` | without | 40% | $1.00 | 12 ms |" in capsys.readouterr().out
    around = program.TABLE.split(text)
    assert len(around) == 2
    assert program.TABLE.split(copy.read_text("utf-8")) == around
