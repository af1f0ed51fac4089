"""The processes of a comparison: each subject has one of its own, beside the server's."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

from roster import Entrant

_WORKER = Path(__file__).with_name("worker.py")


def environment() -> dict[str, str]:
    """This one without settings that subjects would read, and told to fetch and report nothing."""
    names = ("AURIKO_", "OPENAI_", "LANGCHAIN_", "LANGSMITH_", "LITELLM_", "OTEL_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    return {**own, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1"}


class Worker:
    """The process of one subject, which runs workloads when it is asked to.

    Args:
        entrant: Who.
        url: The server's address.
        seconds: How long one turn should take, more or less.
    """

    def __init__(self, entrant: Entrant, url: str, seconds: float) -> None:
        command = [entrant.python, str(_WORKER), entrant.imports, str(entrant.subject), url, str(seconds)]
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, env=environment()
        )

    def run(self, workload: str) -> dict[str, float]:
        """The figures of one workload.

        Raises:
            RuntimeError: The process has ended; its last line says why.
        """
        assert self._process.stdin  # noqa: S101 - it was asked for
        assert self._process.stdout  # noqa: S101 - as above
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{workload}\n")
            self._process.stdin.flush()
        if line := self._process.stdout.readline():
            found: dict[str, float] = json.loads(line)
            return found
        self._process.wait()
        self._errors.seek(0)
        lines = [line for line in self._errors.read().splitlines() if line.strip()]
        raise RuntimeError(lines[-1] if lines else "it ended without a word")

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        with self._process, self._errors:
            pass
