"""Calls watched by real tools; fails where a tool does not tell what was billed, once for each call.

    python tests/observability [phoenix] [mlflow] [spans]

The servers of Phoenix and MLflow are asked by their APIs; for spans, tools export to memory (`test_one_span.py`).
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import reading
import servers
from test_one_span import TOOLS
from workload import PROJECT

_WORKLOAD = Path(__file__).parent / "workload.py"
# A cost is a float on its way through JSON and a database.
_ROUNDING = 1e-12


def check(tool: str, folder: Path) -> bool:
    """Whether the tool shows each call with the model that answered and the cost that was billed."""
    serve, read = {
        "phoenix": (servers.phoenix, reading.of_phoenix),
        "mlflow": (servers.mlflow, reading.of_mlflow),
    }[tool]
    print(f"\n{tool}: starting its server ...", flush=True)
    with serve(folder) as address:
        done = subprocess.run(
            [sys.executable, str(_WORKLOAD), tool, address], stdout=subprocess.PIPE, text=True, check=True
        )
        billed: list[dict[str, Any]] = json.loads(done.stdout)
        shown = read(address, PROJECT, len(billed))
    print(f"{'call':<28}{'billed':>11}{'on the span':>13}{tool + ' says':>15}  model")
    for bill, call in zip(billed, shown, strict=False):
        print(f"{bill['job']:<28}{_usd(bill['usd'])}  {_usd(call.usd)}    {_usd(call.own_usd)}  {call.model}")
    wrong = [
        f"{bill['job']}: billed {bill['usd']} for {bill['model']}, shown {call}"
        for bill, call in zip(billed, shown, strict=False)
        if not _agree(tool, bill, call)
    ]
    if len(billed) != len(shown):
        wrong.append(f"{len(billed)} calls were billed, {len(shown)} are shown")
    print("\n".join(f"WRONG: {one}" for one in wrong) or f"{tool}: every call, its model and what it was billed.")
    return not wrong


def _agree(tool: str, bill: dict[str, Any], call: reading.Shown) -> bool:
    told = [call.usd] if tool == "phoenix" else [call.usd, call.own_usd]  # Phoenix prices by a table of its own
    return call.model == bill["model"] and all(usd is not None and abs(usd - bill["usd"]) < _ROUNDING for usd in told)


def _usd(usd: float | None) -> str:
    return f"{'unknown':>11}" if usd is None else f"{usd:>11.6f}"


def check_spans(folder: Path) -> bool:
    """Whether each call has one span with tokens and cost; each tool changes its process for good, and has its own."""
    here = Path(__file__).parent
    pytest = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(here), "--noconftest"]
    pytest += ["-p", "no:auriko", "-p", "no:asyncio", "-p", "no:cacheprovider", str(here / "test_one_span.py")]
    pytest += ["-W", "ignore", "-o", "junit_family=xunit1"]
    reports = {tool: folder / f"{tool}.xml" for tool in TOOLS}
    failed = [
        tool
        for tool, report in reports.items()
        if subprocess.run([*pytest, "-k", f"{tool}-", f"--junitxml={report}"], check=False).returncode
    ]
    print(f"\n{'tool':<16}{'calls':>6}{'billed':>11}{'exported':>11}  model")
    for tool, report in reports.items():
        print(f"{tool:<16}{_row(report)}")
    print("\n".join(f"WRONG: {tool}" for tool in failed) or "spans: one with tokens and cost for every call.")
    return not failed


def _row(report: Path) -> str:
    """The number of a tool's calls, what was billed, what it exported, and the models, of its test report."""
    told: dict[str, list[str]] = {"billed": [], "exported": [], "model": []}
    for told_of_one in ET.parse(report).iter("property"):  # noqa: S314 - of our own
        told[told_of_one.attrib["name"]].append(told_of_one.attrib["value"])
    billed, exported = (_usd(sum(map(float, told[kind]))) for kind in ("billed", "exported"))
    return f"{len(told['exported']):>6}{billed}{exported}  {', '.join(sorted(set(told['model'])))}"


def main() -> None:
    """Checks the tools that are named, else all."""
    # The servers are in sessions of their own, so that only an orderly end takes them along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    tools = sys.argv[1:] or ["spans", "phoenix", "mlflow"]
    with tempfile.TemporaryDirectory(prefix="auriko-observability-") as folder:
        right = [check_spans(Path(folder)) if tool == "spans" else check(tool, Path(folder)) for tool in tools]
    sys.exit(not all(right))


if __name__ == "__main__":
    main()
