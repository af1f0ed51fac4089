"""A request's body as JSON, written once."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import SchemaSerializer, to_jsonable_python
from pydantic_core.core_schema import any_schema

_SCALARS: Final = frozenset({str, int, bool, type(None)})
_CONTAINERS: Final = frozenset({dict, list})
_PLAIN: Final = _SCALARS | _CONTAINERS | {float}
_MANY: Final = 1_000_000
_DEEP: Final = 100
# Takes half as long as pydantic_core.to_json for a large prompt: it begins with as much memory as the last one needed.
_WRITER: Final = SchemaSerializer(any_schema())
_NOT_JSON: Final = (set, frozenset, bytes, bytearray, memoryview)


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
    """True if nothing but dicts with names, lists, text, finite numbers, booleans and None is inside.

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
    """True if something is inside that is more than JSON: a model, or what can be read only once.

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
