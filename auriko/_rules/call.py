"""One API call as a value, and the options that a call has of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import httpx
from pydantic import BaseModel

from auriko._checks import as_query, check_headers, check_retries, check_seconds, check_timeout, check_usd
from auriko._signature import required_names, unknown_name

if TYPE_CHECKING:  # imported with the first conversation
    from auriko.affinity import Turn

ReplyT = TypeVar("ReplyT", bound=BaseModel)
_OPTIONS: Final = frozenset(
    {"timeout", "max_retries", "reserve_usd", "idempotency_key", "extra_headers", "extra_query", "deadline"}
)
_IDEMPOTENCY_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")


@dataclass(slots=True)
class Call(Generic[ReplyT]):
    """One call of the API, whichever client makes it. Not to be changed; a frozen one takes three times as long.

    Attributes:
        method: The HTTP method.
        path: The path below the base address.
        reply: The model of the whole reply.
        body: The request's JSON, written once, or None.
        request: What the body says, by which limits judge what it will cost.
        stream: Whether the reply is a stream.
        authenticated: False for public endpoints, which are never sent the key.
        model: The model or models asked for, as one text for records; empty where there is none.
        headers: Headers of this call alone.
        query: Query parameters of this call alone.
        timeout: Bounds of the phases of one request, or None for the client's.
        deadline: Bound of the whole call in seconds, or None for the client's.
        max_retries: How many requests may follow the first, or None for the client's number.
        reserve_usd: What a limit holds for the call, in USD, or None for an estimate.
        turn: What is told of the call's end as a turn of a conversation, or None.
        convert: What makes the result of a whole reply that has been paid for, or None where the reply is the result.
        tool_names: The own names of tools, by the other ones that the request has for them, or None.
    """

    method: str
    path: str
    reply: type[ReplyT]
    body: bytes | None = field(default=None, repr=False)
    request: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    stream: bool = False
    authenticated: bool = True
    model: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout: httpx.Timeout | None = None
    deadline: float | None = None
    max_retries: int | None = None
    reserve_usd: float | None = None
    turn: Turn | None = field(default=None, repr=False)
    convert: Callable[[Any], ReplyT] | None = field(default=None, repr=False)
    tool_names: Mapping[str, str] | None = None


def take_options(params: dict[str, Any]) -> dict[str, Any]:
    """The call's own options out of the arguments, checked, as fields of `Call`; nothing where none is given.

    Raises:
        ValueError: An option is out of its range.
        TypeError: An option is of the wrong type.
    """
    if _OPTIONS.isdisjoint(params):
        return {}
    timeout = params.pop("timeout", None)
    retries = params.pop("max_retries", None)
    reserve = params.pop("reserve_usd", None)
    key = params.pop("idempotency_key", None)
    headers = check_headers(params.pop("extra_headers", None) or {})
    if key is not None:
        if not (isinstance(key, str) and _IDEMPOTENCY_KEY.fullmatch(key)):
            raise ValueError("idempotency_key is 1 to 255 letters, digits, hyphens or underscores")
        headers["Idempotency-Key"] = key
    return {
        "headers": headers,
        "query": as_query(params.pop("extra_query", None)),
        "timeout": check_timeout(timeout) if timeout is not None else None,
        "deadline": check_seconds("deadline", params.pop("deadline", None)),
        "max_retries": check_retries(retries) if retries is not None else None,
        "reserve_usd": check_usd("reserve_usd", reserve) if reserve is not None else None,
    }


def check_names(params: Mapping[str, Any], known: type[Any], function: str) -> None:
    """Nothing, if every argument is a field of the TypedDict, and those that it requires are there.

    Raises:
        TypeError: One is unknown, and the message names the nearest that is known; or one is missing.
    """
    fields = known.__annotations__
    for name in params:
        if name not in fields:
            raise TypeError(f"{function}() got an {unknown_name(name, fields, 'argument')}")
    for name in required_names(known):  # type: ignore[arg-type]  # mypy doubts that classes are hashable
        if name not in params:
            raise TypeError(f"{function}() needs {name}")
