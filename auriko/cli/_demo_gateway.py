"""The gateway that the demo's calls go to: a sandbox of its own, or the real one, once its price has been agreed to."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from auriko import Client
from auriko.cli._console import Console, usd
from auriko.cli._errors import CommandError

if TYPE_CHECKING:
    from auriko.sandbox import Sandbox

_PROMPT = "word " * 1000  # as long as a question with the passages that it is answered from
_TOKENS_OUT = (20, 120)


class Gateway(NamedTuple):
    """The gateway that the demo's calls go to."""

    base_url: str
    api_key: SecretStr | None


@contextmanager
def gateway_of(arguments: argparse.Namespace, console: Console, calls: Sequence[list[str]]) -> Generator[Gateway]:
    """The gateway to use; `calls` holds the candidate models of each call that will be made.

    Raises:
        CommandError: The price was not agreed to.
    """
    if arguments.live:
        with Client() as client:  # refuses here, in one line, if there is no key
            _agree(arguments, console, client, calls)
            yield Gateway(client.base_url, None)
        return
    from auriko.sandbox import Sandbox

    with Sandbox() as sandbox:
        console.note(f"A sandbox gateway runs at {sandbox.base_url}: no key, no network, nothing is spent.")
        console.note(_engines(sandbox))
        if os.environ.get("AURIKO_API_KEY"):
            console.note("AURIKO_API_KEY is set but not used; `auriko demo --live` asks the real gateway.")
        yield Gateway(sandbox.base_url, SecretStr(sandbox.api_key))


def _agree(arguments: argparse.Namespace, console: Console, client: Client, calls: Sequence[list[str]]) -> None:
    from auriko.sandbox.addresses import is_loopback

    if is_loopback(urlsplit(client.base_url).hostname or ""):
        console.note(f"Using {client.base_url}, which is on this machine: nothing is spent.")
        return
    price = _estimate(client, calls)
    console.note(f"Using {client.base_url}. This spends real money: {price}.")
    console.note(f"No call starts once {usd(arguments.limit_usd)} are spent (--limit-usd).")
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("nobody is there to ask whether to spend it; --yes agrees")
    if input("Go on? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise CommandError("nothing was spent")


def _estimate(client: Client, calls: Sequence[list[str]]) -> str:
    estimates = [
        client.models.estimate_cost(models=models, messages=_PROMPT, output_tokens=_TOKENS_OUT) for models in calls
    ]
    if any(estimate.high_usd is None for estimate in estimates):
        return f"{len(calls)} calls, some of them of unknown cost"
    low = sum(estimate.low_usd or 0 for estimate in estimates)
    return f"{usd(low)} to {usd(sum(estimate.high_usd or 0 for estimate in estimates))} for {len(calls)} calls"


def _engines(sandbox: Sandbox) -> str:
    if any(name.startswith("smollm2") for name in sandbox.engines):
        return "Behind it answer a small language model and an engine that quotes, all on this machine."
    return "Behind it answers an engine that quotes; `auriko sandbox install` adds a small language model."
