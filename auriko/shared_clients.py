"""Clients for models of frameworks: models of equal settings share them, so that thirty open no more sockets than one.

A model keeps a `Clients`. A client is made on first use; the last of the models that share it closes it.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

import httpx
from pydantic import SecretStr
from typing_extensions import Self

from auriko._client import AsyncClient, Client
from auriko._settings import AsyncHttpClient, ClientSettings, HttpClient
from auriko.errors import APIConnectionError

__all__ = ["CLIENT_FIELDS", "Clients", "HasClients", "http_client_for_loops"]

ClientT = TypeVar("ClientT", Client, AsyncClient)
# Variables that a client is made or connects by.
_READ: Final = re.compile(r"AURIKO_|SSL|\w+_PROXY$", re.IGNORECASE)
# The fields of a model that are arguments of its client; what of the model goes into pickles makes no difference there.
CLIENT_FIELDS: Final = frozenset(ClientSettings.__annotations__) - {"pickle_api_key"}


def http_client_for_loops(
    http_client: HttpClient | None, http_async_client: AsyncHttpClient | None
) -> AsyncHttpClient | None:
    """What a model's client for event loops sends with: the name of a transport holds for both sides."""
    return http_client if http_async_client is None and isinstance(http_client, str) else http_async_client


class Clients:
    """The clients of one model. After it is closed it gives none any more; a copy and a pickle of it are as new."""

    def __init__(self) -> None:
        self._sync = _Handle(_SYNC)
        self._async = _Handle(_ASYNC)
        self._closed = False

    def sync(self, settings: Mapping[str, Any]) -> Client:
        """The client with these arguments, another one after they have changed.

        Raises:
            APIConnectionError: The model has been closed.
            AuthenticationError: There is no key.
            ValueError: A setting cannot be used.
        """
        self._check_open()
        return self._sync.get(settings)

    def asynchronous(self, settings: Mapping[str, Any]) -> AsyncClient:
        """The client with these arguments for event loops; raises as `sync` does."""
        self._check_open()
        return self._async.get(settings)

    def close(self) -> None:
        """Closes what no other model uses of the synchronous side; later calls raise."""
        self._closed = True
        client = self._sync.leave()
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Closes what no other model uses of both sides; later calls raise."""
        self.close()
        client = self._async.leave()
        if client is not None:
            await client.close()

    def _check_open(self) -> None:
        if self._closed:
            raise APIConnectionError("This model has been closed; make a new one, or a copy.", retryable=False)

    # Connections are no part of what a model is: they make no difference between two, and do not travel.

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clients)

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[type[Clients], tuple[()]]:
        return Clients, ()


class HasClients:
    """The end of a model that has clients: it is closed, or used in a `with` block."""

    _clients: Clients

    def close(self) -> None:
        """Closes the connections of synchronous calls that no other model of these settings uses; later calls raise."""
        self._clients.close()

    async def aclose(self) -> None:
        """Closes all connections that no other model of these settings uses; later calls raise."""
        await self._clients.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()


class _Directory(Generic[ClientT]):
    """The clients of one kind that somebody uses, by their settings; it keeps none of them alive."""

    def __init__(self, make: Callable[..., ClientT]) -> None:
        self._make: Callable[..., ClientT] = make
        self._lock = threading.Lock()
        self._clients: WeakValueDictionary[Hashable, ClientT] = WeakValueDictionary()
        self._users: WeakKeyDictionary[ClientT, WeakSet[_Handle[ClientT]]] = WeakKeyDictionary()

    def join(self, user: _Handle[ClientT], settings: Mapping[str, Any]) -> ClientT:
        key = _key(settings)
        with self._lock:
            client = self._clients.get(key)
            if client is None or not self._users[client]:
                client = self._clients[key] = self._make(**settings)
                self._users[client] = WeakSet()
            self._users[client].add(user)
            return client

    def leave(self, user: _Handle[ClientT], client: ClientT) -> bool:
        """True if nobody uses the client any more, so that it is to be closed now."""
        with self._lock:
            self._users[client].discard(user)
            return not self._users[client]


class _Handle(Generic[ClientT]):
    """One model's use of a client."""

    def __init__(self, directory: _Directory[ClientT]) -> None:
        self._directory: _Directory[ClientT] = directory
        self._settings: Mapping[str, Any] | None = None
        self._client: ClientT | None = None

    def get(self, settings: Mapping[str, Any]) -> ClientT:
        client = self._client
        if client is None or (settings is not self._settings and settings != self._settings):
            client = self._client = self._directory.join(self, settings)
            self._settings = settings
        return client

    def leave(self) -> ClientT | None:
        """The client, if it is to be closed now."""
        client, self._client = self._client, None
        return client if client is not None and self._directory.leave(self, client) else None


def _key(settings: Mapping[str, Any]) -> Hashable:
    """The settings with what the environment says of keys, addresses, limits, proxies and certificates."""
    environment = ((name, SecretStr(value)) for name, value in os.environ.items() if _READ.match(name))
    return frozenset((name, _hashable(value)) for name, value in settings.items()), frozenset(environment)


def _hashable(value: Any) -> Hashable:
    if isinstance(value, httpx.Timeout):
        return tuple(value.as_dict().items())
    if isinstance(value, Mapping):
        pairs: Mapping[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return frozenset(pairs.items())
    return value if value is None or isinstance(value, (str, SecretStr, int, float)) else id(value)


_SYNC: _Directory[Client] = _Directory(Client)
_ASYNC: _Directory[AsyncClient] = _Directory(AsyncClient)
