"""The arguments of tool calls, as JSON text and as values."""

from __future__ import annotations

import json
from typing import Any, cast

from pydantic_core import to_json


def arguments_text(value: Any) -> str:
    """The arguments of a call as JSON text: `{}` where there are none, and whatever cannot be read as it came.

    Servers write no arguments as null, as an empty text, list or quotation, and some send the object itself.
    """
    text = value if isinstance(value, str) else to_json(value).decode()
    if text.lstrip().startswith("{"):
        return text
    try:
        return "{}" if not read_arguments(text) else text
    except ValueError:
        return text


def read_arguments(text: str) -> dict[str, Any]:
    """The arguments that the text of a call means.

    Control characters inside of strings are taken as they are, and an object that was quoted as a whole is read.

    Raises:
        ValueError: It is no JSON object; the message says why.
    """
    if not text or text.isspace():
        return {}
    value = _read(text)
    if isinstance(value, str):
        value = _read(value) if value else None
    if not value and not isinstance(value, (int, float)):
        return {}
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise ValueError("the arguments are no JSON object")


def _read(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        raise ValueError("the arguments are nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"the arguments cannot be read: {error}") from None
