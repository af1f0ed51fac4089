"""What the gateway answers, as the tests' servers send it."""

import json
from collections.abc import Iterable
from typing import Any

METADATA: dict[str, Any] = {
    "provider": "anthropic",
    "provider_model_id": "claude-sonnet-4-6-20260101",
    "model_canonical": "claude-sonnet-4-6",
    "routing_strategy": "cost",
    "ttft_ms": 410.5,
    "throughput_tps": 74.2,
    "cost": {"usd": 0.00193, "cache_savings_percent": 62, "cache_savings_usd": 0.0031},
    "warnings": [{"type": "unsupported_parameter", "code": "seed_dropped", "message": "seed was not forwarded"}],
}
USAGE: dict[str, Any] = {
    "prompt_tokens": 1820,
    "completion_tokens": 61,
    "total_tokens": 1881,
    "prompt_tokens_details": {"cached_tokens": 1536, "cache_write_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 40},
}


def completion(content: str | None = "Paris.", **fields: Any) -> dict[str, Any]:
    """A chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1790000000,
        "model": "claude-sonnet-4-6",
        "choices": [choice],
        "usage": USAGE,
        "routing_metadata": METADATA,
        **fields,
    }


def chunk(
    content: str | None = "Pa", *, finish_reason: str | None = None, index: int = 0, **fields: Any
) -> dict[str, Any]:
    """A chunk of a streamed completion."""
    choice = {"index": index, "delta": {"content": content}, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": "claude-sonnet-4-6",
        "choices": [choice],
        **fields,
    }


def last_chunk() -> dict[str, Any]:
    """The chunk without choices that carries the usage and the metadata."""
    return {**chunk(), "choices": [], "usage": USAGE, "routing_metadata": METADATA}


def envelope(type_: str = "api_error", code: str | None = "upstream_error", **fields: Any) -> dict[str, Any]:
    """An error."""
    return {"error": {"message": "It did not work.", "type": type_, "code": code, "param": None, **fields}}


def event(data: Any) -> bytes:
    """One server-sent event; anything but text and bytes is written as JSON."""
    text = data if isinstance(data, (str, bytes)) else json.dumps(data)
    return b"data: " + (text.encode() if isinstance(text, str) else text) + b"\n\n"


def events(*data: Any) -> bytes:
    """Some events."""
    return b"".join(map(event, data))


DONE = event("[DONE]")


def whole_stream(pieces: Iterable[str] = ("Pa", "ris", ".")) -> bytes:
    """A stream that ends as it should."""
    *first, last = pieces
    return events(*map(chunk, first), chunk(last, finish_reason="stop"), last_chunk()) + DONE
