"""The engines that can run on this machine."""

from __future__ import annotations

from auriko.sandbox.engines.base import Engine

# Engines that are measured by their first calls instead of at the start.
LOADS_SLOWLY = frozenset({"smollm2"})


def installed_engines() -> list[Engine]:
    """Every engine that is there, the small language model last."""
    from auriko.sandbox.engines import ExtractEngine, SmolLM2Engine

    engines: list[Engine] = [ExtractEngine(), ExtractEngine(thorough=True)]
    if SmolLM2Engine.installed():
        engines.append(SmolLM2Engine())
    return engines
