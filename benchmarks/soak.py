"""Calls a failing server for a long time, and says what grew meanwhile: `python benchmarks/soak.py --calls 200000`.

A tenth of the requests meets a fault; half of the calls are streams; threads and an event loop share the work. Exits
with 1 if a limit of docs/reliability.md is passed.
"""

# ruff: noqa: S311 - chance makes faults here, not keys

from __future__ import annotations

import argparse
import asyncio
import collections
import gc
import os
import random
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from auriko import APIConnectionError, APIResponseValidationError, APIStatusError, AsyncClient, Client
from tests.support import acts
from tests.support.cells import pools_of
from tests.support.fault_server import Connection, serve
from tests.support.replies import chunk, envelope, event

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
IN_FLIGHT = 50
FAULTS = [
    acts.reset,
    acts.close,
    acts.error(503),
    acts.error(429, "rate_limit_error"),
    acts.error(400, "invalid_request_error"),
    acts.reply(200, b"{"),
    acts.reply(200, b"{", length=99, end="close"),
    acts.raw(b"SSH-2.0\r\n\r\n"),
    acts.stream(event(chunk()), end="close"),
    acts.stream(event(chunk()), event(envelope("rate_limit_error"))),
]
EXPECTED = (APIConnectionError, APIResponseValidationError, APIStatusError)


def run_server() -> None:
    """Serves in a process of its own until stdin closes."""

    def answer(connection: Connection) -> None:
        server.requests.clear()
        (random.choice(FAULTS) if random.random() < 0.1 else acts.ok)(connection)

    with serve(answer) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


class Tally:
    """What came of the calls."""

    def __init__(self, calls: int) -> None:
        self.left = calls
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.unexpected: list[str] = []
        self.seconds: list[float] = []
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether there is another call to make."""
        with self._lock:
            self.left -= 1
            return self.left >= 0

    def note(self, began: float, error: BaseException | None) -> None:
        """Counts one call."""
        with self._lock:
            self.seconds.append(time.perf_counter() - began)
            self.outcomes[type(error).__name__ if error else "ok"] += 1
            if error is not None and not isinstance(error, EXPECTED):
                self.unexpected.append(repr(error))


def call_in_a_thread(client: Client, tally: Tally) -> None:
    """Calls until there is none left."""
    while tally.take():
        began, error = time.perf_counter(), None
        try:
            if random.random() < 0.5:
                collections.deque(client.chat.completions.create(**ASK, stream=True), maxlen=0)
            else:
                client.chat.completions.create(**ASK)
        except Exception as caught:  # noqa: BLE001 - which they are is the question
            error = caught
        tally.note(began, error)


async def call_in_a_task(client: AsyncClient, tally: Tally) -> None:
    """Calls until there is none left."""
    while tally.take():
        began, error = time.perf_counter(), None
        try:
            if random.random() < 0.5:
                async for _ in await client.chat.completions.create(**ASK, stream=True):
                    pass
            else:
                await client.chat.completions.create(**ASK)
        except Exception as caught:  # noqa: BLE001 - as above
            error = caught
        tally.note(began, error)


def resident_kib() -> int:
    """The memory of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def open_files() -> int:
    """How many files and sockets are open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def round_of(url: str, client: Client, calls: int) -> tuple[Tally, list[str]]:
    """Some calls, half of them in threads and half in tasks, and what they left in the pools."""
    tally = Tally(calls)
    async with AsyncClient(api_key="k", base_url=url, timeout=10) as aclient:
        threads = [threading.Thread(target=call_in_a_thread, args=(client, tally)) for _ in range(IN_FLIGHT // 2)]
        for thread in threads:
            thread.start()
        await asyncio.gather(*(call_in_a_task(aclient, tally) for _ in range(IN_FLIGHT // 2)))
        for thread in threads:
            await asyncio.to_thread(thread.join)
        left = [str(pool) for each in (client, aclient) for pool in pools_of(each) if pool._requests]  # noqa: SLF001
        await asyncio.sleep(0.1)
        left += [repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]
    return tally, left


def main() -> int:
    """Runs the soak and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        run_server()
        return 0
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101
        url = server.stdout.readline().strip()
        import auriko._rules.retry

        auriko._rules.retry.FIRST_DELAY = 0.01  # type: ignore[misc]  # noqa: SLF001
        with Client(api_key="k", base_url=url, timeout=10) as client:
            rounds = 10
            tracemalloc.start()
            first, problems = asyncio.run(round_of(url, client, options.calls // rounds))
            before = resident_kib(), open_files(), threading.active_count()
            early = tracemalloc.take_snapshot()
            outcomes, unexpected, last = first.outcomes, first.unexpected, first
            for _ in range(rounds - 1):
                last, left = asyncio.run(round_of(url, client, options.calls // rounds))
                outcomes, unexpected, problems = outcomes + last.outcomes, unexpected + last.unexpected, problems + left
            growth = max((s.size_diff for s in tracemalloc.take_snapshot().compare_to(early, "lineno")), default=0)
            tracemalloc.stop()
            after = resident_kib(), open_files(), threading.active_count()
        server.communicate()
    per_10_000 = growth / 1024 / max(options.calls * 0.9 / 10_000, 1)
    p99 = [statistics.quantiles(tally.seconds, n=100)[98] for tally in (first, last)]
    sys.stdout.write(
        f"outcomes {dict(outcomes)}\nresident +{after[0] - before[0]} KiB, files {after[1] - before[1]:+d}, "
        f"threads {after[2] - before[2]:+d}, largest growth {per_10_000:.1f} KiB per 10,000 calls\n"
        f"p99 {p99[0] * 1000:.1f} ms first, {p99[1] * 1000:.1f} ms last\n"
        f"unexpected {unexpected[:5]}\nleft {problems[:5]}\n"
    )
    passed = not unexpected and not problems and after[1] <= before[1] and after[2] <= before[2] and per_10_000 < 64
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
