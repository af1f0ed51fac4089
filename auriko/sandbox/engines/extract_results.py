"""What the tools of a conversation have returned since the user last spoke, and an answer made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auriko.sandbox.engines.extract_answer import UNKNOWN, Finder
from auriko.sandbox.engines.extract_prompts import text_of
from auriko.sandbox.engines.extract_tools import Call
from auriko.sandbox.engines.json_types import is_object

_SHORT = 400
"""Characters up to which a tool's result is passed on as it is."""


@dataclass(frozen=True, slots=True)
class Result:
    """A call that has been made and the text that came back."""

    call: Call
    text: str


def results_since_user(messages: Sequence[Mapping[str, Any]]) -> list[Result]:
    """The tool results after the last user message."""
    calls: dict[str, Call] = {}
    found: list[Result] = []
    for message in messages:
        if message["role"] == "user":
            found = []
        for call in message.get("tool_calls") or ():
            calls[str(call.get("id"))] = Call(call["function"]["name"], _object(call["function"].get("arguments")))
        if message["role"] in {"tool", "function"}:
            called = calls.get(str(message.get("tool_call_id"))) or Call(str(message.get("name") or "tool"), {})
            found.append(Result(called, text_of(message).strip()))
    return found


def answer_from(results: Sequence[Result], question: str, find: Finder) -> str:
    """What the tools returned; of a long result, the part that answers `question`."""
    texts = [_told(result.text, question, find) for result in results]
    if len(texts) == 1:
        return texts[0]
    return "\n".join(f"{_title(result.call)}: {text}" for result, text in zip(results, texts, strict=True))


def _told(text: str, question: str, find: Finder) -> str:
    if not text:
        return "The tool returned nothing."
    text = _readable(text)
    if len(text) <= _SHORT:
        return text
    answer = find(question, text)
    return answer.text if answer else UNKNOWN


def _readable(text: str) -> str:
    """A JSON object as "key: value, key: value"; other text as it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not is_object(value):
        return text
    return ", ".join(
        f"{key}: {inner if isinstance(inner, str) else json.dumps(inner, ensure_ascii=False)}"
        for key, inner in value.items()
    )


def _title(call: Call) -> str:
    values = ", ".join(str(value) for value in call.arguments.values())
    return f"{call.name}({values})"


def _object(text: Any) -> dict[str, Any]:
    try:
        value: Any = json.loads(text or "{}")
    except (TypeError, ValueError):
        return {}
    return value if is_object(value) else {}
