"""Context windows as the gateway's catalogue knows them (API sections 6 and 11.6)."""

from __future__ import annotations

from collections.abc import Iterable

from auriko import AsyncClient, Client
from auriko.errors import NotFoundError
from auriko.routing import split_strategy


def smallest_window(client: Client, models: Iterable[str]) -> int | None:
    """The tokens that every one of the models can hold; None where the catalogue knows none of them."""
    windows: list[int | None] = []
    for model in models:
        try:
            windows.append(client.models.retrieve(split_strategy(model)[0]).context_window)
        except NotFoundError:
            continue
    return _smallest(windows)


async def asmallest_window(client: AsyncClient, models: Iterable[str]) -> int | None:
    """The result of `smallest_window`, awaited."""
    windows: list[int | None] = []
    for model in models:
        try:
            windows.append((await client.models.retrieve(split_strategy(model)[0])).context_window)
        except NotFoundError:
            continue
    return _smallest(windows)


def _smallest(windows: Iterable[int | None]) -> int | None:
    return min((window for window in windows if window), default=None)
