"""The sandbox in the background: a process apart from the terminal, which a file announces and whose removal ends it.

The file tells later commands where it runs. Nothing is ended by the number of a process, which may be another's by now.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from auriko.cli._errors import CommandError

if TYPE_CHECKING:
    from auriko.sandbox import Sandbox

_CHILD = "AURIKO_SANDBOX_IN_BACKGROUND"  # set for the process in the background alone
_APART_ON_WINDOWS = 0x208  # DETACHED_PROCESS and CREATE_NEW_PROCESS_GROUP
_START_SECONDS = 60
_STOP_SECONDS = 15
_LOOK_SECONDS = 0.1


class Running(NamedTuple):
    """A sandbox in the background; it has no key here if it was given one of the user's own."""

    base_url: str
    api_key: str | None

    def answers(self) -> bool:
        """True if somebody listens there."""
        try:
            address = urlsplit(self.base_url)
            if address.hostname is None:
                return False
            socket.create_connection((address.hostname, address.port or 80), timeout=1).close()
        except (OSError, ValueError):  # ValueError: it is no address
            return False
        return True


def is_child() -> bool:
    """True in the process in the background itself."""
    return _CHILD in os.environ


def running() -> Running | None:
    """The sandbox in the background, if there is one that answers."""
    try:
        told = json.loads(_file().read_text("utf-8"))
        found = Running(str(told["base_url"]), told["api_key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.answers() else None


def start(argv: Sequence[str]) -> Running:
    """Starts one with the same arguments, and waits until it can be asked.

    Raises:
        CommandError: It did not start; the message is its own.
    """
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    log = file.with_suffix(".log")
    # Where Python knows how, what lies in the working directory is not taken for the package.
    environment = {**os.environ, _CHILD: "1", "PYTHONSAFEPATH": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - this program itself, with the arguments it was given
            [sys.executable, "-m", "auriko", *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
            creationflags=_APART_ON_WINDOWS if os.name == "nt" else 0,
        )
    until = time.monotonic() + _START_SECONDS
    while (found := running()) is None:
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            process.wait()
            said = log.read_text("utf-8", "replace").strip().splitlines()
            raise CommandError(said[-1].removeprefix("auriko: ") if said else f"it did not start; see {log}")
        time.sleep(_LOOK_SECONDS)
    process.returncode = 0  # it goes on without this one: no ResourceWarning
    return found


def announce(sandbox: Sandbox, api_key: str | None) -> None:
    """Says in the file where this process serves, and ends the sandbox once that is gone."""
    file = _file()
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"base_url": sandbox.base_url, "api_key": api_key}), "utf-8")
    own = new.stat().st_ino
    new.replace(file)
    threading.Thread(target=_end_with, args=(file, own, sandbox.stop), daemon=True).start()


def _end_with(file: Path, own: int, stop: Callable[[], None]) -> None:
    with contextlib.suppress(FileNotFoundError):
        while file.stat().st_ino == own:
            time.sleep(_LOOK_SECONDS)
    stop()


def stop() -> Running | None:
    """The sandbox in the background that has been ended, or None if there was none.

    Raises:
        CommandError: It goes on all the same.
    """
    found = running()
    _file().unlink(missing_ok=True)
    until = time.monotonic() + _STOP_SECONDS
    while found is not None and found.answers():
        if time.monotonic() > until:
            raise CommandError(f"{found.base_url} still answers; it was not started by `auriko sandbox --background`")
        time.sleep(_LOOK_SECONDS)
    return found


def _file() -> Path:
    return Path.home() / ".auriko" / "sandbox.json"
