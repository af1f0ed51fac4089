"""A gateway that answers what a test tells it to, and documents to ask it about."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from llama_index.core import Document, Settings, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding

from auriko.sandbox import Sandbox
from auriko_llamaindex import Auriko
from tests.support.scripted_gateway import ScriptedGateway, answered_by


class LlamaIndexGateway(ScriptedGateway):
    """A scripted gateway that makes LLMs which ask it."""

    def llm(self, **settings: Any) -> Auriko:
        return Auriko(**self.settings(settings, "http_client", "async_http_client"))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A gateway with real engines, whose answers are always the same."""
    with Sandbox(engines=["quote", "quote-slow"]) as sandbox:
        yield sandbox


@pytest.fixture
def llm(sandbox: Sandbox) -> Auriko:
    """An LLM on the sandbox."""
    return Auriko(models=["gpt-4o", "claude-sonnet-4-6"], base_url=sandbox.base_url, api_key=sandbox.api_key)


class WordEmbedding(BaseEmbedding):
    """Vectors of which words a text has, by a fixed hash: no model, always the same."""

    def _get_text_embedding(self, text: str) -> list[float]:
        vector = [0.0] * 256
        for word in re.findall(r"[a-z0-9]+", text.lower()):
            vector[zlib.crc32(word.rstrip("s").encode()) % 256] += 1.0
        return vector

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


FACTS = [
    "The harbour of Lindness was built in 1874. It was designed by the engineer Ada Holm.",
    "The ferry from Lindness to Skarvik takes 45 minutes. A ticket for the ferry costs 12 euros.",
    "The lighthouse of Skarvik is 38 metres high. Its keeper is called Jonas Berg.",
    "The museum of Skarvik opens at ten o'clock. On Mondays the museum is closed.",
]


@pytest.fixture
def documents() -> list[Document]:
    """Four documents about two towns that do not exist."""
    return [Document(text=text, doc_id=f"fact-{number}") for number, text in enumerate(FACTS)]


@pytest.fixture
def index(documents: list[Document]) -> VectorStoreIndex:
    Settings.embed_model = WordEmbedding()
    return VectorStoreIndex.from_documents(documents)


@pytest.fixture
def gateway() -> LlamaIndexGateway:
    return LlamaIndexGateway()


class WatchedBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream's body that never ends by itself and knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False
        self.event = b'data: {"choices": [{"index": 0, "delta": {"content": "x"}}]}\n\n'

    def __iter__(self):
        while True:
            yield self.event

    async def __aiter__(self):
        while True:
            yield self.event

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def endless() -> tuple[Auriko, WatchedBody]:
    body = WatchedBody()

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=body, headers={"content-type": "text/event-stream"})

    return Auriko(model="m", api_key="ak_test", **answered_by(answer)), body


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests name their key and address; nobody else's are used."""
    for name in ("AURIKO_API_KEY", "AURIKO_BASE_URL", "OPENAI_API_KEY", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _apart(llamaindex: None) -> None:
    """Nothing of a test is left for the next one."""


@pytest.fixture
def anyio_backend() -> str:
    """LlamaIndex runs on asyncio alone."""
    return "asyncio"
