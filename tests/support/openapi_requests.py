"""Hooks of schemathesis: of the requests that it makes up as valid ones, many shall get past what no schema says."""

from __future__ import annotations

import json
from typing import Any

import schemathesis

MODELS = {
    "messages": ("gpt-4o", "claude-sonnet-4-6", "deepseek-chat", "llama-3.1-8b-instruct"),
    "input": ("gpt-4o", "gpt-4o-mini"),
}
QUESTION = {"messages": [{"role": "user", "content": "Why is the sky blue?"}], "input": "Why is the sky blue?"}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    valid = case.meta.generation.mode == schemathesis.GenerationMode.POSITIVE
    if valid and isinstance(case.body, dict):
        case.body = mended(case.body)


def mended(body: dict[str, Any]) -> dict[str, Any]:
    """The body with a model that there is, half of the time a question that makes sense, and often as a stream."""
    salt = len(json.dumps(body))
    kind = "messages" if "messages" in body else "input"
    routing = {"optimize": "balanced", "mode": ("pool", "fallback")[salt % 2]}
    question = {kind: QUESTION[kind], "store": False} if salt % 2 else {}
    return {
        **{name: value for name, value in body.items() if name not in {"tool_choice", "store"}},
        "model": MODELS[kind][salt % len(MODELS[kind])],
        "gateway": {"routing": routing},
        "stream": salt % 3 == 0,
        **question,
    }
