"""Replies and events of the Responses API, as the tests' servers send them."""

from typing import Any

from tests.support.replies import METADATA, event

USAGE: dict[str, Any] = {
    "input_tokens": 11,
    "output_tokens": 25,
    "total_tokens": 36,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens_details": {"reasoning_tokens": 20, "image_tokens": 0},
}


def message(text: str = "Paris.") -> dict[str, Any]:
    """A message of the output."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def response(**fields: Any) -> dict[str, Any]:
    """A whole response; without output_text unless a test gives it."""
    return {
        "id": "resp_31",
        "object": "response",
        "created_at": 1790000100,
        "model": "gpt-5.4",
        "status": "completed",
        "output": [message()],
        "usage": USAGE,
        "routing_metadata": METADATA,
        **fields,
    }


def started() -> bytes:
    """The first event of a stream."""
    fields = response(status="in_progress", output=[], usage=None, routing_metadata=None)
    return event({"type": "response.created", "sequence_number": 0, "response": fields})


def delta(text: str, number: int = 1) -> bytes:
    """A piece of text."""
    return event(
        {
            "type": "response.output_text.delta",
            "sequence_number": number,
            "item_id": "msg_1",
            "output_index": 0,
            "content_index": 0,
            "delta": text,
            "logprobs": [],
        }
    )


def ended(kind: str = "completed", **fields: Any) -> bytes:
    """A terminal event."""
    whole = response(status=kind, **fields)
    return event({"type": f"response.{kind}", "sequence_number": 9, "response": whole})
