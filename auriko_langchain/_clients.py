"""Clients shared by all models of the same settings, so that thirty models open no more sockets than one.

Clients are never part of a model's state: copies and pickles take their own lease on the first call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakSet, WeakValueDictionary

from auriko import AsyncClient, Client

C = TypeVar("C")
_lock = threading.Lock()


class _Shared(Generic[C]):
    def __init__(self, client: C) -> None:
        self.client = client
        self.leases: WeakSet[Lease[C]] = WeakSet()


class Lease(Generic[C]):
    """A model's right to a client; the client lives as long as any lease on it."""

    def __init__(self, shared: _Shared[C]) -> None:
        self._shared = shared
        shared.leases.add(self)

    @property
    def client(self) -> C:
        """The shared client."""
        return self._shared.client

    def release(self) -> C | None:
        """The client, if this was the last lease on it, so that it is to be closed now."""
        with _lock:
            self._shared.leases.discard(self)
            return None if self._shared.leases else self._shared.client


class ClientCache(Generic[C]):
    """The clients that are in use, by their settings; it keeps none of them alive."""

    def __init__(self) -> None:
        self._shared: WeakValueDictionary[Hashable, _Shared[C]] = WeakValueDictionary()

    def lease(self, settings: Hashable, make: Callable[[], C]) -> Lease[C]:
        """A lease on the client of these settings, which is made if there is none."""
        with _lock:
            shared = self._shared.get(settings)
            if shared is None or not shared.leases:
                shared = self._shared[settings] = _Shared(make())
            return Lease(shared)


clients: ClientCache[Client] = ClientCache()
async_clients: ClientCache[AsyncClient] = ClientCache()
