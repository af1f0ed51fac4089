"""`auriko sandbox`: the local gateway in the foreground or the background, and what its language model needs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auriko.cli import _background
from auriko.cli._errors import CommandError
from auriko.cli._variables import assignments, write_env_file

if TYPE_CHECKING:
    from auriko.sandbox import Limits, Sandbox

_MODELS_SHOWN = 5
_KEY_VARIABLE = "AURIKO_SANDBOX_API_KEY"


def run(arguments: argparse.Namespace) -> int:
    """Serves until it is interrupted, or starts, stops or installs; the exit code is 0."""
    if arguments.action == "stop":
        ended = _background.stop()
        print(f"Stopped the sandbox at {ended.base_url}." if ended else "No sandbox runs in the background.")
        return 0
    try:
        import_module("auriko.sandbox")
    except ImportError as error:
        raise CommandError(str(error)) from None
    if arguments.action == "install":
        return _install()
    if arguments.env_file:
        arguments.env_file.open("ab").close()  # refused before anything is started
    if arguments.background and not _background.is_child():
        return _go_on_in_background(arguments)
    _serve(arguments)
    return 0


def _install() -> int:
    from auriko.sandbox.install import InstallError, install

    try:
        print(install())
    except InstallError as error:
        raise CommandError(str(error)) from None
    return 0


def _go_on_in_background(arguments: argparse.Namespace) -> int:
    found = _background.running()
    if found is None:
        found = _background.start(arguments.argv)
        text = f"A sandbox gateway runs in the background at {found.base_url}; `auriko sandbox stop` ends it."
    else:
        text = f"A sandbox gateway already runs at {found.base_url}, with the options that it was started with."
    page = f"Watch it in a browser: {found.base_url.removesuffix('v1')}"
    print(f"{text}\n{page}", file=sys.stderr if arguments.env else sys.stdout)
    _hand_over(arguments, found.base_url, found.api_key)
    return 0


def _serve(arguments: argparse.Namespace) -> None:
    from auriko.sandbox import PortInUseError, Sandbox, UpstreamError
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
            load_balance=arguments.load_balance,
            seed=arguments.seed,
        )
        sandbox.serve(partial(_announce, arguments=arguments, chosen_key=key is not None))
    except (PortInUseError, UpstreamError, ValueError) as error:
        raise CommandError(str(error)) from None


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


def _announce(sandbox: Sandbox, *, arguments: argparse.Namespace, chosen_key: bool) -> None:
    api_key = None if chosen_key else sandbox.api_key
    if _background.is_child():
        _background.announce(sandbox, api_key)
        return
    print("\n".join(_facts(sandbox)), file=sys.stderr if arguments.env else sys.stdout, flush=True)
    if _hand_over(arguments, sandbox.base_url, api_key):
        return
    print("Programs use it with these two variables (Ctrl-C ends it):")
    for line in assignments("sh", sandbox.base_url, api_key or "... # the key that you chose"):
        print(f"  {line}", flush=True)


def _facts(sandbox: Sandbox) -> Iterator[str]:
    yield f"A sandbox gateway runs at {sandbox.base_url}, with the engines {', '.join(sandbox.engines)}."
    if not any(name.startswith("smollm2") for name in sandbox.engines):
        yield "It has no language model; `auriko sandbox install` adds a small one."
    for provider in sandbox.catalog.providers():
        if provider.base_url is not None:
            models = [model.id for model in sandbox.catalog if provider in [offer.provider for offer in model.offers]]
            more = f" and {len(models) - _MODELS_SHOWN} more" if len(models) > _MODELS_SHOWN else ""
            yield f"{provider.id} at {provider.base_url} has {', '.join(models[:_MODELS_SHOWN])}{more}."
    yield f"Watch it in a browser: {sandbox.base_url.removesuffix('v1')}"


def _hand_over(arguments: argparse.Namespace, base_url: str, api_key: str | None) -> bool:
    """Gives the variables to a shell or a file, and says whether it was asked to."""
    if arguments.env_file:
        write_env_file(arguments.env_file, base_url, api_key)
    if arguments.env:
        print(*assignments(arguments.env, base_url, api_key), sep="\n", flush=True)
    return bool(arguments.env or arguments.env_file)
