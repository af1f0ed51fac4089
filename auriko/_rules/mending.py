"""Chat completions as providers send them, made whole where a value only informs or can be made.

A reply has been paid for when it arrives, so that nothing is refused for such a value. Looked at only where a reply or
a chunk does not parse as it is.
"""

from __future__ import annotations

from typing import Any, cast


def mend_choices(value: Any) -> Any:
    """The JSON of a completion or a chunk without nulls where an object, a list or a number has to be.

    `choices` null is none; a choice without an index has that of its place, as a piece of a tool call has; a message
    or delta that is null says nothing.
    """
    if not isinstance(value, dict) or "choices" not in value:
        return value  # pyright: ignore[reportUnknownVariableType]
    reply = cast("dict[str, Any]", value)
    choices = _as_list(reply["choices"]) if reply["choices"] is not None else []
    if choices is None:
        return reply
    mended = [_choice(choice, place) for place, choice in enumerate(choices)]
    return {**_without_nulls(reply), "choices": mended}


def _choice(choice: Any, place: int) -> Any:
    if not isinstance(choice, dict):
        return choice
    given = cast("dict[str, Any]", choice)
    mended = {"index": place, **_without_nulls(given)}
    for name in ("message", "delta"):
        if name in given:
            mended[name] = _said(given[name])
    return mended


def _said(said: Any) -> Any:
    if said is None:
        return {}
    if not isinstance(said, dict):
        return said
    message = _without_nulls(cast("dict[str, Any]", said))
    calls = _as_list(message.get("tool_calls"))
    if calls is not None:
        message["tool_calls"] = [
            {"index": place, **_without_nulls(cast("dict[str, Any]", call))} if isinstance(call, dict) else call
            for place, call in enumerate(calls)
        ]
    return message


def _without_nulls(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _as_list(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) else None  # pyright: ignore[reportUnknownVariableType]
