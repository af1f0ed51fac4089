"""Instructions that the processor takes for a call and for a streamed chunk, counted by callgrind.

Unlike time they do not depend on what else the machine does. The loops of a subject are run under valgrind, with a
dump of the counters between them: the program calls getsid there, which nothing else does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from server import EVENTS, running
from subjects import SUBJECTS, Subject

MEASURES = ("call", "chunk", "async call", "async chunk")
_CALLS, _STREAMS = 20, 2
_SUMMARY = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)


def run_loops(name: str, url: str) -> None:
    """Runs what is counted, each loop after one of the same kind to get warm."""
    subject = SUBJECTS[name](url)
    for loop in (_calls, _streams):
        loop(subject)
        os.getsid(0)
        loop(subject)
        os.getsid(0)
    asyncio.run(_run_async_loops(subject))


def _calls(subject: Subject) -> None:
    for _ in range(_CALLS):
        subject.call()


def _streams(subject: Subject) -> None:
    for _ in range(_STREAMS):
        for _item in subject.stream():
            pass


async def _async_calls(subject: Subject) -> None:
    for _ in range(_CALLS):
        await subject.acall()


async def _async_streams(subject: Subject) -> None:
    for _ in range(_STREAMS):
        async for _item in subject.astream():
            pass


async def _run_async_loops(subject: Subject) -> None:
    # On one event loop, since httpx keeps connections of a loop that has ended.
    for loop in (_async_calls, _async_streams):
        await loop(subject)
        os.getsid(0)
        await loop(subject)
        os.getsid(0)


def count(name: str, url: str) -> dict[str, float]:
    """Instructions per call and per chunk of one subject.

    Raises:
        RuntimeError: valgrind is not there, or the subject failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile"
        command = [
            *("valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", "--dump-before=getsid"),
            *(sys.executable, str(Path(__file__).resolve()), "--url", url, name),
        ]
        try:
            subprocess.run(
                command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": "0"}
            )
        except FileNotFoundError:
            raise RuntimeError("valgrind is not installed; Debian and Ubuntu have it as a package") from None
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"{name} failed under valgrind:\n{error.stderr}") from None
        # The dumps are numbered from 1, two to each kind of loop: up to the end of its warm-up, and of itself.
        totals = [
            int(_SUMMARY.findall(profile.with_name(f"profile.{number}").read_text())[-1]) for number in range(1, 9)
        ]
    units = (_CALLS, _STREAMS * EVENTS)
    return dict(
        zip(
            MEASURES,
            (totals[1] / units[0], totals[3] / units[1], totals[5] / units[0], totals[7] / units[1]),
            strict=True,
        )
    )


def main() -> None:
    """Prints the counts of the subjects; with an address it is itself the process that is counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", nargs="*", default=list(SUBJECTS))
    parser.add_argument("--url")
    arguments = parser.parse_args()
    if arguments.url:
        run_loops(arguments.subjects[0], arguments.url)
        return
    with running() as url:
        for name in arguments.subjects:
            print(name, {measure: f"{found:,.0f}" for measure, found in count(name, url).items()}, flush=True)


if __name__ == "__main__":
    main()
