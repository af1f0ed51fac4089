"""Clients without a network, and records, for the tests of what calls cost."""

import json
from typing import Any

import httpx

from auriko import AsyncClient, Client
from auriko.spend import CallRecord
from tests.support.replies import completion, whole_stream

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a secret question"}]}
COST = 0.00193


def answer(request: httpx.Request) -> httpx.Response:
    """Every question gets the same answer, which costs `COST`."""
    if json.loads(request.content).get("stream"):
        return httpx.Response(200, content=whole_stream(), headers={"content-type": "text/event-stream"})
    return httpx.Response(200, json=completion())


def client(**settings: Any) -> Client:
    return Client(api_key="k", http_client=httpx.Client(transport=httpx.MockTransport(answer)), **settings)


def async_client(**settings: Any) -> AsyncClient:
    own = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return AsyncClient(api_key="k", http_client=own, **settings)


def ask(of: Client) -> None:
    of.chat.completions.create(**ASK)


def record(**fields: Any) -> CallRecord:
    known = {
        "status": "ok",
        "model_asked": "gpt-4o",
        "model": "gpt-4o",
        "provider": "openai",
        "started_at": 1774958400.25,  # 2026-03-31, noon
        "duration_ms": 812.5,
        "usd": 0.25,
        "prompt_tokens": 1000,
        "completion_tokens": 50,
    }
    return CallRecord.from_dict({**known, **fields})
