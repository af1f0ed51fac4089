"""Packages that only some exports need."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def optional(module: str, function: str) -> Any:
    """A module of a package that is no requirement of the client.

    Raises:
        ImportError: It is not installed; the message says how to install it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(f'{function}() needs {package}: pip install "auriko[notebook]"') from error
