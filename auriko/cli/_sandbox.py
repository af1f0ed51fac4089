"""`auriko sandbox`: the local gateway in the foreground, and what its language model needs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auriko.cli._errors import CommandError

if TYPE_CHECKING:
    from auriko.sandbox import Limits, Sandbox

_MODELS_SHOWN = 5
_KEY_VARIABLE = "AURIKO_SANDBOX_API_KEY"


def run(arguments: argparse.Namespace) -> int:
    """Serves until it is interrupted, or installs; the exit code is 0."""
    try:
        from auriko.sandbox import PortInUseError, Sandbox, UpstreamError
    except ImportError as error:
        raise CommandError(f'the sandbox needs more packages ({error.name}): pip install "auriko[sandbox]"') from None
    if arguments.action == "install":
        from auriko.sandbox.install import InstallError, install

        try:
            print(install())
        except InstallError as error:
            raise CommandError(str(error)) from None
        return 0
    from auriko.sandbox.engines.scripted import read_answers

    key = _api_key(arguments.api_key_file, arguments.host)
    try:
        sandbox = Sandbox(
            arguments.port,
            arguments.host,
            api_key=key,
            upstreams=dict(arguments.upstream),
            catalog=arguments.catalog,
            answers=None if arguments.answers is None else read_answers(Path(arguments.answers)),
            limits=_limits(arguments.limit),
            faults=arguments.fault,
            seed=arguments.seed,
        )
        sandbox.serve(partial(_announce, chosen_key=key is not None))
    except (PortInUseError, UpstreamError, ValueError) as error:
        raise CommandError(str(error)) from None
    return 0


def _api_key(file: str | None, host: str) -> str | None:
    """The key that was chosen, never by an argument: others on the machine can read those."""
    from auriko.sandbox.addresses import is_loopback

    if file is not None:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"the file of the API key cannot be read: {error}") from None
    key = os.environ.get(_KEY_VARIABLE) or None
    if key is None and not is_loopback(host):
        raise CommandError(
            f"listening on {host} lets others in: choose a key of at least 8 characters and set {_KEY_VARIABLE} to it, "
            "or give a file that holds it with --api-key-file"
        )
    return key


def _limits(given: Iterable[tuple[str, str]]) -> Limits:
    from auriko.sandbox import Limits

    known = {field.name: int if str(field.type).startswith("int") else float for field in fields(Limits)}
    values: dict[str, Any] = {}
    for name, value in given:
        if name not in known:
            raise CommandError(f"{name!r} is not a limit; there are {', '.join(known)}")
        try:
            values[name] = known[name](value)
        except ValueError:
            raise CommandError(f"{name} cannot be {value!r}") from None
    return replace(Limits(), **values)


def _announce(sandbox: Sandbox, *, chosen_key: bool) -> None:
    print(f"A sandbox gateway runs at {sandbox.base_url}, with the engines {', '.join(sandbox.engines)}.")
    if not any(name.startswith("smollm2") for name in sandbox.engines):
        print("It has no language model; `auriko sandbox install` adds a small one.")
    for provider in sandbox.catalog.providers():
        if provider.upstream is not None:
            models = [model.id for model in sandbox.catalog if provider in {offer.provider for offer in model.offers}]
            more = f" and {len(models) - _MODELS_SHOWN} more" if len(models) > _MODELS_SHOWN else ""
            print(f"{provider.id} at {provider.upstream.base_url} has {', '.join(models[:_MODELS_SHOWN])}{more}.")
    print(f"Watch it in a browser: {sandbox.base_url.removesuffix('v1')}")
    print("Programs use it with these two variables (Ctrl-C ends it):")
    print(f"  export AURIKO_BASE_URL={sandbox.base_url}")
    print(f"  export AURIKO_API_KEY={'... # the key that you chose' if chosen_key else sandbox.api_key}", flush=True)
