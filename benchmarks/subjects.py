"""What is measured of the project, and plain httpx beside it.

Imports are inside, so that a process loads nothing but its own subject.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from subject import KEY, MESSAGES, MODEL, SMALL, Ask, ChatCompletions, LangChainModel, LlamaIndexLLM, Subject

__all__ = [
    "KEY",
    "MESSAGES",
    "SUBJECTS",
    "Auriko",
    "AurikoOnHttptools",
    "LangChain",
    "LlamaIndex",
    "RawHttpx",
    "Subject",
]


class RawHttpx(Subject):
    """Plain httpx and json.loads: what a program without any SDK would do."""

    def __init__(self, url: str, ask: Ask = SMALL) -> None:
        import httpx

        self._client = self.construct(url)
        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
        self._aclient = httpx.AsyncClient(timeout=60, limits=limits)
        self._url, self._headers = f"{url}/chat/completions", {"Authorization": f"Bearer {KEY}"}
        self._ask, self._streamed = ask, {**ask, "stream": True}

    @staticmethod
    def construct(url: str) -> Any:  # noqa: ARG004 - an httpx.Client needs no address
        import httpx

        return httpx.Client(timeout=60)

    def call(self) -> Any:
        return json.loads(self._client.post(self._url, json=self._ask, headers=self._headers).content)

    def stream(self) -> Iterator[Any]:
        with self._client.stream("POST", self._url, json=self._streamed, headers=self._headers) as reply:
            for line in reply.iter_lines():
                if line.startswith("data: {"):
                    yield json.loads(line[6:])

    async def acall(self) -> Any:
        return json.loads((await self._aclient.post(self._url, json=self._ask, headers=self._headers)).content)

    async def astream(self) -> AsyncIterator[Any]:
        async with self._aclient.stream("POST", self._url, json=self._streamed, headers=self._headers) as reply:
            async for line in reply.aiter_lines():
                if line.startswith("data: {"):
                    yield json.loads(line[6:])


class Auriko(ChatCompletions):
    """The core client."""

    @staticmethod
    def construct(url: str) -> Any:
        from auriko import Client

        return Client(api_key=KEY, base_url=url)

    @staticmethod
    def aconstruct(url: str) -> Any:
        from auriko import AsyncClient

        return AsyncClient(api_key=KEY, base_url=url)


class AurikoOnHttptools(Auriko):
    """The core client with the extra `auriko[fast]`."""

    @staticmethod
    def construct(url: str) -> Any:
        from auriko import Client

        return Client(api_key=KEY, base_url=url, http_client="httptools")

    @staticmethod
    def aconstruct(url: str) -> Any:
        from auriko import AsyncClient

        return AsyncClient(api_key=KEY, base_url=url, http_client="httptools")


class LangChain(LangChainModel):
    """ChatAuriko."""

    @staticmethod
    def construct(url: str) -> Any:
        from pydantic import SecretStr

        from auriko_langchain import ChatAuriko

        return ChatAuriko(model=MODEL, api_key=SecretStr(KEY), base_url=url)


class LangChainOnHttptools(LangChainModel):
    """ChatAuriko with the extra `auriko[fast]`."""

    @staticmethod
    def construct(url: str) -> Any:
        from pydantic import SecretStr

        from auriko_langchain import ChatAuriko

        return ChatAuriko(model=MODEL, api_key=SecretStr(KEY), base_url=url, http_client="httptools")


class LlamaIndex(LlamaIndexLLM):
    """Auriko, the LlamaIndex LLM."""

    @staticmethod
    def construct(url: str) -> Any:
        from pydantic import SecretStr

        from auriko_llamaindex import Auriko

        return Auriko(model=MODEL, api_key=SecretStr(KEY), base_url=url)


class LlamaIndexOnHttptools(LlamaIndexLLM):
    """Auriko, the LlamaIndex LLM, with the extra `auriko[fast]`."""

    @staticmethod
    def construct(url: str) -> Any:
        from pydantic import SecretStr

        from auriko_llamaindex import Auriko

        return Auriko(model=MODEL, api_key=SecretStr(KEY), base_url=url, http_client="httptools")


SUBJECTS: dict[str, type[Subject]] = {
    "raw httpx": RawHttpx,
    "auriko": Auriko,
    "auriko (httptools)": AurikoOnHttptools,
    "ChatAuriko": LangChain,
    "LlamaIndex Auriko": LlamaIndex,
}
