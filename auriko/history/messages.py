"""Messages as they go out: without nulls, their calls with arguments that can be read (API sections 3.1 and 3.3)."""

# Messages and schemas are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from itertools import repeat
from operator import contains
from typing import Any

from pydantic import BaseModel

from auriko.history.tool_calls import arguments_to_send, pair_results, utf8_text
from auriko.schemas import fitting_name

# The types of messages that need nothing, and of their values.
_DICTS = frozenset({dict})
_TEXT = frozenset({str})
_SCALARS = frozenset({str, int, float, bool})
_RESULTS = ("tool", "function")
_SAYING = ("content", "tool_calls", "function_call", "refusal", "images", "audio")


def ready_messages(messages: Iterable[Any]) -> list[Any]:
    """The messages as they can be sent; none of them is changed.

    A reply's message may be among them as it is, dumped or copied: what it says goes back as it came, but for nulls,
    which some providers refuse, and for calls whose arguments are no JSON object, which all of them refuse. An answer
    that said nothing, such as one cut while the model was thinking, is refused as well, and left out. In results of
    tools `?` stands for what no text on the wire can have.
    """
    given = list(messages)
    if _are_text(given):
        return given
    try:
        ready = [ready for message in given if not _says_nothing(ready := _ready(message))]
    except RecursionError:  # nested too deeply, or in itself, which is said where the body is written
        return given
    pair_results(ready)
    return ready


def _are_text(messages: list[Any]) -> bool:
    """True if all are dicts of nothing but text, with a content, as most are: without a step in Python for each."""
    if not (_DICTS.issuperset(map(type, messages)) and all(map(contains, messages, repeat("content")))):
        return False
    inside = gc.get_referents(*messages)  # the values alone where every key is text
    return len(inside) == sum(map(len, messages)) and _TEXT.issuperset(map(type, inside)) and all(inside)


def _says_nothing(message: Any) -> bool:
    return type(message) is dict and message.get("role") == "assistant" and not any(map(message.get, _SAYING))


def _ready(message: Any) -> Any:
    if type(message) is dict and _TEXT.issuperset(map(type, message.values())):
        # Nothing but text, as most are.
        return _as_utf8(message) if message.get("role") in _RESULTS else message
    if isinstance(message, BaseModel):
        message = message.model_dump(mode="json", exclude_none=True)
    if not isinstance(message, Mapping):
        return message
    clean = {name: _without_nulls(value) for name, value in message.items() if value is not None}
    calls = clean.get("tool_calls")
    if isinstance(calls, list):
        clean["tool_calls"] = [_call(call) for call in calls]
        if not calls:
            del clean["tool_calls"]
    if "function_call" in clean:
        clean["function_call"] = _function(clean["function_call"])
    return _as_utf8(clean) if clean.get("role") in _RESULTS else clean


def _as_utf8(value: Any) -> Any:
    """A tool's result as it can be sent: what is not the program's own words must not end a conversation."""
    if isinstance(value, str):
        return utf8_text(value)
    if isinstance(value, dict):
        return {name: _as_utf8(part) for name, part in value.items()}
    return [_as_utf8(part) for part in value] if isinstance(value, list) else value


def _call(call: Any) -> Any:
    if not isinstance(call, dict):
        return call
    return {**call, "function": _function(call["function"])} if "function" in call else call


def _function(function: Any) -> Any:
    if not isinstance(function, dict):
        return function
    name = function.get("name")
    named = {"name": fitting_name(name or "unnamed")} if isinstance(name, str) else {}
    return {**function, **named, "arguments": arguments_to_send(function.get("arguments"))}


def _without_nulls(value: Any) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is dict or isinstance(value, Mapping):
        # Arguments are the model's own, and text on the wire.
        return {
            name: part if name == "arguments" else _without_nulls(part)
            for name, part in value.items()
            if part is not None
        }
    if kind is list or isinstance(value, tuple) or hasattr(value, "__next__"):
        return [_without_nulls(part) for part in value]
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return value
