"""CPU time of a call and of a streamed chunk: raw httpx, the core client, and the two adapters on it.

Each subject runs in a process of its own; rounds are interleaved, so that a busy moment of the machine hits all of
them; the medians are shown with their ratio to raw httpx. CPU time of the client's process alone is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from server import EVENTS, running
from subjects import SUBJECTS, Subject

MEASURES = ("call", "chunk", "async call", "async chunk")
_CALLS, _STREAMS = 200, 8


def measure(name: str, url: str) -> dict[str, float]:
    """Microseconds of CPU time per call and per chunk, in this process."""
    subject = SUBJECTS[name](url)
    subject.call()
    list(subject.stream())
    start = time.process_time()
    for _ in range(_CALLS):
        subject.call()
    called = time.process_time()
    for _ in range(_STREAMS):
        for _item in subject.stream():
            pass
    streamed = time.process_time()
    return {
        "call": (called - start) / _CALLS * 1e6,
        "chunk": (streamed - called) / _STREAMS / EVENTS * 1e6,
        **asyncio.run(_measure_async(subject)),
    }


async def _measure_async(subject: Subject) -> dict[str, float]:
    await subject.acall()
    start = time.process_time()
    for _ in range(_CALLS):
        await subject.acall()
    called = time.process_time()
    for _ in range(_STREAMS):
        async for _item in subject.astream():
            pass
    streamed = time.process_time()
    return {
        "async call": (called - start) / _CALLS * 1e6,
        "async chunk": (streamed - called) / _STREAMS / EVENTS * 1e6,
    }


def compare(rounds: int) -> str:
    """A table of medians over interleaved rounds, as Markdown."""
    here = Path(__file__).resolve()
    found: dict[str, list[dict[str, float]]] = {name: [] for name in SUBJECTS}
    with running() as url:
        for _ in range(rounds):
            for name in SUBJECTS:
                done = subprocess.run(
                    [sys.executable, here, "--subject", name, "--url", url], capture_output=True, text=True, check=True
                )
                found[name].append(json.loads(done.stdout))
    medians = {
        name: {measure: statistics.median(round_[measure] for round_ in results) for measure in MEASURES}
        for name, results in found.items()
    }
    floor = medians["raw httpx"]
    lines = ["| µs of CPU | " + " | ".join(MEASURES) + " |", "|---|" + "---:|" * len(MEASURES)]
    for name, result in medians.items():
        cells = (f"{result[measure]:,.1f} ({result[measure] / floor[measure]:.2f})" for measure in MEASURES)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Prints the table, or one subject's figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--subject", choices=SUBJECTS)
    parser.add_argument("--url")
    arguments = parser.parse_args()
    if arguments.subject:
        print(json.dumps(measure(arguments.subject, arguments.url)))
    else:
        print(compare(arguments.rounds))


if __name__ == "__main__":
    main()
