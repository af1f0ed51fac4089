"""CPU time and memory of 10,000 requests: `batch` in its forms beside a bare `asyncio.gather` of the same client.

Each subject runs in a process of its own; rounds are interleaved, so that a busy moment of the machine hits all of
them; medians are shown. Memory is the peak above what the process had after `import auriko`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from server import running

from auriko import AsyncClient, Client

KEY = "ak_benchmark"
CONCURRENCY = 50
BASELINE = "gather, 50 at once"
# What docs/batches.md promises.
MOST_CPU, MOST_MB = 1.25, 150


def requests(count: int) -> Iterator[dict[str, Any]]:
    """So many requests, made one by one."""
    for number in range(count):
        yield {"model": "gpt-5.4", "messages": [{"role": "user", "content": f"Why is the sky blue? ({number})"}]}


def check(found: int, expected: int) -> None:
    """Ends the program if not all requests were answered."""
    if found != expected:
        raise SystemExit(f"{found} instead of {expected}")


async def gather(url: str, count: int) -> None:
    """What a program would write by hand."""
    room = asyncio.Semaphore(CONCURRENCY)
    async with AsyncClient(api_key=KEY, base_url=url) as client:

        async def one(request: dict[str, Any]) -> Any:
            async with room:
                return await client.chat.completions.create(**request)

        check(len(await asyncio.gather(*map(one, requests(count)))), count)


async def batch_on_loop(url: str, count: int) -> None:
    """A list of replies."""
    async with AsyncClient(api_key=KEY, base_url=url) as client:
        replies = await client.chat.completions.batch(requests(count), max_concurrency=CONCURRENCY, on_error="raise")
        check(len(replies), count)


async def as_completed_on_loop(url: str, count: int) -> None:
    """Each reply let go of at once."""
    answered = 0
    async with AsyncClient(api_key=KEY, base_url=url) as client:
        batch = client.chat.completions.batch_as_completed(requests(count), max_concurrency=CONCURRENCY)
        async with batch as replies:
            async for _index, reply in replies:
                answered += not isinstance(reply, Exception)
    check(answered, count)


def batch_in_threads(url: str, count: int) -> None:
    """A list of replies."""
    with Client(api_key=KEY, base_url=url) as client:
        replies = client.chat.completions.batch(requests(count), max_concurrency=CONCURRENCY, on_error="raise")
        check(len(replies), count)


def as_completed_in_threads(url: str, count: int) -> None:
    """Each reply let go of at once."""
    answered = 0
    batch = Client(api_key=KEY, base_url=url).chat.completions.batch_as_completed
    with batch(requests(count), max_concurrency=CONCURRENCY) as replies:
        for _index, reply in replies:
            answered += not isinstance(reply, Exception)
    check(answered, count)


def command(url: str, count: int) -> None:
    """`auriko batch`, from file to file."""
    import os

    from auriko.cli import main as auriko

    os.environ.update(AURIKO_API_KEY=KEY, AURIKO_BASE_URL=url)
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/in.jsonl", f"{folder}/out.jsonl"
        Path(source).write_text("".join(f"{json.dumps(request)}\n" for request in requests(count)), "utf-8")
        check(auriko(["batch", source, "-o", target, "--concurrency", str(CONCURRENCY), "--json"]), 0)


SUBJECTS: dict[str, Callable[[str, int], Any]] = {
    BASELINE: gather,
    "await batch(...)": batch_on_loop,
    "async with batch_as_completed(...)": as_completed_on_loop,
    "batch(...) in threads": batch_in_threads,
    "with batch_as_completed(...) in threads": as_completed_in_threads,
    "auriko batch in.jsonl -o out.jsonl": command,
}


def peak_mb() -> float:
    """The most memory that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 / (1024 if sys.platform == "darwin" else 1)


def measure(name: str, url: str, count: int) -> dict[str, float]:
    """CPU in microseconds per request, wall seconds, and megabytes above the import, of one subject in this process."""
    before, cpu, wall = peak_mb(), time.process_time(), time.perf_counter()
    done = SUBJECTS[name](url, count)
    if done is not None:
        asyncio.run(done)
    return {
        "cpu": (time.process_time() - cpu) / count * 1e6,
        "wall": time.perf_counter() - wall,
        "mb": peak_mb() - before,
    }


def compare(count: int, rounds: int) -> dict[str, dict[str, float]]:
    """Medians over interleaved rounds."""
    here = Path(__file__).resolve()
    found: dict[str, list[dict[str, float]]] = {name: [] for name in SUBJECTS}
    with running() as url:
        for _ in range(rounds):
            for name in SUBJECTS:
                program = [sys.executable, str(here), "--subject", name, "--url", url, "--count", str(count)]
                done = subprocess.run(program, capture_output=True, text=True, check=True)
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
    return {
        name: {key: statistics.median(round_[key] for round_ in results) for key in ("cpu", "wall", "mb")}
        for name, results in found.items()
    }


def main() -> int:
    """Prints the table; the exit code is 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--subject", choices=SUBJECTS)
    parser.add_argument("--url")
    arguments = parser.parse_args()
    if arguments.subject:
        print(json.dumps(measure(arguments.subject, arguments.url, arguments.count)))
        return 0
    medians = compare(arguments.count, arguments.rounds)
    floor = medians[BASELINE]["cpu"]
    broken = False
    print(f"| {arguments.count:,} requests | CPU µs per request | ratio | seconds | MB above the import |")
    print("|---|---:|---:|---:|---:|")
    for name, found in medians.items():
        ratio = found["cpu"] / floor
        print(f"| {name} | {found['cpu']:,.0f} | {ratio:.2f} | {found['wall']:.1f} | {found['mb']:.0f} |")
        broken |= name != BASELINE and (ratio > MOST_CPU or found["mb"] > MOST_MB)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
