"""The requests of `auriko batch`: JSON Lines, checked before anything is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from auriko.cli._errors import CommandError
from auriko.resources.chat import chat_call

_ENDPOINT = "/chat/completions"
_MOST_SHOWN = 10


@dataclass(frozen=True)
class Request:
    """One line of the input.

    Attributes:
        line: Its number, from 1.
        custom_id: The caller's own name of it, or None.
        body: The arguments of `create`.
        digest: What tells this request from another in the same line.
    """

    line: int
    custom_id: str | None
    body: dict[str, Any]
    digest: str


def read_requests(path: Path) -> Iterator[Request]:
    """The requests of a file, one after another; blank lines are left out.

    Raises:
        CommandError: A line is no request. `check_requests` finds all of them.
    """
    for line, text in _lines(path):
        try:
            yield _parse(line, text)
        except (ValueError, TypeError) as error:
            raise CommandError(f"{path}, line {line}: {error}") from None


def check_requests(path: Path) -> int:
    """The number of requests in the file, all of which can be sent.

    Raises:
        CommandError: Lines are no requests, or have the same custom_id; the message names them. Or it is a pipe.
    """
    if path.exists() and not path.is_file():
        raise CommandError(f"{path} is no file, but a batch reads its requests twice; write them into one")
    count = 0
    wrong: list[str] = []
    seen: dict[str, int] = {}
    for line, text in _lines(path):
        count += 1
        try:
            request = _parse(line, text)
            if request.custom_id is not None:
                first = seen.setdefault(request.custom_id, line)
                if first != line:
                    raise ValueError(f"custom_id {request.custom_id!r} is that of line {first}")  # noqa: TRY301
        except (ValueError, TypeError) as error:
            wrong.append(f"line {line}: {error}")
    if wrong:
        more = [f"and {len(wrong) - _MOST_SHOWN} more"] if len(wrong) > _MOST_SHOWN else []
        raise CommandError("\n  ".join([f"{path} cannot be sent; nothing was:", *wrong[:_MOST_SHOWN], *more]))
    if not count:
        raise CommandError(f"{path} holds no requests")
    return count


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line, text in enumerate(file, 1):
                if text.strip():
                    yield line, text
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None


def _parse(line: int, text: str) -> Request:
    """The request of a line: the arguments of `create`, or a line of OpenAI's batch format around them.

    Raises:
        ValueError: It is no such JSON, or the request cannot be sent.
        TypeError: The request has an unknown argument, or lacks one.
    """
    try:
        parsed: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    body = given = _object(parsed, "the line")
    custom_id: Any = None
    if "body" in given:
        body, custom_id = _object(given["body"], "body"), given.get("custom_id")
        if not (custom_id is None or isinstance(custom_id, str)):
            raise ValueError("custom_id is not a text")
        if given.get("method", "POST") != "POST" or not str(given.get("url", _ENDPOINT)).endswith(_ENDPOINT):
            raise ValueError(f"only POST {_ENDPOINT} can be sent in a batch")
    if body.pop("stream", False):
        raise ValueError("a batch does not stream: leave stream out")
    call = chat_call(body, stream=False)
    digest = hashlib.sha256(call.body or b"").hexdigest()[:16]
    return Request(line, custom_id, body, digest)


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{name} is not a JSON object")
    return cast("dict[str, Any]", value)
