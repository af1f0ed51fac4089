"""The process of one subject: it is told on standard input what to run, and prints the figures as JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib import import_module

from bench import Bench, check
from system import allow_open_files, keep_apart
from workloads import WORKLOADS


def main() -> None:
    """Runs workloads until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("imports", help="a statement")
    parser.add_argument("subject", help="module:class")
    parser.add_argument("url")
    parser.add_argument("seconds", type=float)
    arguments = parser.parse_args()
    # Libraries that print must not be taken for figures.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    allow_open_files()
    keep_apart(server=False)
    exec(arguments.imports)  # noqa: S102 - it is from the roster
    module, _, name = arguments.subject.partition(":")
    bench = Bench(getattr(import_module(module), name), arguments.url, arguments.seconds)
    for line in sys.stdin:
        asked = line.strip()
        if asked in WORKLOADS:
            found = WORKLOADS[asked].run(bench)
        else:
            check(bench, asked)
            found = {}
        print(json.dumps(found), file=answers, flush=True)
    os._exit(0)  # what libraries have going in the background is not waited for


if __name__ == "__main__":
    main()
