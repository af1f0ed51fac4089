"""How a model lives: its connections, its copies, its pickles, and what it is when serialised."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from functools import cached_property
from types import TracebackType
from typing import Any

import httpx
from langchain_core.utils.utils import secret_from_env
from pydantic import model_validator
from typing_extensions import Self

from auriko import AsyncClient, Client, GatewayOptions
from auriko.routing import merge_gateway
from auriko_langchain._clients import Lease, async_clients, clients
from auriko_langchain._fields import ChatFields
from auriko_langchain._params import gateway_of
from auriko_langchain.errors import langchain_errors

_CLIENT_FIELDS = (
    "api_key",
    "base_url",
    "timeout",
    "max_retries",
    "deadline",
    "stream_idle_timeout",
    "default_headers",
    "default_query",
    "spend",
)
# Cached properties, the second one langchain-core's: what follows from the fields.
_CACHED = ("_derived", "_serialized")


class Derived:
    """What follows from the fields, made on the first call and dropped when a field changes."""

    __slots__ = ("async_lease", "defaults", "gateway", "lease", "shown")

    def __init__(self, fields: ChatFields) -> None:
        self.defaults = fields.wire_defaults()
        routed = fields.gateway_defaults()
        self.gateway = GatewayOptions.model_validate(gateway_of(routed)) if routed else None
        self.shown = {**self.defaults, **routed}
        self.lease: Lease[Client] | None = None
        self.async_lease: Lease[AsyncClient] | None = None


class Lifecycle(ChatFields):
    """Connections, copies and pickles of `ChatAuriko`."""

    @model_validator(mode="after")
    def _check_settings(self) -> Self:
        self._client()
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in type(self).model_fields:
            self._forget()

    def _forget(self) -> None:
        for name in _CACHED:
            vars(self).pop(name, None)

    @cached_property
    def _derived(self) -> Derived:
        return Derived(self)

    def _client(self) -> Client:
        derived = self._derived
        if derived.lease is None:
            with langchain_errors():
                derived.lease = clients.lease(
                    self._client_key(self.http_client),
                    lambda: Client(http_client=self.http_client, **self._client_settings()),
                )
        return derived.lease.client

    def _async_client(self) -> AsyncClient:
        derived = self._derived
        if derived.async_lease is None:
            with langchain_errors():
                derived.async_lease = async_clients.lease(
                    self._client_key(self.http_async_client),
                    lambda: AsyncClient(http_client=self.http_async_client, **self._client_settings()),
                )
        return derived.async_lease.client

    def _client_settings(self) -> Any:
        return {name: value for name in _CLIENT_FIELDS if (value := getattr(self, name)) is not None}

    def _client_key(self, http_client: object) -> Hashable:
        settings = ((name, _hashable(value)) for name, value in self._client_settings().items())
        ledger = os.environ.get("AURIKO_LEDGER")
        return (*settings, ledger, http_client if http_client in {None, "aiohttp"} else id(http_client))

    def close(self) -> None:
        """Closes the connections of `invoke` and `stream`, unless other models of the same settings use them.

        A later call opens new ones.
        """
        derived = self._derived
        if derived.lease is not None:
            client, derived.lease = derived.lease.release(), None
            if client is not None:
                client.close()

    async def aclose(self) -> None:
        """Closes all connections, unless other models of the same settings use them.

        A later call opens new ones.
        """
        self.close()
        derived = self._derived
        if derived.async_lease is not None:
            client, derived.async_lease = derived.async_lease.release(), None
            if client is not None:
                await client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def rerouted(self, routing: Any = None, gateway_metadata: Any = None, **others: Mapping[str, Any]) -> Self:
        """A copy with these options over its own ones.

        Args:
            routing: Over the model's `routing`.
            gateway_metadata: Over the model's `gateway_metadata`.
            **others: Over further fields that are objects of options.

        Raises:
            ValueError: An option is unknown or out of its range.
        """
        over: dict[str, Any] = {"routing": routing or {}, "metadata": gateway_metadata or {}}
        base: dict[str, Any] = {"routing": self.routing or {}, "metadata": self.gateway_metadata or {}}
        options = {name: value for name, value in merge_gateway(base, over).items() if value}
        merged = GatewayOptions.model_validate(options)
        update = {name: merge_gateway(getattr(self, name), value) for name, value in others.items()}
        return self.model_copy(update={**update, "routing": merged.routing, "gateway_metadata": merged.metadata})

    def __copy__(self) -> Self:
        twin = super().__copy__()
        twin._forget()  # noqa: SLF001 - of the same class
        return twin

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        memo = {} if memo is None else memo
        # Handlers, caches and clients are places outside of the model: a copy uses the same ones.
        for place in (
            self.http_client,
            self.http_async_client,
            self.rate_limiter,
            self.callbacks,
            self.cache,
            vars(self).get("_derived"),
        ):
            memo[id(place)] = place
        twin = super().__deepcopy__(memo)
        twin._forget()  # noqa: SLF001 - of the same class
        return twin

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        fields = {name: value for name, value in state["__dict__"].items() if name not in _CACHED}
        fields["http_client"] = None
        if self.http_async_client != "aiohttp":
            fields["http_async_client"] = None
        if not self.pickle_api_key:
            fields["api_key"] = None
        return {**state, "__dict__": fields}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        if self.api_key is None:
            vars(self)["api_key"] = secret_from_env("AURIKO_API_KEY", default=None)()

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """True: `dumps` and `loads` of langchain-core work."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The environment variable that stands for the key in `dumps`."""
        return {"api_key": "AURIKO_API_KEY"}

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """The routing as plain values, which `dumps` can write."""
        return self.gateway_defaults()

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return self._derived.shown


def _hashable(value: Any) -> Hashable:
    if isinstance(value, httpx.Timeout):
        return tuple(value.as_dict().items())
    return frozenset(value.items()) if isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
