"""The engines that can run on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from auriko.sandbox.engines import Paced, QuoteEngine, SmolLM2Engine
from auriko.sandbox.engines.base import Engine

# Engines that are measured by their first calls instead of at the start.
LOADS_SLOWLY = frozenset({"smollm2"})

_ENGINES: dict[str, Callable[[], Engine]] = {
    "quote": QuoteEngine,
    "quote-slow": lambda: Paced(QuoteEngine(), first=0.006, each=0.0005, name="quote-slow"),
    "smollm2": SmolLM2Engine,
}


def installed_engines() -> list[str]:
    """Names of the engines that are there; the small language model is an extra."""
    return [name for name in _ENGINES if name != "smollm2" or SmolLM2Engine.installed()]


def choose_engines(wanted: Iterable[Engine | str] | None) -> list[Engine]:
    """Engines by name, or as they are; None takes all that are installed.

    Raises:
        ValueError: A name is unknown, or its engine is not installed.
    """
    installed = installed_engines()
    engines: list[Engine] = []
    for each in installed if wanted is None else wanted:
        if not isinstance(each, str):
            engines.append(each)
        elif each in installed:
            engines.append(_ENGINES[each]())
        else:
            raise ValueError(f"The engine {each!r} is not installed; there are {', '.join(installed)}.")
    return engines
