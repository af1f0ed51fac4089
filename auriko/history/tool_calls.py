"""Tool calls of earlier turns as the wire has them, in whatever form they were kept (API section 3.3)."""

# Messages and schemas are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import from_json

from auriko.history.fields import MessageError, below, given
from auriko.models._arguments import read_arguments

# The key of an object that stands for arguments which cannot be read; the model sees what it wrote.
UNREADABLE: Final = "INVALID_JSON"
# By where they are kept: the OpenAI chat and responses APIs, Anthropic's, Bedrock's, LangChain and LlamaIndex.
# The responses API has an id of the item beside that of the call.
_IDS: Final = ("call_id", "id", "toolUseId", "tool_call_id")
_ARGUMENTS: Final = ("arguments", "args", "input", "tool_kwargs")


def arguments_to_send(value: Any) -> str:
    """Arguments of an old call as the text of a JSON object, which is all that providers take.

    Text of such an object stays as it is. What can be read is written anew, and what cannot be read goes as it is into
    an object of its own, since one broken call would have every later turn refused.
    """
    text = value if isinstance(value, str) else _as_json({} if value is None else value)
    text = utf8_text(text)
    if _is_object(text):
        return text
    try:
        written = _as_json(read_arguments(text))
    except ValueError:
        written = ""
    return written if _is_object(written) else _as_json({UNREADABLE: text})


def utf8_text(text: str) -> str:
    """The text with `?` for what UTF-8 has no form for, as in names of files that are no text."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _is_object(text: str) -> bool:
    try:
        return isinstance(from_json(text, allow_inf_nan=False), dict)
    except ValueError:
        return False


def as_call(call: Any) -> dict[str, Any]:
    """A tool call as the wire has it, from the form that any of the usual APIs and classes keeps it in.

    Raises:
        MessageError: It is no object, names no function, or has a field of the wrong type.
    """
    values = _as_mapping(call)
    if values is None:
        raise MessageError("", f"is of type {type(call).__name__}, not a tool call")
    inner = values.get("function", values)
    function = _as_mapping(inner)
    if function is None:
        raise MessageError("function", f"is of type {type(inner).__name__}, not an object")
    name = given(function, "name", str) or given(values, "tool_name", str)
    if not name:
        raise MessageError("name", "is missing: it is the function that is called")
    call_id = next((found for key in _IDS if (found := given(values, key, str))), None)
    arguments = next((found for key in _ARGUMENTS if (found := function.get(key)) is not None), None)
    return tool_call(call_id, name, arguments, given(values, "provider_signature", str))


def kept_calls(additional_kwargs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The calls that a message of LangChain or LlamaIndex has in its `additional_kwargs` alone; raises as `as_call`."""
    with below("additional_kwargs"):
        calls = given(additional_kwargs, "tool_calls", list) or []
    read: list[dict[str, Any]] = []
    for place, call in enumerate(calls):
        with below(f"additional_kwargs.tool_calls[{place}]"):
            read.append(as_call(call))
    return read


def tool_call(call_id: str | None, name: str | None, arguments: Any, signature: str | None = None) -> dict[str, Any]:
    """A tool call as the wire has it; `ready_messages` makes an id, a name and arguments of what is none."""
    text = arguments if isinstance(arguments, str) else _as_json({} if arguments is None else arguments)
    call: dict[str, Any] = {
        "id": call_id or "",
        "type": "function",
        "function": {"name": name or "", "arguments": text or "{}"},
    }
    return call if signature is None else {**call, "provider_signature": signature}


def pair_results(messages: list[Any]) -> None:
    """Gives an id of its own to every call that has none or shares it, and the same one to the call's result.

    Some classes keep no ids, or take the function's name for one. Results follow their calls; they are told apart by
    what they refer to and by their order. Changed messages are replaced in the list, not altered.
    """
    for place, message in enumerate(messages):
        calls: Any = message.get("tool_calls") if type(message) is dict else None
        if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
            continue
        ids = [call.get("id") for call in calls]
        if not all(ids) or len(set(map(str, ids))) < len(ids):
            messages[place] = {**message, "tool_calls": _paired(messages, place, calls)}


def _paired(messages: list[Any], place: int, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    waiting: list[int] = []
    for number in range(place + 1, len(messages)):
        following = _as_mapping(messages[number])
        if following is None or following.get("role") != "tool":
            break
        waiting.append(number)
    taken: set[str] = {str(call["id"]) for call in calls if call.get("id")}
    seen: set[str] = set()
    paired: list[dict[str, Any]] = []
    for position, call in enumerate(calls):
        own = str(call.get("id") or "")
        function = _as_mapping(call.get("function")) or {}
        if own and own not in seen:
            seen.add(own)
            result = _result(messages, waiting, own)
            if result is not None:
                waiting.remove(result)
            paired.append(call)
            continue
        new = f"call_{place}_{position}"
        result = _result(messages, waiting, own or str(function.get("name")), taken)
        if result is not None:
            waiting.remove(result)
            messages[result] = {**messages[result], "tool_call_id": new}
        paired.append({**call, "id": new})
    return paired


def _result(messages: list[Any], waiting: list[int], refers_to: str, taken: set[str] | None = None) -> int | None:
    """The first result that refers to this, else, where ids are `taken`, the first that refers to none of them."""
    for number in waiting:
        if messages[number].get("tool_call_id") == refers_to:
            return number
    if taken is None:
        return None
    return next((number for number in waiting if str(messages[number].get("tool_call_id")) not in taken), None)


def _as_mapping(value: Any) -> Mapping[str, Any] | None:
    dump = getattr(value, "model_dump", None)
    found: Any = dump() if callable(dump) else value
    return found if isinstance(found, Mapping) else None


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
