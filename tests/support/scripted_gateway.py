"""A gateway that answers what a test tells it to, for tests of what is on the wire."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any

import httpx

ROUTING = {
    "provider": "example_host",
    "provider_model_id": "m-1-2026",
    "model_canonical": "m-1",
    "routing_strategy": "cost",
    "ttft_ms": 12.5,
    "throughput_tps": 80.0,
    "cost": {"usd": 0.0021, "cache_savings_usd": 0.0004},
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
        self._replies: deque[httpx.Response | Exception] = deque()
        self._transport = httpx.MockTransport(self._answer)

    def settings(self, given: dict[str, Any], sync_name: str, async_name: str) -> dict[str, Any]:
        """The settings of a model that asks this gateway, with one request a call.

        Args:
            given: Settings that win.
            sync_name: What the model calls the argument for an `httpx.Client`.
            async_name: What it calls that for an `httpx.AsyncClient`.
        """
        named = {} if "models" in given else {"model": "m-1"}
        return {
            **named,
            "api_key": "ak_test_scripted",
            "max_retries": 0,
            "base_url": "http://127.0.0.1:1/v1",
            sync_name: httpx.Client(transport=self._transport),
            async_name: httpx.AsyncClient(transport=self._transport),
            **given,
        }

    def says(self, content: str | None = None, *, finish_reason: str = "stop", **fields: Any) -> None:
        """The next reply: a message with this content and these fields."""
        message = {"role": "assistant", "content": content, **fields.pop("message", {})}
        self.replies({"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}], **fields})

    def replies(self, body: dict[str, Any], **headers: str) -> None:
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1790000000, "model": "m-1"}
        tail = {"usage": USAGE, "routing_metadata": ROUTING}
        self._replies.append(httpx.Response(200, json={**head, **tail, **body}, headers=headers))

    def answers_json(self, body: Any) -> None:
        """The next reply: this body and nothing else."""
        self._replies.append(httpx.Response(200, json=body))

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

    def answers(self, reply: httpx.Response | Exception) -> None:
        """The next reply: this one, or this failure of the network."""
        self._replies.append(reply)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content or b"{}"))
        self.headers.append(request.headers)
        reply = self._replies.popleft()
        if isinstance(reply, Exception):
            raise reply
        return reply


def answered_by(answer: Callable[[httpx.Request], httpx.Response]) -> dict[str, Any]:
    """The settings of an adapter's model whose requests, sync and async, this function answers."""
    transport = httpx.MockTransport(answer)
    return {
        "http_client": httpx.Client(transport=transport),
        "async_http_client": httpx.AsyncClient(transport=transport),
    }
