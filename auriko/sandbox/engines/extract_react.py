"""The ReAct form of LlamaIndex's agents: tools described in the system message, calls and results written as text."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from auriko.sandbox.engines.base import Prompt
from auriko.sandbox.engines.extract_prompts import system_text, text_of
from auriko.sandbox.engines.extract_tools import Call
from auriko.sandbox.engines.json_types import is_object

_TOOL = re.compile(
    r"^> Tool Name: (?P<name>.+?)\nTool Description: (?P<description>.*?)\nTool Args: (?P<args>\{.*?\})\s*$",
    re.MULTILINE | re.DOTALL,
)
_ACTION = re.compile(r"Action: *(?P<name>[^\n]+)\n+Action Input: *(?P<input>\{.*\})", re.DOTALL)


def from_react(prompt: Prompt) -> Prompt | None:
    """`prompt` with its text tools, calls and observations as real ones; None if it is not of this form."""
    system = system_text(prompt.messages)
    if prompt.tools or "Action Input:" not in system or "> Tool Name:" not in system:
        return None
    messages = [_message(message, number) for number, message in enumerate(prompt.messages)]
    tools = tuple(
        {
            "type": "function",
            "function": {
                "name": match["name"].strip(),
                "description": match["description"],
                "parameters": _mapping(match["args"]),
            },
        }
        for match in _TOOL.finditer(system)
    )
    return replace(
        prompt, messages=tuple(message for message in messages if message), tools=tools, parallel_tool_calls=False
    )


def action(call: Call) -> str:
    """A call as the agent reads it."""
    return f"Thought: I need the tool {call.name} for this.\nAction: {call.name}\nAction Input: {call.to_json()}"


def final(text: str) -> str:
    """An answer as the agent reads it."""
    return f"Thought: I can answer without using any more tools.\nAnswer: {text}"


def _message(message: Mapping[str, Any], number: int) -> Mapping[str, Any] | None:
    if message["role"] in {"system", "developer"}:
        return None
    text = text_of(message)
    if message["role"] in {"user", "tool"} and text.startswith("Observation:"):
        return {
            "role": "tool",
            "tool_call_id": f"react_{number - 1}",
            "content": text.removeprefix("Observation:").strip(),
        }
    match = _ACTION.search(text) if message["role"] == "assistant" else None
    if not match:
        return message
    function = {"name": match["name"].strip(), "arguments": json.dumps(_mapping(match["input"]))}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": f"react_{number}", "type": "function", "function": function}],
    }


def _mapping(text: str) -> dict[str, Any]:
    """The object written in `text` as JSON or, as agents keep their history, as a Python dict."""
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError):
            continue
        if is_object(value):
            return value
    return {}
