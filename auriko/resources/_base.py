"""What a resource needs of the client that it belongs to."""

from __future__ import annotations

from typing import Protocol, TypeVar

from pydantic import BaseModel

from auriko._call import Call
from auriko._stream import AsyncStream, Stream

ReplyT = TypeVar("ReplyT", bound=BaseModel)


class Caller(Protocol):
    """A sync client."""

    def _request(self, call: Call[ReplyT]) -> ReplyT: ...

    def _stream(self, call: Call[ReplyT]) -> Stream[ReplyT]: ...


class AsyncCaller(Protocol):
    """An async client."""

    async def _request(self, call: Call[ReplyT]) -> ReplyT: ...

    async def _stream(self, call: Call[ReplyT]) -> AsyncStream[ReplyT]: ...
