"""LiteLLM, which has functions instead of clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

from subject import KEY, SMALL, Ask, Subject


class LiteLLM(Subject):
    """completion and acompletion, for a server that speaks as OpenAI's."""

    def __init__(self, url: str, ask: Ask = SMALL) -> None:
        import litellm

        self._completion, self._acompletion = litellm.completion, litellm.acompletion
        self._ask = {**ask, "model": f"openai/{ask['model']}", "api_key": KEY, "api_base": url}

    def call(self) -> Any:
        return self._completion(**self._ask)

    def stream(self) -> Iterator[Any]:
        return iter(self._completion(**self._ask, stream=True))

    def acall(self) -> Awaitable[Any]:
        result: Awaitable[Any] = self._acompletion(**self._ask)
        return result

    async def astream(self) -> AsyncIterator[Any]:
        async for item in await self._acompletion(**self._ask, stream=True):
            yield item
