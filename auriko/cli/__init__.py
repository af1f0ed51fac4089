"""The `auriko` command. Each command is a module of its own; here are the arguments and the exit codes.

0: done. 1: the gateway or the network refused. 2: the command cannot run as it was typed. 130: interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from auriko._version import __version__
from auriko.cli._errors import CommandError
from auriko.errors import AurikoAPIError

_EPILOG = """\
environment:
  AURIKO_API_KEY   the gateway's API key (not needed for the sandbox)
  AURIKO_BASE_URL  where the API is, if not https://api.auriko.ai/v1
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of the command line given, or of the process's own."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help()
        return 2
    try:
        return _command(arguments.command)(arguments)
    except CommandError as error:
        print(f"auriko: {error}", file=sys.stderr)
        return 2
    except AurikoAPIError as error:
        print(f"auriko: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # as in `auriko demo | head`
        sys.stderr.close()
        return 0


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    run: Callable[[argparse.Namespace], int] = import_module(f"auriko.cli._{name}").run
    return run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="auriko",
        description="The Auriko LLM routing gateway on the command line.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"auriko {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    demo = commands.add_parser("demo", help="run a query engine, a chain and the plain client, and show what each cost")
    demo.add_argument("folder", nargs="?", help="a folder of .md and .txt documents (the project's own, if left out)")
    demo.add_argument(
        "--question", action="append", metavar="TEXT", help="what to ask of the documents; may be repeated"
    )
    demo.add_argument("--live", action="store_true", help="use the real gateway and spend real money")

    sandbox = commands.add_parser("sandbox", help="run a local gateway that needs no key and costs nothing")
    sandbox.add_argument(
        "action",
        nargs="?",
        choices=["serve", "install"],
        default="serve",
        help="serve (the default), or install what its language model needs",
    )
    sandbox.add_argument("--api-key", help="the only key to accept; needed where --host is not a loopback address")
    sandbox.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    sandbox.add_argument("--port", type=_port, default=4010, help="the port to listen on (4010); 0 picks a free one")
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)
