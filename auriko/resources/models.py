"""`client.models`: which models and providers there are (API section 11.6)."""

from __future__ import annotations

from typing import Final, Literal

from auriko._call import Call
from auriko._config import escape
from auriko.models.providers import DirectoryResponse, Model, ModelList, ModelsListResponse, ProviderList
from auriko.resources._base import AsyncCaller, Caller

Endpoint = Literal["chat_completions", "responses"]
# Public endpoints are not sent the key.
_DIRECTORY: Final = Call("GET", "/directory/models", DirectoryResponse, authenticated=False)
_REGISTRY: Final = Call("GET", "/registry/models", ModelsListResponse, authenticated=False)
_PROVIDERS: Final = Call("GET", "/registry/providers", ProviderList, authenticated=False)


def _list_call(endpoint: Endpoint | None) -> Call[ModelList]:
    return Call("GET", "/models", ModelList, query={"endpoint": endpoint} if endpoint else {})


def _retrieve_call(model_id: str) -> Call[Model]:
    if not model_id:
        raise ValueError("model_id is empty")
    return Call("GET", f"/models/{escape(model_id)}", Model)


class Models:
    """Which models and providers there are."""

    def __init__(self, client: Caller) -> None:
        self._client = client

    def list(self, *, endpoint: Endpoint | None = None) -> ModelList:
        """The models that the key in use can call; `endpoint="responses"` adds those of the Responses API."""
        return self._client._request(_list_call(endpoint))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def retrieve(self, model_id: str) -> Model:
        """One callable model, by its id or an alias."""
        return self._client._request(_retrieve_call(model_id))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def list_directory(self) -> DirectoryResponse:
        """The whole catalogue by model id, with every provider's prices. Public."""
        return self._client._request(_DIRECTORY)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def list_registry(self) -> ModelsListResponse:
        """The canonical models. Public."""
        return self._client._request(_REGISTRY)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def list_providers(self) -> ProviderList:
        """The providers. Public."""
        return self._client._request(_PROVIDERS)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


class AsyncModels:
    """Which models and providers there are, awaited."""

    def __init__(self, client: AsyncCaller) -> None:
        self._client = client

    async def list(self, *, endpoint: Endpoint | None = None) -> ModelList:
        """The models that the key in use can call; `endpoint="responses"` adds those of the Responses API."""
        return await self._client._request(_list_call(endpoint))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def retrieve(self, model_id: str) -> Model:
        """One callable model, by its id or an alias."""
        return await self._client._request(_retrieve_call(model_id))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def list_directory(self) -> DirectoryResponse:
        """The whole catalogue by model id, with every provider's prices. Public."""
        return await self._client._request(_DIRECTORY)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def list_registry(self) -> ModelsListResponse:
        """The canonical models. Public."""
        return await self._client._request(_REGISTRY)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def list_providers(self) -> ProviderList:
        """The providers. Public."""
        return await self._client._request(_PROVIDERS)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
