"""CPU time that counting adds to a call: nothing tracked, a tracker, and a ledger with and without its upkeep.

The ways take turns within one process, ten calls each, so that a busy moment of the machine hits all of them and each
finds its own code in the processor's caches as often as in a program that always goes this way; the median of the
calls after a turn's first is shown. The call path is the caller's thread alone; the upkeep is what the ledger's own
thread does, which moves what waits into the database.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from server import running
from subjects import KEY, MESSAGES

from auriko import Client, track_spend
from auriko.spend import SpendLedger

_WARM_UP = 5
_TURN = 10
_FILE = 300  # fewer calls than what starts the ledger's thread


def compare(rounds: int) -> str:
    """A table of medians over interleaved rounds, as Markdown."""
    with running() as url, tempfile.TemporaryDirectory() as folder:
        ledger = SpendLedger(Path(folder) / "ledger.db")
        with Client(api_key=KEY, base_url=url) as client:
            found = _measure(client, ledger, rounds)
        written, upkeep = _alone(ledger)
    floor = found.pop("nothing")
    lines = ["| CPU of a call | µs | added |", "|---|---:|---:|", f"| nothing tracked | {floor:,.0f} | |"]
    for name, spent in found.items():
        lines.append(f"| {name} | {spent:,.0f} | {spent - floor:+.0f} ({spent / floor - 1:+.1%}) |")
    lines.append(f"| ledger: to write the record, which is part of that | | {written:+.0f} ({written / floor:+.1%}) |")
    lines.append(f"| ledger: upkeep in its own thread, on top of that | | {upkeep:+.0f} ({upkeep / floor:+.1%}) |")
    return "\n".join(lines)


def _measure(client: Client, ledger: SpendLedger, rounds: int) -> dict[str, float]:
    """Microseconds of the calling thread's CPU time per call: the median for every way."""
    blocks: dict[str, Callable[[], AbstractContextManager[Any]]] = {
        "nothing": nullcontext,
        "track_spend": track_spend,
        "ledger": ledger.active,
    }
    found: dict[str, list[float]] = {name: [] for name in blocks}
    for number in range(rounds + _WARM_UP):
        for name, block in blocks.items():
            with block():
                start = time.thread_time_ns()
                client.chat.completions.create(model="gpt-5.4", messages=MESSAGES)
                spent = time.thread_time_ns() - start
            if number >= _WARM_UP:
                found[name].append(spent / 1000)
    return {name: statistics.median(times) for name, times in found.items()}


def _call(client: Client) -> float:
    start = time.thread_time_ns()
    client.chat.completions.create(model="gpt-5.4", messages=MESSAGES)
    return (time.thread_time_ns() - start) / 1000


def _alone(ledger: SpendLedger) -> tuple[float, float]:
    """Microseconds of CPU time per call to write a record, and to move it into the database: medians of files."""
    model = ledger.records[0]
    target = SpendLedger(ledger.path.with_name("alone.db"))
    written: list[float] = []
    moved: list[float] = []
    for _ in range(20):
        records = [model._replace(id=f"{model.id}{number}") for number in range(_FILE)]
        start = time.process_time()
        for record in records:
            target.add(record)
        between = time.process_time()
        target.flush()
        written.append((between - start) / _FILE * 1e6)
        moved.append((time.process_time() - between) / _FILE * 1e6)
    return statistics.median(written), statistics.median(moved)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    print(compare(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
