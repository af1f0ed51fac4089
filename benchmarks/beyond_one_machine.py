"""Runs the recipes of docs/batches.md for Ray Data, Dask and Spark as they stand: `make ray`, `make spark`.

Each recipe runs in a process of its own against a server on this machine whose every answer costs the same, and must
end with the cost of all its rows. Beside the recipes, the same requests go through `batch` in this process.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from server import running

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "batches.md"
USD = 0.00193  # what server.py bills for every request
ENGINES = ("batch", "Ray Data", "Dask", "Spark")


def recipe(engine: str) -> str:
    """The program under the page's heading of this name."""
    text = PAGE.read_text("utf-8")
    section = re.search(rf"^### {engine}\n(.*?)(?=^##)", text + "\n##", re.DOTALL | re.MULTILINE)
    if section is None:
        raise SystemExit(f"{PAGE.name} has no section {engine!r}")
    return "\n".join(re.findall(r"^```python\n(.*?)^```", section[1], re.DOTALL | re.MULTILINE))


def run(engine: str, rows: int) -> None:
    """Runs one engine in this process, and checks and prints what it made."""
    questions = [f"What is {number} plus {number}?" for number in range(rows)]
    started = time.perf_counter()
    if engine == "batch":
        from auriko import Client

        with Client() as client:
            requests = ({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]} for text in questions)
            replies = client.chat.completions.batch(requests, max_concurrency=64, on_error="raise")
        costs: list[Any] = [reply.routing_metadata.cost.usd for reply in replies]  # type: ignore[union-attr]
    else:
        # The recipe is a program of its own; what it defines is pickled by value, as from a notebook.
        names: dict[str, Any] = {"__name__": "__main__", "questions": questions}
        exec(compile(recipe(engine), str(PAGE), "exec"), names)  # noqa: S102 - it is the page's
        costs = list(names["answers"]["usd"])
        if not all("blue light" in answer for answer in names["answers"]["answer"]):
            raise SystemExit(f"{engine}: some answers are not the server's")
    seconds = time.perf_counter() - started
    if len(costs) != rows or abs(sum(costs) - rows * USD) > 1e-6:
        raise SystemExit(f"{engine}: {len(costs)} rows at ${sum(costs):.6f} instead of {rows} at ${rows * USD:.6f}")
    print(f"| {engine} | {rows:,} | {seconds:.1f} | {rows / seconds:,.0f} | ${sum(costs):.2f} |")


def main() -> int:
    """Prints a table of what ran; the exit code is 1 if a recipe failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="+", choices=ENGINES)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        run(arguments.engines[0], arguments.rows)
        return 0
    with running() as url, tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "AURIKO_BASE_URL": url,
            "AURIKO_API_KEY": "ak_benchmark",
            "PYSPARK_PYTHON": sys.executable,
            # Patience, for a busy machine.
            "RAY_raylet_start_wait_time_s": "300",
            "RAY_agent_register_timeout_ms": "120000",
        }
        print("| | rows | seconds | rows per second | cost |\n|---|---:|---:|---:|---:|", flush=True)
        failed = []
        for engine in arguments.engines:
            command = [sys.executable, Path(__file__), engine, "--run", "--rows", str(arguments.rows)]
            done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
            lines = [line for line in done.stdout.splitlines() if line.startswith(f"| {engine} |")]
            if lines:
                print(*lines, sep="\n", flush=True)
            if done.returncode or not lines:
                failed.append(engine)
                print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
