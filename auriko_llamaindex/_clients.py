"""The core clients that LLMs talk through: made on first use, shared by LLMs with equal settings."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, NamedTuple, TypeVar
from weakref import WeakSet, WeakValueDictionary

from pydantic import SecretStr

from auriko import AsyncClient, Client
from auriko.errors import APIConnectionError
from auriko.spend import Recorder

ClientT = TypeVar("ClientT", bound=Client | AsyncClient)


class Connection(NamedTuple):
    """A client's arguments, in a form that can be compared and hashed."""

    api_key: SecretStr | str | None
    base_url: str | None
    timeout: float
    max_retries: int
    deadline: float | None
    stream_idle_timeout: float | None
    default_headers: tuple[tuple[str, str], ...]
    default_query: tuple[tuple[str, str], ...]
    pickle_api_key: bool
    spend: Recorder | None
    http_client: Any

    def arguments(self) -> dict[str, Any]:
        """The arguments as a client's constructor takes them."""
        pairs = {"default_headers": dict(self.default_headers), "default_query": dict(self.default_query)}
        return {**self._asdict(), **pairs}


class _Shared(Generic[ClientT]):
    """A client and those who use it; the last of them closes it."""

    def __init__(self, client: ClientT) -> None:
        self.client = client
        self.users: WeakSet[ClientHandle[ClientT]] = WeakSet()


class ClientPool(Generic[ClientT]):
    """The clients of one kind that somebody uses, by their settings."""

    def __init__(self, make: Callable[..., ClientT]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._shared: WeakValueDictionary[Hashable, _Shared[ClientT]] = WeakValueDictionary()

    def join(self, user: ClientHandle[ClientT], connection: Connection) -> _Shared[ClientT]:
        """The client for these settings, made where nobody has one yet."""
        names = ("AURIKO_BASE_URL", "AURIKO_LEDGER")
        environment = (SecretStr(os.environ.get("AURIKO_API_KEY", "")), *map(os.environ.get, names))
        key = (connection, *environment)
        with self._lock:
            shared = self._shared.get(key)
            if shared is None:
                shared = self._shared[key] = _Shared(self._make(**connection.arguments()))
            shared.users.add(user)
            return shared

    def leave(self, user: ClientHandle[ClientT], shared: _Shared[ClientT]) -> ClientT | None:
        """The client if nobody uses it any more, who then has to be closed; else None."""
        with self._lock:
            shared.users.discard(user)
            if shared.users:
                return None
            for key in [key for key, known in self._shared.items() if known is shared]:
                del self._shared[key]
        return shared.client


_SYNC: ClientPool[Client] = ClientPool(Client)
_ASYNC: ClientPool[AsyncClient] = ClientPool(AsyncClient)


class ClientHandle(Generic[ClientT]):
    """One LLM's use of a client."""

    def __init__(self, pool: ClientPool[ClientT]) -> None:
        self._pool = pool
        self._connection: Connection | None = None
        self._shared: _Shared[ClientT] | None = None

    def get(self, connection: Connection) -> ClientT:
        """The client for these settings; another one after they have changed."""
        if self._shared is None or connection != self._connection:
            self._shared, self._connection = self._pool.join(self, connection), connection
        return self._shared.client

    def leave(self) -> ClientT | None:
        """The client if it is to be closed now, that is if no other LLM uses it."""
        shared, self._shared = self._shared, None
        return self._pool.leave(self, shared) if shared is not None else None


class Clients:
    """One LLM's clients. A copy and a pickle of it are empty and find or make their own on first use."""

    def __init__(self) -> None:
        self._sync = ClientHandle(_SYNC)
        self._async = ClientHandle(_ASYNC)
        self._closed = False

    def sync(self, connection: Connection) -> Client:
        """The client for calls.

        Raises:
            APIConnectionError: The LLM has been closed.
            AuthenticationError: There is no key.
            ValueError: A setting cannot be used.
        """
        self._check_open()
        return self._sync.get(connection)

    def asynchronous(self, connection: Connection) -> AsyncClient:
        """The client for asynchronous calls; raises as `sync` does."""
        self._check_open()
        return self._async.get(connection)

    def close(self) -> None:
        """Close what no other LLM uses of the synchronous side; later calls raise."""
        self._closed = True
        client = self._sync.leave()
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close what no other LLM uses of both sides; later calls raise."""
        self.close()
        client = self._async.leave()
        if client is not None:
            await client.close()

    def _check_open(self) -> None:
        if self._closed:
            raise APIConnectionError("This LLM has been closed; make a new one.", retryable=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> Clients:
        return Clients()

    def __reduce__(self) -> tuple[type[Clients], tuple[()]]:
        return Clients, ()
