"""What is measured of each subject. A workload runs in the subject's process and gives one or more figures."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

from bench import Bench, adrain, awaited, drain
from memory import forget_peak, peak_mb, resident_mb
from server import EVENTS, shaped, stats
from subject import Subject

THREADS, TASKS, IN_FLIGHT, STREAMS, CHUNKS, BATCH = 16, 100, 1000, 50, 50_000, 100
_CONSTRUCTED = 20
Kind = Literal["limit", "core", "langchain", "llamaindex"]
Figures = dict[str, float]


def construction(bench: Bench) -> Figures:
    """Milliseconds of CPU time for the first client and for later ones, for an address with TLS."""
    import ssl

    url = "https://gateway.example/v1"
    began = time.process_time()
    clients = [bench.kind.construct(url)]
    first = time.process_time()
    clients += [bench.kind.construct(url) for _ in range(_CONSTRUCTED)]
    later = (time.process_time() - first) / _CONSTRUCTED
    contexts = sum(isinstance(each, ssl.SSLContext) for each in gc.get_objects())
    return {"first client": (first - began) * 1e3, "later clients": later * 1e3, "TLS contexts": contexts}


def call(bench: Bench) -> Figures:
    """One call after the other."""
    subject = bench.at(bench.url)

    def calls(turns: int) -> None:
        for _ in range(turns):
            subject.call()

    return {"call": bench.spent("call", calls)}


def async_call(bench: Bench) -> Figures:
    """One call after the other, on an event loop."""
    subject = bench.at(bench.url)

    async def calls(turns: int) -> None:
        for _ in range(turns):
            await subject.acall()

    return {"async call": bench.aspent("async call", calls)}


def threads(bench: Bench) -> Figures:
    """Calls from threads that share a client."""
    subject = bench.at(bench.url)

    def calls(turns: int) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda _: [subject.call() for _ in range(turns)], range(THREADS)):
                pass

    return {"16 threads": bench.spent("16 threads", calls) / THREADS}


def tasks(bench: Bench) -> Figures:
    """Calls from tasks that share a client."""
    subject = bench.at(bench.url)

    async def calls(turns: int) -> None:
        # Ten each, since starting all at once on warm connections costs httpx ten times as much as going on.
        async def one() -> None:
            for _ in range(10 * turns):
                await subject.acall()

        await asyncio.gather(*(one() for _ in range(TASKS)))

    return {"asyncio 100": bench.aspent("asyncio 100", calls) / TASKS / 10}


async def _thousand_calls(subject: Subject) -> None:
    await asyncio.gather(*(subject.acall() for _ in range(IN_FLIGHT)))


def in_flight(bench: Bench) -> Figures:
    """Calls at once to a server that takes 200 ms for an answer: seconds of CPU time, seconds, and memory."""
    subject = bench.at(shaped(bench.url, wait=0.2))

    bench.loop.run_until_complete(awaited(subject.acall()))
    forget_peak()
    memory, wall, cpu = resident_mb(), time.perf_counter(), time.process_time()
    bench.loop.run_until_complete(_thousand_calls(subject))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "1000 in flight": cpu,
        "1000 in flight: seconds": wall,
        "1000 in flight: MB": peak_mb() - memory,
    }


def at_once(bench: Bench) -> Figures:
    """How many of a thousand calls are in flight at a time, if the server leaves them a second to get there."""
    subject = bench.at(shaped(bench.url, wait=1))

    stats(bench.url)
    bench.loop.run_until_complete(_thousand_calls(subject))
    return {"1000 in flight: at once": stats(bench.url).peak}


def stream(bench: Bench) -> Figures:
    """A stream whose events all are there at once, per chunk."""
    subject = bench.at(bench.url)

    def streams(turns: int) -> None:
        for _ in range(turns):
            drain(subject, EVENTS)

    return {"stream": bench.spent("stream", streams) / EVENTS}


def async_stream(bench: Bench) -> Figures:
    """The same on an event loop."""
    subject = bench.at(bench.url)

    async def streams(turns: int) -> None:
        for _ in range(turns):
            await adrain(subject, EVENTS)

    return {"async stream": bench.aspent("async stream", streams) / EVENTS}


def paced(bench: Bench) -> Figures:
    """A stream with an event each millisecond, so that each is a read of its own, per chunk."""
    events = 200
    subject = bench.at(shaped(bench.url, events=events, pause=0.001))

    def streams(turns: int) -> None:
        for _ in range(turns):
            drain(subject, events)

    return {"paced stream": bench.spent("paced stream", streams) / events}


def async_paced(bench: Bench) -> Figures:
    """The same on an event loop."""
    events = 200
    subject = bench.at(shaped(bench.url, events=events, pause=0.001))

    async def streams(turns: int) -> None:
        for _ in range(turns):
            await adrain(subject, events)

    return {"async paced stream": bench.aspent("async paced stream", streams) / events}


def streams_at_once(bench: Bench) -> Figures:
    """Fifty streams at once on an event loop, in a burst and with an event each 20 ms, per chunk."""
    found = {}
    for name, events, pause in (("50 streams", 50, 0.0), ("50 paced streams", 20, 0.02)):
        subject = bench.at(shaped(bench.url, events=events, pause=pause))

        async def streams(turns: int, subject: Subject = subject, events: int = events) -> None:
            for _ in range(turns):
                await asyncio.gather(*(adrain(subject, events) for _ in range(STREAMS)))

        found[name] = bench.aspent(name, streams) / STREAMS / events
    return found


def first_chunk(bench: Bench) -> Figures:
    """Milliseconds from the request to the first chunk."""
    subject = bench.at(shaped(bench.url, events=3))
    waited = []
    for _ in range(min(100, max(5, int(bench.seconds * 200)))):
        began = time.perf_counter()
        items = iter(subject.stream())
        next(items)
        waited.append(time.perf_counter() - began)
        for _item in items:
            pass
    return {"first chunk": statistics.median(waited) * 1e3}


def long_stream(bench: Bench) -> Figures:
    """Memory that a long stream takes whose chunks nobody keeps, above a short one."""
    drain(bench.at(bench.url), EVENTS)
    subject = bench.at(shaped(bench.url, events=CHUNKS))
    forget_peak()
    memory, cpu = resident_mb(), time.process_time()
    drain(subject, CHUNKS)
    cpu = time.process_time() - cpu
    return {"50000 chunks: MB": peak_mb() - memory, "50000 chunks: each": cpu / CHUNKS * 1e6}


def open_streams(bench: Bench) -> Figures:
    """Kilobytes for each of a thousand streams that are open at once."""
    events = 4
    subject = bench.at(shaped(bench.url, events=events, pause=1))

    async def streams() -> None:
        await asyncio.gather(*(adrain(subject, events) for _ in range(IN_FLIGHT)))

    bench.loop.run_until_complete(adrain(bench.at(bench.url), EVENTS))
    forget_peak()
    memory = resident_mb()
    bench.loop.run_until_complete(streams())
    return {"1000 streams: KB each": (peak_mb() - memory) * 1024 / IN_FLIGHT}


def _prompt(name: str) -> Callable[[Bench], Figures]:
    def prompt(bench: Bench) -> Figures:
        subject = bench.at(bench.url, name)

        def calls(turns: int) -> None:
            for _ in range(turns):
                subject.call()

        return {name: bench.spent(name, calls, most=50)}

    return prompt


def batch(bench: Bench) -> Figures:
    """The framework's own way to ask a hundred times at once, per call."""
    subject = bench.at(bench.url)
    found = {"batch": bench.spent("batch", lambda turns: [subject.batch(BATCH) for _ in range(turns)]) / BATCH}

    async def batches(turns: int) -> None:
        for _ in range(turns):
            await subject.abatch(BATCH)

    return {**found, "abatch": bench.aspent("abatch", batches) / BATCH}


