"""`auriko sandbox`: the local gateway in the foreground, and what its language model needs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from auriko.cli._errors import CommandError

if TYPE_CHECKING:
    from auriko.sandbox import Sandbox


def run(arguments: argparse.Namespace) -> int:
    """Serves until it is interrupted, or installs; the exit code is 0."""
    try:
        from auriko.sandbox import PortInUseError, serve
    except ImportError as error:
        raise CommandError(f'the sandbox needs more packages ({error.name}): pip install "auriko[sandbox]"') from None
    if arguments.action == "install":
        from auriko.sandbox.install import InstallError, install

        try:
            print(install())
        except InstallError as error:
            raise CommandError(str(error)) from None
        return 0
    try:
        serve(arguments.port, arguments.host, api_key=arguments.api_key, on_start=_announce)
    except (PortInUseError, ValueError) as error:
        raise CommandError(str(error)) from None
    return 0


def _announce(sandbox: Sandbox) -> None:
    print(f"A sandbox gateway runs at {sandbox.base_url}, with the engines {', '.join(sandbox.engines)}.")
    if not any(name.startswith("smollm2") for name in sandbox.engines):
        print("It has no language model; `auriko sandbox install` adds a small one.")
    print("Programs use it with these two variables (Ctrl-C ends it):")
    print(f"  export AURIKO_BASE_URL={sandbox.base_url}")
    print(f"  export AURIKO_API_KEY={sandbox.api_key}", flush=True)
