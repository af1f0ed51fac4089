"""Fails if a call or a chunk takes more instructions than the committed figures allow: `make perf-guard`.

The figures are in `instructions.json`. Instructions do not depend on what else the machine does, but on the version of
Python and a little on those of the packages; `--renew` writes the figures anew, to be looked at before they are
committed.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path

from instructions import count
from server import running

COMMITTED = Path(__file__).with_name("instructions.json")
GUARDED = ("auriko", "auriko (httptools)", "ChatAuriko", "LlamaIndex Auriko")
GROWTH = 0.10


def judged(found: dict[str, dict[str, float]], committed: dict[str, dict[str, float]]) -> tuple[list[str], bool]:
    """A line for each figure with its growth, and whether all are within the limit.

    Args:
        found: Subject to measure to instructions.
        committed: The same, of which nothing may be missing.
    """
    lines: list[str] = []
    within = True
    for subject, measures in found.items():
        for measure, now in measures.items():
            before = committed[subject][measure]
            growth = now / before - 1
            too_much = now > before * (1 + GROWTH)
            within &= not too_much
            verdict = f"grew by more than {GROWTH:.0%}" if too_much else "ok"
            lines.append(f"{subject:<18} {measure:<12} {before:>12,.0f} {now:>12,.0f} {growth:>+7.1%}  {verdict}")
    return lines, within


def main() -> int:
    """Counts, and prints what has grown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renew", action="store_true", help="write the committed figures anew")
    renew: bool = parser.parse_args().renew
    python = ".".join(platform.python_version_tuple()[:2])
    kept = json.loads(COMMITTED.read_text("utf-8")) if COMMITTED.exists() else {}
    if not renew and python not in kept:
        print(f"There are figures of Python {', '.join(kept)} and none of {python}; see --renew.", file=sys.stderr)
        return 1
    found: dict[str, dict[str, float]] = {}
    with running() as url:
        for subject in GUARDED:
            found[subject] = {measure: round(figure) for measure, figure in count(subject, url).items()}
    if renew:
        COMMITTED.write_text(json.dumps({**kept, python: found}, indent=2) + "\n", "utf-8")
        return 0
    lines, within = judged(found, kept[python])
    print(f"{'instructions':<18} {'of a':<12} {'committed':>12} {'now':>12} {'growth':>7}", *lines, sep="\n")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
