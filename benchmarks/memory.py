"""Memory of this process, in megabytes."""

from __future__ import annotations

import gc
import re
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def resident_mb() -> float:
    """What it has now, or where the system does not say (macOS) the most it has had."""
    return _field("VmRSS")


def peak_mb() -> float:
    """The most it has had since `forget_peak`, or where there is no forgetting (macOS) since it began."""
    return _field("VmHWM")


def forget_peak() -> None:
    """Makes what it has now the peak."""
    gc.collect()
    if _STATUS.exists():
        Path("/proc/self/clear_refs").write_text("5")


def _field(name: str) -> float:
    if _STATUS.exists():
        found = re.search(rf"^{name}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 / (1024 if sys.platform == "darwin" else 1)
