"""Answers that follow a schema: whole, of the right form, or an error that says why not (API section 3.4)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_json

from auriko.errors import (
    AnswerFilteredError,
    AnswerInvalidError,
    AnswerRefusedError,
    AnswerTruncatedError,
    StructuredOutputError,
)
from auriko.meaning.choice import cut
from auriko.meaning.tool_calls import ReadCall

T = TypeVar("T")
_FENCED: Final = re.compile(r"\A[^{\[`]*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_SHOWN = 1000


def structured_answer(
    text: str | None,
    *,
    validate: Callable[[Any], T],
    name: str,
    finish_reason: str | None = None,
    refusal: str | None = None,
    calls: Sequence[ReadCall] = (),
    tool: str | None = None,
) -> T:
    """The object that an answer holds.

    Args:
        text: The answer's text.
        validate: Makes the object of a JSON value, or raises ValueError.
        name: What the object is called, for the error.
        finish_reason: Why the answer ended.
        refusal: The model's refusal, or None.
        calls: The answer's tool calls.
        tool: The tool whose arguments are the object; without a call of it the text counts.

    Raises:
        StructuredOutputError: There is no such object; the subclass says why.
    """
    if refusal:
        raise AnswerRefusedError(refusal, text=refusal, finish_reason=finish_reason)
    call = next((read for read in calls if read.call.function.name == tool), None) if tool is not None else None
    written = (text or "") if call is None else call.call.function.arguments
    try:
        if call is None:
            value = json_value(written)
            if isinstance(value, (int, float)) and (why := cut(finish_reason)):
                raise ValueError(why)  # noqa: TRY301 - as below; of a number nobody sees that more was to come
            return validate(value)
        if call.problem is not None:
            raise ValueError(call.problem)  # noqa: TRY301 - one place makes an error of any reason
        return validate(call.arguments)
    except ValueError as error:
        raise _error(written, name, error, finish_reason) from error


def json_value(text: str) -> Any:
    """The one JSON value of a text, in which control characters may stand inside of strings.

    A fence of Markdown around it is no part of it, nor are words before an object or a list.

    Raises:
        ValueError: There is none, or more than one, or something after it.
    """
    fenced = _FENCED.match(text)
    found = (fenced.group(1) if fenced else text).strip()
    if not found:
        raise ValueError("there is no text")
    start = min((place for sign in "{[" if (place := found.find(sign)) >= 0), default=0)
    try:
        try:
            return json.loads(found, strict=False)
        except ValueError:
            if not start:
                raise
            return json.loads(found[start:], strict=False)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def validator(model: Any) -> Callable[[Any], Any]:
    """What makes an instance of a pydantic class, of version 2 or 1, or of an adapter's type, from a JSON value.

    From JSON, in which dates, enums and tuples are what they are on the wire; a strict class takes nothing else.
    """
    read: Any = model.validate_json if isinstance(model, TypeAdapter) else getattr(model, "model_validate_json", None)
    if read is None:
        return model.parse_obj  # type: ignore[no-any-return]
    return lambda value: read(to_json(value, inf_nan_mode="constants"))


def _error(text: str, name: str, reason: ValueError, finish_reason: str | None) -> StructuredOutputError:
    why = cut(finish_reason)
    kind: type[StructuredOutputError] = AnswerInvalidError
    if why:
        kind = AnswerTruncatedError if finish_reason == "length" else AnswerFilteredError
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return kind(
        f"The answer holds no {name}: {why or reason}. It says {shown!r}.", text=text, finish_reason=finish_reason
    )
