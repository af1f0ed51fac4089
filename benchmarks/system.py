"""What a process of the harness asks of the operating system."""

from __future__ import annotations

import contextlib
import os
import sys


def keep_apart(*, server: bool) -> None:
    """Keeps this process off the server's core, or the server to it, where there are two and the system lets it."""
    if sys.platform == "linux" and len(cores := sorted(os.sched_getaffinity(0))) > 1:
        os.sched_setaffinity(0, cores[-1:] if server else cores[:-1])


def allow_open_files() -> None:
    """Lets this process open as many files and sockets as the system lets it."""
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
