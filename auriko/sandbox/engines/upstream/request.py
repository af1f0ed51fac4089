"""Prompts in the form in which servers of the OpenAI API take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auriko.sandbox.engines.base import Prompt

# What the gateway's own API adds to messages and tool calls; strict servers would refuse it.
_OURS = frozenset({"reasoning", "reasoning_content", "provider_signature"})


def request_for(model: str, prompt: Prompt, max_tokens_field: str) -> dict[str, Any]:
    """The body of a streamed chat completion.

    Args:
        model: The model's name there.
        prompt: What is asked.
        max_tokens_field: What the server calls the most tokens to answer with.
    """
    request: dict[str, Any] = {
        **prompt.params,
        "model": model,
        "messages": [_message(message) for message in prompt.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if prompt.tools:
        request["tools"] = list(prompt.tools)
        if not isinstance(prompt.tool_choice, str):
            request["tool_choice"] = {"type": "function", "function": dict(prompt.tool_choice)}
        elif prompt.tool_choice != "auto":
            request["tool_choice"] = prompt.tool_choice
        if not prompt.parallel_tool_calls:
            request["parallel_tool_calls"] = False
    optional = {
        "response_format": prompt.response_format,
        max_tokens_field: prompt.max_tokens,
        "stop": list(prompt.stop) or None,
        "temperature": prompt.temperature,
        "seed": prompt.seed,
    }
    return request | {name: value for name, value in optional.items() if value is not None}


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    kept = _without_ours(message)
    if kept["role"] == "developer":
        kept["role"] = "system"  # which every server knows
    if kept.get("tool_calls"):
        kept["tool_calls"] = [_without_ours(call) for call in kept["tool_calls"]]
    return kept


def _without_ours(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in _OURS}
