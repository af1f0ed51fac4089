"""What the figures were measured on: processor, system, versions, day."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import re
import subprocess
from pathlib import Path

from roster import Entrant

_VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""


def description() -> list[str]:
    """A line each about the machine, the system, Python, and the date."""
    return [
        f"{os.cpu_count()} cores of {_processor()}",
        f"{platform.system()} {platform.release()} on {platform.machine()}{_distribution()}",
        f"{platform.python_implementation()} {platform.python_version()}",
        dt.datetime.now(tz=dt.timezone.utc).date().isoformat(),
    ]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found[1].strip() if found else platform.processor() or "an unknown processor"


def _distribution() -> str:
    try:
        return f" ({platform.freedesktop_os_release()['PRETTY_NAME']})"
    except (OSError, KeyError):
        return ""


def versions(entrants: dict[str, Entrant]) -> dict[str, str]:
    """For each entrant that names packages, which they are, with their versions."""
    found = {}
    for name, entrant in entrants.items():
        if entrant.packages:
            command = [entrant.python, "-c", _VERSIONS, *entrant.packages]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[name] = ", ".join(f"{package} {version}" for package, version in json.loads(done.stdout).items())
    return found
