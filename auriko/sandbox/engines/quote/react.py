"""The ReAct form of LlamaIndex's agents: tools described in the system message, calls and results written as text."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from auriko.sandbox.engines.base import Prompt, ToolCall
from auriko.sandbox.engines.content import text_of
from auriko.sandbox.engines.quote.prompts import system_text

_TOOL = re.compile(r"^> Tool Name: (.+?)\nTool Description: .*?\nTool Args: (\{.*?\})\s*$", re.MULTILINE | re.DOTALL)
_ACTION = re.compile(r"Action: *([^\n]+)\n+Action Input: *(\{.*\})", re.DOTALL)


def from_react(prompt: Prompt) -> Prompt | None:
    """`prompt` with its text tools, calls and observations as real ones; None if it is not of this form."""
    system = system_text(prompt.messages)
    if prompt.tools or "Action Input:" not in system or "> Tool Name:" not in system:
        return None
    tools = tuple(_function(name, "parameters", _mapping(args)) for name, args in _TOOL.findall(system))
    messages = tuple(_message(message) for message in prompt.messages if message["role"] not in {"system", "developer"})
    return replace(prompt, messages=messages, tools=tools, parallel_tool_calls=False)


def action(call: ToolCall) -> str:
    """A call as the agent reads it."""
    return f"Thought: I need the tool {call.name} for this.\nAction: {call.name}\nAction Input: {call.arguments}"


def final(text: str) -> str:
    """An answer as the agent reads it."""
    return f"Thought: I can answer without using any more tools.\nAnswer: {text}"


def _function(name: str, key: str, value: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name.strip(), key: value}}


def _message(message: Mapping[str, Any]) -> Mapping[str, Any]:
    text = text_of(message)
    if message["role"] != "assistant" and text.startswith("Observation:"):
        return {"role": "tool", "content": text.removeprefix("Observation:").strip()}
    match = _ACTION.search(text) if message["role"] == "assistant" else None
    if not match:
        return message
    arguments = json.dumps(_mapping(match[2]))
    return {"role": "assistant", "content": None, "tool_calls": [_function(match[1], "arguments", arguments)]}


def _mapping(text: str) -> dict[str, Any]:
    """The object written in `text` as JSON or, as agents keep their history, as a Python dict."""
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError):
            continue
        if isinstance(value, dict):
            return value  # pyright: ignore[reportUnknownVariableType]
    return {}
