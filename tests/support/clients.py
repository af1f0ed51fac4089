"""Clients of a fault server."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from auriko import AsyncClient, Client
from tests.support.cells import KEY
from tests.support.fault_server import Act, FaultServer, serve

# What clients are made with beside their own settings, as the fixtures of the ways want it.
SYNC_SETTINGS: dict[str, Any] = {}
ASYNC_SETTINGS: dict[str, Any] = {}


def async_client(**settings: Any) -> AsyncClient:
    """An async client, over what the backend of this test wants."""
    return AsyncClient(**{"api_key": KEY, **ASYNC_SETTINGS, **settings})


def _sync_client(**settings: Any) -> Client:
    return Client(**{"api_key": KEY, **SYNC_SETTINGS, **settings})


@contextlib.contextmanager
def serving(*acts: Act, **settings: Any) -> Iterator[tuple[FaultServer, Client]]:
    """A server and a client of it."""
    with serve(*acts) as server, _sync_client(base_url=server.url, **settings) as client:
        yield server, client


@contextlib.asynccontextmanager
async def serving_async(*acts: Act, **settings: Any) -> AsyncIterator[tuple[FaultServer, AsyncClient]]:
    """A server and an async client of it."""
    with serve(*acts) as server:
        async with async_client(**{"base_url": server.url, **settings}) as client:
            yield server, client
