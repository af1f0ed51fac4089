"""One API call as a value, and how its arguments become bytes."""

from __future__ import annotations

import gc
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import httpx
from pydantic import BaseModel
from pydantic_core import SchemaSerializer, to_jsonable_python
from pydantic_core.core_schema import any_schema

from auriko._settings import as_query, check_headers, check_retries, check_seconds, check_timeout
from auriko._signature import required_names, unknown_name

ReplyT = TypeVar("ReplyT", bound=BaseModel)
_IDEMPOTENCY_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_SCALARS: Final = frozenset({str, int, bool, type(None)})
_CONTAINERS: Final = frozenset({dict, list})
_PLAIN: Final = _SCALARS | _CONTAINERS | {float}
_MANY: Final = 1_000_000
_DEEP: Final = 100
# Takes half as long as pydantic_core.to_json for a large prompt: it begins with as much memory as the last one needed.
_WRITER: Final = SchemaSerializer(any_schema())
_NOT_JSON: Final = (set, frozenset, bytes, bytearray, memoryview)


@dataclass(frozen=True)
class Call(Generic[ReplyT]):
    """One call of the API, whichever client makes it.

    Attributes:
        method: The HTTP method.
        path: The path below the base address.
        reply: The model of the whole reply.
        body: The request's JSON, written once, or None.
        stream: Whether the reply is a stream.
        authenticated: False for public endpoints, which are never sent the key.
        model: The model or models asked for, as one text for records; empty where there is none.
        headers: Headers of this call alone.
        query: Query parameters of this call alone.
        timeout: Bounds of the phases of one request, or None for the client's.
        deadline: Bound of the whole call in seconds, or None for the client's.
        max_retries: How many requests may follow the first, or None for the client's number.
    """

    method: str
    path: str
    reply: type[ReplyT]
    body: bytes | None = field(default=None, repr=False)
    stream: bool = False
    authenticated: bool = True
    model: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout: httpx.Timeout | None = None
    deadline: float | None = None
    max_retries: int | None = None


def take_options(params: dict[str, Any]) -> dict[str, Any]:
    """The call's own options out of the arguments, checked, as fields of `Call`.

    Raises:
        ValueError: An option is out of its range.
        TypeError: An option is of the wrong type.
    """
    timeout = params.pop("timeout", None)
    retries = params.pop("max_retries", None)
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
    }


def check_names(params: Mapping[str, Any], known: type[Any], function: str) -> None:
    """Nothing, if every argument is a field of the TypedDict, and those that it requires are there.

    Raises:
        TypeError: One is unknown, and the message names the nearest that is known; or one is missing.
    """
    for name in params:
        if name not in known.__annotations__:
            raise TypeError(f"{function}() got an {unknown_name(name, known.__annotations__, 'argument')}")
    for name in required_names(known):  # type: ignore[arg-type]  # mypy doubts that classes are hashable
        if name not in params:
            raise TypeError(f"{function}() needs {name}")


def encode_body(body: Mapping[str, Any]) -> bytes:
    """The body as JSON; pydantic models in it lose what is None, since some providers refuse nulls.

    Raises:
        ValueError: It holds what JSON cannot: NaN, a set, bytes, a lone surrogate, a cycle.
    """
    try:
        if not _is_plain(body) and _is_to_be_copied(body):
            body = _plain(body)
            _is_to_be_copied(body)
        return _WRITER.to_json(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the request cannot be written as JSON: {error}") from None


def _is_plain(value: Any) -> bool:
    """Whether nothing but dicts with names, lists, text, finite numbers, booleans and None is inside.

    A look at a level at a time, without a step in Python for each value: large prompts and many tools have tens of
    thousands. False is no verdict, but means that a closer look is needed.
    """
    level: list[Any] = [value]
    for _ in range(_DEEP):  # there is no end to a cycle
        inside = gc.get_referents(*level)
        # A dict whose keys all are text refers to its values alone, so that any other has more in it than its length.
        if len(inside) != sum(map(len, level)) or len(inside) > _MANY:
            return False
        kinds = set(map(type, inside))
        if not kinds <= _PLAIN or (float in kinds and not all(math.isfinite(x) for x in inside if type(x) is float)):
            return False
        if _CONTAINERS.isdisjoint(kinds):
            return True
        level = [part for part in inside if type(part) is dict or type(part) is list]
    return False


class _NoFormError(ValueError):
    """Something that JSON has no form for, and where it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def __str__(self) -> str:
        return f"{'.'.join(self.path)} {self.reason}"


def _is_to_be_copied(value: Any) -> bool:
    """Whether something is inside that is more than JSON: a model, or what can be read only once.

    Raises:
        _NoFormError: The value holds something that JSON has no form for.
    """
    if isinstance(value, Mapping):
        return _any_part(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    if isinstance(value, (list, tuple)):
        return _any_part(enumerate(value))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _NoFormError(f"is {value}")
        return False
    if isinstance(value, _NOT_JSON):
        raise _NoFormError(f"is of type {type(value).__name__}")  # pyright: ignore[reportUnknownArgumentType]
    return True


def _any_part(parts: Iterable[tuple[Any, Any]]) -> bool:
    found = False
    name: Any = None
    try:
        for name, part in parts:
            if not isinstance(name, (str, int)):
                raise _NoFormError(f"is a key of type {type(name).__name__}")  # noqa: TRY301 - the path starts here
            if type(part) not in _SCALARS:
                found |= _is_to_be_copied(part)
    except _NoFormError as error:
        error.path.insert(0, str(name))
        raise
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return to_jsonable_python(value)
