"""A gateway that answers what a test tells it to, and LlamaIndex's global state put back after every test."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections import deque
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from llama_index.core import Document, Settings, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.instrumentation import get_dispatcher

from auriko.sandbox import Sandbox
from auriko_llamaindex import Auriko

ROUTING = {
    "provider": "example_host",
    "provider_model_id": "m-1-2026",
    "model_canonical": "m-1",
    "routing_strategy": "cost",
    "ttft_ms": 12.5,
    "throughput_tps": 80.0,
    "cost": {"usd": 0.0021},
}
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


class ScriptedGateway:
    """Answers requests in the order of the replies that were scripted, and keeps the requests' bodies.

    Attributes:
        bodies: The bodies of the requests so far.
        headers: Their headers.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[httpx.Headers] = []
        self._replies: deque[httpx.Response] = deque()

    def llm(self, **settings: Any) -> Auriko:
        settings.setdefault("api_key", "ak_test_scripted")
        settings.setdefault("max_retries", 0)
        if "models" not in settings:
            settings.setdefault("model", "m-1")
        return Auriko(
            base_url="http://127.0.0.1:1/v1",
            http_client=httpx.Client(transport=httpx.MockTransport(self._answer)),
            async_http_client=httpx.AsyncClient(transport=httpx.MockTransport(self._answer)),
            **settings,
        )

    def says(self, content: str | None = None, *, finish_reason: str = "stop", **fields: Any) -> None:
        """The next reply: a message with this content and these fields."""
        message = {"role": "assistant", "content": content, **fields.pop("message", {})}
        self.replies({"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}], **fields})

    def replies(self, body: dict[str, Any]) -> None:
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1790000000, "model": "m-1"}
        tail = {"usage": USAGE, "routing_metadata": ROUTING}
        self._replies.append(httpx.Response(200, json={**head, **tail, **body}))

    def streams(self, *deltas: Any, finish_reason: str = "stop", done: bool = True, **last: Any) -> None:
        """The next reply: a stream of these deltas (text for plain ones), then the chunk with usage and cost."""
        choices = [{"index": 0, "delta": {"content": d} if isinstance(d, str) else d} for d in deltas]
        choices.append({"index": 0, "delta": {}, "finish_reason": finish_reason})
        chunks: list[dict[str, Any]] = [{"choices": [choice]} for choice in choices]
        chunks.append({"choices": [], "usage": USAGE, "routing_metadata": ROUTING, **last})
        self.streams_chunks(*chunks, done=done)

    def streams_chunks(self, *chunks: dict[str, Any], done: bool = True) -> None:
        head = {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1790000000, "model": "m-1"}
        events = [f"data: {json.dumps(chunk if 'error' in chunk else {**head, **chunk})}\n\n" for chunk in chunks]
        body = "".join([*events, "data: [DONE]\n\n"] if done else events)
        self._replies.append(httpx.Response(200, text=body, headers={"content-type": "text/event-stream"}))

    def refuses(self, status: int, code: str, kind: str = "invalid_request_error", **headers: str) -> None:
        """The next reply: an error."""
        error = {"message": f"refused with {code}", "type": kind, "code": code, "param": None}
        self._replies.append(
            httpx.Response(status, json={"error": error}, headers={"x-request-id": "req-9", **headers})
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content or b"{}"))
        self.headers.append(request.headers)
        return self._replies.popleft()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A gateway with real engines, whose answers are always the same."""
    with Sandbox(engines=["extract", "extract-thorough"]) as sandbox:
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
def gateway() -> ScriptedGateway:
    return ScriptedGateway()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests name their key and address; nobody else's are used."""
    for name in ("AURIKO_API_KEY", "AURIKO_BASE_URL", "OPENAI_API_KEY", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _global_state() -> Iterator[None]:
    """LlamaIndex's Settings and event handlers as they were."""
    before = dict(vars(Settings))
    dispatcher = get_dispatcher()
    handlers = list(dispatcher.event_handlers), list(dispatcher.span_handlers)
    yield
    vars(Settings).update(before)
    dispatcher.event_handlers, dispatcher.span_handlers = handlers


@pytest.fixture(autouse=True)
def _event_loop() -> Iterator[None]:
    """The event loop that LlamaIndex asks its thread for; it would make one and leave it open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def anyio_backend() -> str:
    """LlamaIndex runs on asyncio alone."""
    return "asyncio"
