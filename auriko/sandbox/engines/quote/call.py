"""The tools to call: the one that is demanded, or those that the text names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from auriko.sandbox.engines.base import Prompt, ToolCall
from auriko.sandbox.engines.content import text_of
from auriko.sandbox.engines.quote.fill import Filler
from auriko.sandbox.engines.quote.words import places, terms

_NAMED = 0.5
"""The share of a tool's name that a text must have to name it: "weather" names `get_weather`."""


def calls_for(prompt: Prompt, asked: str, results: Sequence[str]) -> list[ToolCall]:
    """The calls to make now, without tools that have been called since the user spoke, unless one must be called.

    Args:
        prompt: What is asked, with the tools.
        asked: What the user said last.
        results: What tools have returned since.
    """
    functions: list[Mapping[str, Any]] = [tool["function"] for tool in prompt.tools]
    told = "\n".join([asked, *results])
    if not isinstance(prompt.tool_choice, str):
        return [_call(function, told) for function in functions if function["name"] == prompt.tool_choice["name"]]
    calls_made = (call for message in _since_user(prompt.messages) for call in message.get("tool_calls") or ())
    made = {call["function"]["name"] for call in calls_made}
    named = _named(functions, asked)
    calls = [_call(function, "\n".join([part, *results])) for function, part in named if function["name"] not in made]
    if not calls and prompt.tool_choice == "required":
        calls = [_call(next((one for one in functions if one["name"] not in made), functions[0]), told)]
    return calls if prompt.parallel_tool_calls else calls[:1]


def results_since_user(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """The texts that tools have returned since the user last spoke."""
    return [text_of(each).strip() for each in _since_user(messages) if each["role"] in {"tool", "function"}]


def _since_user(messages: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return messages[1 + max((at for at, each in enumerate(messages) if each["role"] == "user"), default=-1) :]


def _named(functions: Sequence[Mapping[str, Any]], text: str) -> list[tuple[Mapping[str, Any], str]]:
    """(a function, the part of the text about it) for those whose names the text has most of, in its order."""
    said = places(text)
    names = [frozenset(terms(function["name"])) for function in functions]
    shares = [
        2.0
        if function["name"] in text and not function["name"].isalpha()
        else len(words & said.keys()) / max(1, len(words))
        for function, words in zip(functions, names, strict=True)
    ]
    found = [
        (min((said[word] for word in words if word in said), default=0), at)
        for at, words in enumerate(names)
        if _NAMED <= shares[at] == max(shares)
    ]
    found.sort()
    ends = [*(start for start, _ in found[1:]), len(text)]
    return [(functions[at], text[start:end]) for (_, at), start, end in zip(found, [0, *ends], ends, strict=False)]


def _call(function: Mapping[str, Any], text: str) -> ToolCall:
    filled = Filler(function.get("parameters") or {"type": "object"}, text).value()
    return ToolCall(function["name"], json.dumps(filled, ensure_ascii=False))
