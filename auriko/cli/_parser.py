"""The arguments of the `auriko` command."""

from __future__ import annotations

import argparse
import re
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn, get_args

from auriko._version import __version__
from auriko.cli._variables import SHELLS
from auriko.routing import Strategy

_EPILOG = """\
environment:
  AURIKO_API_KEY   the gateway's API key (not needed for the sandbox)
  AURIKO_BASE_URL  where the API is, if not https://api.auriko.ai/v1
  AURIKO_LEDGER    a file in which every call is recorded, for `auriko spend`
  AURIKO_SANDBOX_API_KEY  the only key that `auriko sandbox` accepts
"""


class _Parser(argparse.ArgumentParser):
    """A parser that names the choice that was probably meant."""

    def error(self, message: str) -> NoReturn:
        choice = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if choice is not None:
            nearest = get_close_matches(choice[1], re.findall(r"[\w.-]+", choice[2]), n=1)
            message += f"; did you mean {nearest[0]!r}?" if nearest else ""
        super().error(message)


def make_parser() -> argparse.ArgumentParser:
    """A parser whose result has the command's name in `command`."""
    parser = _Parser(
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
    demo.add_argument("--live", action="store_true", help="use the real gateway, after an estimate and a question")
    demo.add_argument("--yes", action="store_true", help="with --live: do not ask, go on")
    demo.add_argument(
        "--limit-usd", type=float, default=0.05, metavar="USD", help="with --live: no call starts beyond this (0.05)"
    )

    sandbox = commands.add_parser("sandbox", help="run a local gateway that needs no key and costs nothing")
    sandbox.add_argument(
        "action",
        nargs="?",
        choices=["serve", "stop", "install"],
        default="serve",
        help="serve (the default), stop the one in the background, or install what its language model needs",
    )
    sandbox.add_argument("--background", action="store_true", help="go on without the terminal, until `sandbox stop`")
    sandbox.add_argument(
        "--env",
        nargs="?",
        const="sh",
        choices=list(SHELLS),
        help="print the two variables that programs need and nothing else, for eval in a shell (sh)",
    )
    sandbox.add_argument("--env-file", type=Path, metavar="FILE", help="write the two variables into a file like .env")
    sandbox.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    sandbox.add_argument("--port", type=_port, default=4010, help="the port to listen on (4010); 0 picks a free one")
    sandbox.add_argument(
        "--api-key-file",
        metavar="FILE",
        help="holds the only key to accept; it or AURIKO_SANDBOX_API_KEY is needed where --host lets others in",
    )
    sandbox.add_argument(
        "--upstream",
        type=_named,
        action="append",
        default=[],
        metavar="NAME=URL",
        help="a server of the OpenAI API as one more provider; its key is read from <NAME>_API_KEY; may be repeated",
    )
    sandbox.add_argument("--catalog", metavar="FILE", help="models, prices and data policies in TOML")
    sandbox.add_argument("--answers", metavar="FILE", help="what it answers, in TOML, whatever it is asked")
    sandbox.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND[=RATE][;OPTION=VALUE]",
        help="what goes wrong, such as '429=0.1;retry_after=2'; may be repeated",
    )
    sandbox.add_argument(
        "--load-balance",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share calls among providers whose scores are so near the best one's, such as 0.2 (0: the best alone)",
    )
    sandbox.add_argument(
        "--seed", type=int, default=0, help="of the chance with which faults strike and calls are shared (0)"
    )
    sandbox.add_argument(
        "--limit",
        type=_named,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="what each key may do, such as requests_per_minute=60 or daily_budget_usd=0.5; may be repeated",
    )

    chat = commands.add_parser("chat", help="ask a question; the answer streams, what it cost comes last")
    chat.add_argument("message", nargs="*", help="the question; read from standard input if it is left out")
    chat.add_argument("-m", "--model", help="the model to ask")
    chat.add_argument("--models", metavar="A,B", help="candidate models, one of which the gateway picks")
    chat.add_argument("--optimize", choices=get_args(Strategy), help="what to pick a provider by")
    chat.add_argument("--system", metavar="TEXT", help="instructions for the model")
    chat.add_argument("--max-tokens", type=int, metavar="N", help="the most tokens to answer with")
    chat.add_argument("--json", action="store_true", help="print text, usage and routing metadata as JSON")

    batch = commands.add_parser("batch", help="send the requests of a file; killed, it goes on where it stopped")
    batch.add_argument("input", type=Path, help="JSON Lines: request bodies, or {custom_id, body} around them")
    batch.add_argument("-o", "--output", type=Path, required=True, help="where answers, errors and costs go")
    batch.add_argument("--concurrency", type=int, default=16, metavar="N", help="requests under way at once (16)")
    batch.add_argument("--per-second", type=float, metavar="N", help="the most requests that start in a second")
    batch.add_argument("--limit-usd", type=float, metavar="USD", help="send nothing more once all runs have cost this")
    batch.add_argument("--retry-errors", action="store_true", help="send again what failed in an earlier run")
    batch.add_argument("--json", action="store_true", help="print the summary as JSON")

    models = commands.add_parser("models", help="list models and providers with their prices")
    models.add_argument("filter", nargs="?", help="only models whose name holds this")
    models.add_argument("--json", action="store_true", help="print the catalogue as JSON")

    spend = commands.add_parser("spend", help="show what the calls recorded in a ledger cost")
    spend.add_argument("--ledger", metavar="FILE", help="the ledger's file (that of AURIKO_LEDGER)")
    spend.add_argument(
        "--limits", action="store_true", help="show the limit that AURIKO_LIMIT_USD sets, and what is left of it"
    )
    spend.add_argument("--since", metavar="WHEN", help="30m, 12h, 7d or 2w ago, or a date of UTC such as 2026-03-31")
    spend.add_argument(
        "--by",
        action="append",
        default=[],
        choices=["provider", "model", "tag", "conversation", "day"],
        help="what to add up by; may be repeated",
    )
    form = spend.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print sums as JSON")
    form.add_argument("--csv", action="store_true", help="print sums as CSV, or without --by every call")
    form.add_argument("--serve", action="store_true", help="show a page of it on this machine, which follows new calls")
    spend.add_argument("--port", type=int, default=4011, metavar="N", help="the port of that page (4011; 0 is any)")

    doctor = commands.add_parser("doctor", help="show what this machine would use, ask the gateway, and say what to do")
    doctor.add_argument("--json", action="store_true", help="print what was found as JSON")

    completion = commands.add_parser("completion", help='complete words in a shell: eval "$(auriko completion bash)"')
    completion.add_argument("shell", choices=["bash", "zsh", "fish", "powershell"])
    return parser


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)
