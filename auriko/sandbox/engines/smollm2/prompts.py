"""Prompts as SmolLM2 takes them: its chat template knows system, user and assistant, and nothing of tools."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from auriko.sandbox.engines.base import Prompt
from auriko.sandbox.engines.extract_attachments import attachments_of
from auriko.sandbox.engines.extract_prompts import text_of
from auriko.sandbox.engines.json_types import is_array, is_object

DEFAULT_MAX_TOKENS = 512
"""Tokens after which an answer ends when the request sets no limit: small models may repeat themselves for ever."""

ANSWER = "answer_in_words"
"""The choice, beside the tools, to answer without one."""

# Parameters of the wire, and what the runtime calls them.
_SAMPLING = {
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "repetition_penalty": "repeat_penalty",
}

_TOOLS_HEAD = 'You call one of these functions. Reply with JSON {"name": ..., "arguments": ...} only.'


def request_for(prompt: Prompt) -> dict[str, Any]:
    """The request to the model's server, streamed."""
    request: dict[str, Any] = {
        "messages": [_message(message) for message in prompt.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": prompt.max_tokens or DEFAULT_MAX_TOKENS,
        "temperature": 0.2 if prompt.temperature is None else prompt.temperature,
        "repeat_penalty": 1.1,
    }
    request.update({_SAMPLING[name]: value for name, value in prompt.params.items() if name in _SAMPLING})
    if prompt.params.get("logprobs"):
        # With none of the others asked for, the runtime would leave out the token's own.
        request |= {"logprobs": True, "top_logprobs": max(1, prompt.params.get("top_logprobs", 0))}
    if prompt.stop:
        request["stop"] = list(prompt.stop)
    if prompt.seed is not None:
        request["seed"] = prompt.seed
    if calls_tools(prompt):
        tools = _offered(prompt)
        listed = "\n".join(json.dumps(_told(tool), ensure_ascii=False) for tool in tools)
        request["messages"] = [{"role": "system", "content": f"{_TOOLS_HEAD}\n{listed}"}, *request["messages"]]
        request["response_format"] = _format(_tools_schema(tools))
    elif prompt.response_format and prompt.response_format["type"] == "json_object":
        request["response_format"] = {"type": "json_object"}
    elif prompt.response_format and prompt.response_format["type"] == "json_schema":
        request["response_format"] = _format(prompt.response_format["json_schema"].get("schema") or {})
    return request


def calls_tools(prompt: Prompt) -> bool:
    """True if a tool may be called now. After a tool's result the model answers, unless it has to call one."""
    return bool(prompt.tools) and (
        prompt.tool_choice != "auto" or prompt.messages[-1]["role"] not in {"tool", "function"}
    )


def _offered(prompt: Prompt) -> list[Mapping[str, Any]]:
    functions: list[Mapping[str, Any]] = [tool["function"] for tool in prompt.tools]
    if not isinstance(prompt.tool_choice, str):
        return [function for function in functions if function["name"] == prompt.tool_choice["name"]]
    if prompt.tool_choice == "required":
        return functions
    said = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    return [*functions, {"name": ANSWER, "description": "Answer without a function.", "parameters": said}]


def _told(function: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a function for the model: as little as will do, since every token takes it time."""
    schema: Mapping[str, Any] = function.get("parameters") or {}
    properties: Mapping[str, Any] = schema.get("properties") or {}
    parameters: dict[str, Any] = {
        name: inner.get("enum") or inner.get("type") or "any" for name, inner in properties.items() if is_object(inner)
    }
    return {"name": function["name"], "description": function.get("description") or "", "parameters": parameters}


def _tools_schema(functions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One schema for a call of any of the functions."""
    definitions: dict[str, Any] = {}
    calls: list[dict[str, Any]] = []
    for function in functions:
        parameters: dict[str, Any] = {"type": "object", "properties": {}, **(function.get("parameters") or {})}
        for keyword in ("$defs", "definitions"):
            named: Any = parameters.pop(keyword, None) or {}
            for name, schema in named.items():
                definitions[f"{function['name']}_{name}"] = _moved(schema, function["name"])
        properties = {"name": {"const": function["name"]}, "arguments": _moved(parameters, function["name"])}
        calls.append(
            {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
        )
    return {"anyOf": calls, "$defs": definitions} if definitions else {"anyOf": calls}


def _moved(schema: Any, prefix: str) -> Any:
    """`schema` with its references pointing to definitions that have `prefix` before their names."""
    if is_array(schema):
        return [_moved(item, prefix) for item in schema]
    if not is_object(schema):
        return schema
    moved = {key: _moved(value, prefix) for key, value in schema.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str):
        moved["$ref"] = f"#/$defs/{prefix}_{reference.rpartition('/')[2]}"
    return moved


def _format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}


def _message(message: Mapping[str, Any]) -> dict[str, str]:
    role = str(message["role"])
    text = "\n".join(
        [text_of(message), *(f"[{described}, which this model cannot see]" for described in attachments_of(message))]
    ).strip()
    if role in {"tool", "function"}:
        return {"role": "user", "content": f"The function returned: {text}"}
    calls: Sequence[Mapping[str, Any]] = message.get("tool_calls") or ()
    told = [f"I call {call['function']['name']} with {call['function'].get('arguments') or '{}'}." for call in calls]
    return {"role": "system" if role == "developer" else role, "content": "\n".join([text, *told]).strip()}
