"""The cell magic `%%auriko`: the cell is the question, and its answer grows below it."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from contextlib import nullcontext
from typing import Any, NoReturn, get_args

from IPython.core.error import UsageError

from auriko._client import Client
from auriko._streams.chat import Stream
from auriko.models.chat import ChatCompletionChunk
from auriko.notebook import show_stream
from auriko.routing import Strategy


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage()}")


def _parser() -> ArgumentParser:
    parser = _Parser(
        "%%auriko", description="Ask what the cell says, and show the answer while it arrives.", add_help=False
    )
    parser.add_argument("--model", help="the model to ask")
    parser.add_argument("--models", help="several, separated by commas: the gateway chooses among them")
    parser.add_argument("--optimize", choices=get_args(Strategy), help="what the choice is made by")
    parser.add_argument("--system", help="what the model is told before the question, in quotes")
    parser.add_argument("--max-tokens", type=int, help="the most tokens of the answer")
    parser.add_argument("--client", help="name of a Client in the notebook; without it, AURIKO_API_KEY is used")
    parser.add_argument("--into", help="name of the variable that the answer is kept in")
    return parser


def load_ipython_extension(shell: Any) -> None:
    """Makes `%%auriko` known; IPython calls it for `%load_ext auriko`."""
    parser = _parser()

    def auriko(line: str, cell: str) -> None:
        arguments = _parsed(parser, line)
        request = _request(arguments, cell)
        with _client(shell, arguments.client) as client:
            stream: Stream[ChatCompletionChunk] = client.chat.completions.create(**request, stream=True)
            answer = show_stream(stream)
        if arguments.into:
            shell.push({arguments.into: answer})

    auriko.__doc__ = parser.format_help()
    shell.register_magic_function(auriko, "cell")


def _parsed(parser: ArgumentParser, line: str) -> Namespace:
    try:
        return parser.parse_args(shlex.split(line))
    except ValueError as error:
        raise UsageError(f"{line}: {error}") from None


def _request(arguments: Namespace, cell: str) -> dict[str, Any]:
    if not cell.strip():
        raise UsageError("The cell is the question; it is empty.")
    if bool(arguments.model) == bool(arguments.models):
        raise UsageError("Name one model with --model, or candidates with --models a,b.")
    system = [{"role": "system", "content": arguments.system}] if arguments.system else []
    return {
        "messages": [*system, {"role": "user", "content": cell.strip()}],
        "model": arguments.model,
        "models": [name.strip() for name in arguments.models.split(",") if name.strip()] if arguments.models else None,
        "routing": {"optimize": arguments.optimize} if arguments.optimize else None,
        "max_completion_tokens": arguments.max_tokens or None,
    }


def _client(shell: Any, name: str | None) -> Any:
    """A client for one call: that of the notebook, which stays open, or one of its own."""
    if name is None:
        return Client()
    client = shell.user_ns.get(name)
    if not isinstance(client, Client):
        raise UsageError(f"--client {name}: there is no auriko.Client of that name.")
    return nullcontext(client)
