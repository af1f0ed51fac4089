"""`client.me.get()` (API section 11.6)."""

from __future__ import annotations

from typing import Final

from auriko._caller import AsyncCaller, Caller
from auriko._rules.call import Call
from auriko.models.common import ApiKeyIdentity

_GET: Final = Call("GET", "/me", ApiKeyIdentity)


class Me:
    """Who the key in use is."""

    def __init__(self, client: Caller) -> None:
        self._client = client

    def get(self) -> ApiKeyIdentity:
        """The identity behind the key: workspace, scopes, rate limits."""
        return self._client._request(_GET)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


class AsyncMe:
    """Who the key in use is."""

    def __init__(self, client: AsyncCaller) -> None:
        self._client = client

    async def get(self) -> ApiKeyIdentity:
        """The identity behind the key: workspace, scopes, rate limits."""
        return await self._client._request(_GET)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
