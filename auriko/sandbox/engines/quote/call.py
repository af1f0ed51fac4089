"""The tools to call: the one that is demanded, or those that the text names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auriko.sandbox.engines.base import Prompt, ToolCall
from auriko.sandbox.engines.content import text_of
from auriko.sandbox.engines.quote.fill import fill
from auriko.sandbox.engines.quote.words import WORD, stem, terms

_NAMED = 0.5
"""The share of a tool's name that a text must have to name it: "weather" names `get_weather`."""


def calls_for(prompt: Prompt, asked: str, results: Sequence[str]) -> list[ToolCall]:
    """The calls to make now, without tools that have been called since the user spoke, unless one must be called."""
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
    said = {stem(word.group()): word.start() for word in reversed(list(WORD.finditer(text)))}
    found: list[tuple[float, int, Mapping[str, Any]]] = []
    for function in functions:
        name, words = function["name"], frozenset(terms(function["name"]))
        at = [said[word] for word in words if word in said]
        share = 2.0 if name in text and not name.isalpha() else len(at) / max(1, len(words))
        found.append((share, min(at, default=0), function))
    most = max(share for share, *_ in found)
    chosen = sorted((one for one in found if _NAMED <= one[0] == most), key=lambda one: one[1])
    ends = [*(start for _, start, _ in chosen[1:]), len(text)]
    return [(function, text[start:end]) for (*_, function), start, end in zip(chosen, [0, *ends], ends, strict=False)]


def _call(function: Mapping[str, Any], text: str) -> ToolCall:
    return ToolCall(function["name"], fill(function.get("parameters") or {"type": "object"}, text))
