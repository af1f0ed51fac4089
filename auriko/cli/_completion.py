"""`auriko completion`: what a shell needs to complete the command's words."""

from __future__ import annotations

import argparse

from auriko.cli._errors import CommandError


def run(arguments: argparse.Namespace) -> int:
    """Prints the script for the shell; the exit code is 0."""
    try:
        import shtab
    except ImportError:
        raise CommandError('completion needs a package that is not installed: pip install "auriko[cli]"') from None
    from auriko.cli._parser import make_parser

    print(shtab.complete(make_parser(), shell=arguments.shell))
    return 0
