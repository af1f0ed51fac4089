"""Measures the project beside its peers: `make bench`.

Each subject runs in a process of its own, all against one server in yet another. Each workload has many short rounds,
in which the subjects take turns, so that a busy moment of the machine hits all of them; medians are kept. CPU time is
that of the subject's process alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import imports
import machine
import report
from goals import Results
from instructions import count
from processes import Worker, environment
from roster import FLOOR, OURS, OURS_FAST, ROSTER, Entrant
from server import running, stats
from workloads import WORKLOADS

_PAGES = Path(__file__).resolve().parents[1] / "docs"
_BUSY = 0.8  # from this share of the time on, the server may be what a subject waits for
_IMPORTS, _INSTRUCTIONS = "imports", "instructions"
CHOICES = (*WORKLOADS, _IMPORTS, _INSTRUCTIONS)


class Comparison:
    """Measurements, and what came of them.

    Args:
        url: The server's address.
        seconds: How long one turn should take, more or less.
        entrants: Who is measured, by name.
    """

    def __init__(self, url: str, seconds: float, entrants: dict[str, Entrant]) -> None:
        self._url, self._seconds, self._entrants = url, seconds, entrants
        self._found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in entrants}
        self._workers: dict[str, Worker] = {}
        self.remarks: list[str] = []

    def measure(self, workload: str, rounds: int) -> None:
        """Measures every entrant once, and then again, so that a busy moment of the machine hits all of them."""
        began = time.perf_counter()
        names = list(self._entrants)
        if workload in WORKLOADS:
            names = [name for name in names if self._entrants[name].runs(workload)]
            rounds = min(rounds, WORKLOADS[workload].rounds)
        else:
            rounds = min(rounds, imports.ROUNDS)
        for _ in range(rounds):
            self._each(workload, names, self._run if workload in WORKLOADS else self._import)
        progress(f"{workload}: {rounds} rounds in {time.perf_counter() - began:.0f} s")

    def close(self) -> None:
        """Ends the processes."""
        for worker in self._workers.values():
            worker.close()

    def instructions(self) -> None:
        """Counts instructions of the client, on both transports, and of plain httpx."""
        try:
            for name in {FLOOR, OURS, OURS_FAST} & {*self._entrants}:
                found = count(name, self._url)
                self._note(name, {f"instructions: {measure}": figure for measure, figure in found.items()})
                progress(f"instructions: {name}")
        except RuntimeError as error:
            self.remarks.append(f"Instructions are not counted: {error}.")

    def medians(self) -> Results:
        """For every entrant, the median of each figure."""
        return {
            name: {measure: statistics.median(figures) for measure, figures in found.items()}
            for name, found in self._found.items()
        }

    def _each(self, workload: str, names: list[str], run: Callable[[str, str], dict[str, float]]) -> None:
        for name in names:
            try:
                self._note(name, run(name, workload))
            except RuntimeError as error:
                self.remarks.append(f"{name} failed at {workload}: {error}")
                progress(self.remarks[-1])
                if worker := self._workers.pop(name, None):
                    worker.close()

    def _note(self, name: str, figures: dict[str, float]) -> None:
        for measure, figure in figures.items():
            self._found[name][measure].append(figure)

    def _import(self, name: str, _workload: str) -> dict[str, float]:
        return imports.cost(self._entrants[name], environment())

    def _run(self, name: str, workload: str) -> dict[str, float]:
        if not WORKLOADS[workload].alone:
            if name not in self._workers:
                self._workers[name] = self._started(name)
            return self._watched(self._workers[name], name, workload)
        worker = self._started(name, checked=False)
        try:
            return self._watched(worker, name, workload)
        finally:
            worker.close()

    def _started(self, name: str, *, checked: bool = True) -> Worker:
        worker = Worker(self._entrants[name], self._url, self._seconds)
        if checked:
            worker.run(self._entrants[name].has[0])
        return worker

    def _watched(self, worker: Worker, name: str, workload: str) -> dict[str, float]:
        """Runs a workload, and looks how busy the server was meanwhile."""
        before, began = stats(self._url), time.perf_counter()
        found = worker.run(workload)
        share = (stats(self._url).cpu - before.cpu) / (time.perf_counter() - began)
        self._note(name, {f"server's share: {workload}": share})
        return found

    def busy(self) -> list[str]:
        """Where the server was so busy that a subject may have waited for it; limits do little else."""
        return [
            f"The server was busy for {share:.0%} of the time of {name} at {measure.partition(': ')[2]}."
            for name, found in self.medians().items()
            for measure, share in found.items()
            if measure.startswith("server's share") and share > _BUSY and self._entrants[name].kind != "limit"
        ]


def progress(text: str) -> None:
    """Says how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Measures, prints tables and perhaps renews the pages; the exit code is 1 if something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="at most; what takes long has fewer")
    parser.add_argument("--seconds", type=float, default=0.1, help="how long one turn should take")
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"of {', '.join(CHOICES)}", metavar="A,B")
    parser.add_argument("--entrants", type=lambda text: text.split(","), metavar="A,B", help=f"of {', '.join(ROSTER)}")
    parser.add_argument("--here", action="store_true", help="with this interpreter, instead of in environments")
    parser.add_argument("--page", action="store_true", help="renew the tables of the pages in docs/")
    parser.add_argument("--keep", type=Path, help="a JSON file for the figures")
    parser.add_argument("--again", type=Path, help="make tables of this JSON file, and measure nothing")
    options = parser.parse_args()
    if options.again:
        outcome = report.Outcome(**json.loads(options.again.read_text("utf-8")))
    else:
        chosen, names = options.only or list(CHOICES), options.entrants or list(ROSTER)
        if unknown := [*({*chosen} - {*CHOICES}), *({*names} - {*ROSTER})]:
            parser.error(f"unknown: {', '.join(unknown)}")
        entrants = {name: ROSTER[name]._replace(venv=None) if options.here else ROSTER[name] for name in names}
        with running(apart=True) as url:
            comparison = Comparison(url, options.seconds, entrants)
            with contextlib.closing(comparison):
                for workload in chosen:
                    if workload == _INSTRUCTIONS:
                        comparison.instructions()
                    else:
                        comparison.measure(workload, options.rounds)
        remarks = [*comparison.remarks, *comparison.busy()]
        outcome = report.Outcome(
            comparison.medians(), remarks, machine.description(), machine.versions(entrants), options.rounds
        )
    if options.keep:
        options.keep.write_text(json.dumps(outcome._asdict(), indent=1), "utf-8")
    sections = report.sections(outcome)
    print("\n\n".join(f"{title}\n\n{text}" for title, text in sections.items()))
    if options.page:
        for name, texts in report.pages(sections).items():
            page = _PAGES / name
            page.write_text(report.renewed(page.read_text("utf-8"), texts), "utf-8")
    return int(bool(outcome.remarks))


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
