"""`client.me.get()` (API section 11.6)."""

from __future__ import annotations

from typing import Final

from auriko._caller import AsyncResource, Resource
from auriko._rules.call import Call
from auriko.models.common import ApiKeyIdentity

_GET: Final = Call("GET", "/me", ApiKeyIdentity)


class Me(Resource):
    """The identity behind the key."""

    def get(self) -> ApiKeyIdentity:
        """The identity behind the key: workspace, scopes, rate limits."""
        return self._caller.request(_GET)


class AsyncMe(AsyncResource):
    """The identity behind the key."""

    async def get(self) -> ApiKeyIdentity:
        """The identity behind the key: workspace, scopes, rate limits."""
        return await self._caller.request(_GET)
