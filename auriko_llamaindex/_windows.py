"""Context windows as the gateway's catalogue knows them (API sections 6 and 11.6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from auriko import AsyncClient, Client
from auriko.errors import NotFoundError
from auriko.routing import Optimize

_STRATEGIES: Final = frozenset(strategy.value for strategy in Optimize)


def smallest_window(client: Client, models: Iterable[str]) -> int | None:
    """The tokens that every one of the models can hold; None where the catalogue knows none of them."""
    windows: list[int | None] = []
    for model in models:
        try:
            windows.append(client.models.retrieve(_catalogue_id(model)).context_window)
        except NotFoundError:
            continue
    return _smallest(windows)


async def asmallest_window(client: AsyncClient, models: Iterable[str]) -> int | None:
    """What `smallest_window` gives, awaited."""
    windows: list[int | None] = []
    for model in models:
        try:
            windows.append((await client.models.retrieve(_catalogue_id(model))).context_window)
        except NotFoundError:
            continue
    return _smallest(windows)


def _catalogue_id(model: str) -> str:
    """The model's name without a strategy after it: `gpt-4o` for `gpt-4o:cost`."""
    name, _colon, suffix = model.partition(":")
    return name if suffix in _STRATEGIES else model


def _smallest(windows: Iterable[int | None]) -> int | None:
    return min((window for window in windows if window), default=None)
