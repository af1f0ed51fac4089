"""One test for both clients: what is awaited by one of them is there at once with the other."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Iterable
from typing import Any

import pytest

from auriko import AsyncClient, Client

both_clients = pytest.mark.parametrize("kind", [Client, AsyncClient])


async def settled(value: Any) -> Any:
    """The value, awaited where it has to be."""
    return await value if inspect.isawaitable(value) else value


async def items(many: Iterable[Any] | AsyncIterable[Any]) -> list[Any]:
    """All items of an iterable of either kind."""
    return [item async for item in many] if isinstance(many, AsyncIterable) else list(many)