class Workload(NamedTuple):
    """What is run for whom.

    Args:
        run: Does it, and gives the figures.
        needs: What a subject must have: clients for threads ("sync") or event loops ("async").
        kinds: Whom it is meant for.
        alone: Whether it needs a process that has done nothing else.
        rounds: The most rounds, where one costs much or varies little.
    """

    run: Callable[[Bench], Figures]
    needs: Literal["sync", "async"]
    kinds: tuple[Kind, ...] = ("limit", "core", "langchain", "llamaindex")
    alone: bool = False
    rounds: int = 100


WORKLOADS = {
    "construction": Workload(construction, "sync", ("core", "langchain", "llamaindex"), alone=True, rounds=2),
    "call": Workload(call, "sync"),
    "async call": Workload(async_call, "async"),
    "16 threads": Workload(threads, "sync"),
    "asyncio 100": Workload(tasks, "async", rounds=3),
    "1000 in flight": Workload(in_flight, "async", ("limit", "core"), alone=True, rounds=2),
    "1000 at once": Workload(at_once, "async", ("limit", "core"), alone=True, rounds=1),
    "stream": Workload(stream, "sync"),
    "async stream": Workload(async_stream, "async"),
    "paced stream": Workload(paced, "sync"),
    "async paced stream": Workload(async_paced, "async"),
    "50 streams": Workload(streams_at_once, "async", ("limit", "core")),
    "first chunk": Workload(first_chunk, "sync", ("limit", "core")),
    "50000 chunks": Workload(long_stream, "sync", alone=True, rounds=1),
    "1000 streams": Workload(open_streams, "async", ("limit", "core"), alone=True, rounds=1),
    "1 MB message": Workload(_prompt("1 MB message"), "sync", ("limit", "core")),
    "1000 messages": Workload(_prompt("1000 messages"), "sync", ("limit", "core", "langchain")),
    "200 tools": Workload(_prompt("200 tools"), "sync", ("limit", "core")),
    "10 MB image": Workload(_prompt("10 MB image"), "sync", ("limit", "core")),
    "batch": Workload(batch, "sync", ("langchain",), rounds=5),
}
