"""Clocks as on a machine that was started a moment ago: `pytest -p tests.support.just_booted`.

They count from boot, so that what compares them with a moment made up as 0 fails on such a machine alone. A plugin is
imported before anything that takes a clock as it is.
"""

import time
from collections.abc import Callable
from functools import wraps


def _from_now(clock: Callable[[], float]) -> Callable[[], float]:
    booted = clock()

    @wraps(clock)
    def since_then() -> float:
        return clock() - booted

    return since_then


time.monotonic = _from_now(time.monotonic)
time.perf_counter = _from_now(time.perf_counter)
