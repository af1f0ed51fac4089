"""Fields of messages that somebody else has written: read, or refused by an error that names them."""

# Messages and schemas are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, overload

T = TypeVar("T")
U = TypeVar("U")


class MessageError(ValueError):
    """A message cannot be sent; the text names it and its field: `messages[2].content[0].mime_type is missing`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field} {self.reason}"

    def below(self, place: str) -> MessageError:
        """The same error, which is of a field inside of this one."""
        self.field = f"{place}.{self.field}" if self.field else place
        return self


class below:  # noqa: N801 - used like a function
    """A context in which errors are of a field inside of this one: `with below("content[0]"): ...`."""

    __slots__ = ("_place",)

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, MessageError):
            error.below(self._place)


@overload
def given(values: Mapping[str, Any], name: str, kind: type[T]) -> T | None: ...
@overload
def given(values: Mapping[str, Any], name: str, kind: tuple[type[T], type[U]]) -> T | U | None: ...
def given(values: Mapping[str, Any], name: str, kind: Any) -> Any:
    """The field's value, or None where it has none.

    Raises:
        MessageError: It is of another kind, or what should have fields has none.
    """
    if not isinstance(values, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise MessageError("", f"is of type {type(values).__name__}, not dict")
    value = values.get(name)
    if value is None or isinstance(value, kind):
        return value
    kinds = kind if isinstance(kind, tuple) else (kind,)
    raise MessageError(name, f"is of type {type(value).__name__}, not {' or '.join(each.__name__ for each in kinds)}")


def needed(values: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """The field's value.

    Raises:
        MessageError: There is none, or it is of another kind.
    """
    value = given(values, name, kind)
    if value is None:
        raise MessageError(name, "is missing")
    return value
