"""The `auriko` command. Each command is a module of its own; here are the exit codes.

0: done. 1: the gateway or the network refused. 2: the command cannot run as it was typed. 130: interrupted.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from auriko.cli._errors import CommandError
from auriko.cli._parser import make_parser
from auriko.errors import AurikoAPIError


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of the command line given, or of the process's own."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # an answer that was paid for is shown somehow
    try:
        try:
            return _run(argv)
        finally:
            print(end="", flush=True)  # so that a reader who has gone is noticed here
    except OSError as error:
        with Path(os.devnull).open("w") as nowhere:  # where Python flushes the rest as it ends
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # as in `auriko demo | head`
            return 0
        print(f"auriko: {error}", file=sys.stderr)
        return 1


def _run(argv: Sequence[str] | None) -> int:
    parser = make_parser()
    argv = sys.argv[1:] if argv is None else argv
    arguments = parser.parse_args(argv, argparse.Namespace(argv=argv))
    if arguments.command is None:
        parser.print_help()
        return 2
    try:
        return _command(arguments.command)(arguments)
    except OSError as error:
        if error.filename is None:  # it is of what is printed
            raise
        print(f"auriko: {error}", file=sys.stderr)
        return 1
    except (CommandError, ValueError) as error:  # ValueError: a setting or argument that the client refuses
        print(f"auriko: {error}", file=sys.stderr)
        return 2
    except AurikoAPIError as error:
        print(f"auriko: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    run: Callable[[argparse.Namespace], int] = import_module(f"auriko.cli._{name}").run
    return run
