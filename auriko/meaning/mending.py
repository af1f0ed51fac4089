"""Chat completions as servers send them, made whole where a value only informs or can be made.

A reply has been paid for when it arrives, so that nothing is refused for such a value; what is refused is a reply
whose text, tool calls or choices have a form that says nothing. Looked at only where a reply or a chunk does not parse
as it is.
"""

# JSON is dictionaries and lists of anything:
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel, ValidationError

ModelT = TypeVar("ModelT", bound=BaseModel)
# What an answer is made of; anything else is left out where it is broken.
_CARRIES: Final = frozenset({"choices", "message", "delta", "content", "tool_calls", "function", "name", "arguments"})


def chat_model(model: type[ModelT], value: Any) -> ModelT:
    """The completion or chunk of a JSON value that does not parse as it is.

    Raises:
        ValidationError: A part of the answer itself has a form that says nothing.
    """
    mended = _mended(value)
    try:
        return model.model_validate(mended)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        places = {_place(mended, detail["loc"]) for detail in details}
        if any(_named(place) in _CARRIES for place in places):
            raise
        for place in sorted(places, reverse=True):  # of a list the last first
            _leave_out(mended, place)
    return model.model_validate(mended)


def _mended(value: Any) -> Any:
    """A copy without nulls where an object, a list or a number has to be; what tells usage may have no choices."""
    if not isinstance(value, dict):
        return value
    reply = cast("dict[str, Any]", value)
    if "choices" not in reply and "usage" not in reply and "routing_metadata" not in reply:
        return reply
    choices = [] if reply.get("choices") is None else reply["choices"]
    if isinstance(choices, list):
        choices = [_choice(choice, place) for place, choice in enumerate(choices) if choice is not None]
    return {**_given(reply), "choices": choices}


def _choice(choice: Any, place: int) -> Any:
    if not isinstance(choice, dict):
        return choice
    mended = {"index": place, **_given(cast("dict[str, Any]", choice))}
    for name in ("message", "delta"):
        if isinstance(said := mended.get(name), dict):
            mended[name] = _said(said)
    return mended


def _said(said: dict[str, Any]) -> dict[str, Any]:
    message = _given(said)
    if isinstance(calls := message.get("tool_calls"), list):
        message["tool_calls"] = [_call(call) for call in calls if call]
    if isinstance(content := message.get("content"), list):
        parts = [cast("dict[str, Any]", part) for part in content if isinstance(part, dict)]
        message["content"] = _text_of(parts, "text")
        if thought := _text_of(parts, "thinking"):
            message.setdefault("reasoning_content", thought)
    if isinstance(reasoning := message.get("reasoning"), str):
        del message["reasoning"]
        message.setdefault("reasoning_content", reasoning)
    return message


def _call(call: Any) -> Any:
    if not isinstance(call, dict):
        return call
    mended = _given(cast("dict[str, Any]", call))
    if isinstance(function := mended.get("function"), dict):
        mended["function"] = _given(cast("dict[str, Any]", function))
    return mended


def _text_of(parts: list[dict[str, Any]], kind: str) -> str:
    """The text of content that came in parts, as some servers write reasoning beside it."""
    found: list[str] = []
    for part in parts:
        if part.get("type") == kind:
            text = part.get(kind)
            inner = text if isinstance(text, list) else [{"text": text}]
            found += [cast("dict[str, Any]", piece).get("text") or "" for piece in inner if isinstance(piece, dict)]
    return "".join(piece for piece in found if isinstance(piece, str))  # pyright: ignore[reportUnnecessaryIsInstance]


def _place(value: Any, loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The way to the broken value, without what an error names beyond it, such as the members of a union."""
    way: list[int | str] = []
    for step in loc:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
        way.append(step)
    return tuple(way)


def _named(place: tuple[int | str, ...]) -> str:
    """The field that a value belongs to; that of the reply as a whole is `choices`."""
    return next((step for step in reversed(place) if isinstance(step, str)), "choices")


def _leave_out(value: Any, place: tuple[int | str, ...]) -> None:
    """Takes a broken value out of the object or list that it is in."""
    *way, last = place
    for step in way:
        value = value[step]
    del value[last]


def _given(given: dict[str, Any]) -> dict[str, Any]:
    """Without nulls, and without what is empty where an object, a list or a text has to be."""
    return {name: value for name, value in given.items() if value is not None and (value or name not in _CARRIES)}
