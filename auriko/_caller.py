"""What a resource needs of the client that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import BaseModel
from typing_extensions import Self

from auriko._rules.call import Call

if TYPE_CHECKING:
    from auriko._streams.base import AsyncItemStream, ItemStream

ReplyT = TypeVar("ReplyT", bound=BaseModel)
StreamT = TypeVar("StreamT", bound="ItemStream[Any, Any]")
AsyncStreamT = TypeVar("AsyncStreamT", bound="AsyncItemStream[Any, Any]")


class Caller(Protocol):
    """A sync client."""

    def close(self) -> None: ...

    def _apart(self) -> Self: ...

    def _request(self, call: Call[ReplyT]) -> ReplyT: ...

    def _stream(self, call: Call[Any], shape: type[StreamT]) -> StreamT: ...


class AsyncCaller(Protocol):
    """An async client."""

    async def _request(self, call: Call[ReplyT]) -> ReplyT: ...

    async def _stream(self, call: Call[Any], shape: type[AsyncStreamT]) -> AsyncStreamT: ...
