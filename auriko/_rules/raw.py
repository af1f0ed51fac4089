"""Whole replies as they came over the wire: status, headers, bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from auriko._rules.exchange import Answer, Steps, parse_reply, read_whole
from auriko.errors import AurikoAPIError
from auriko.response_headers import ResponseHeaders

ReplyT = TypeVar("ReplyT", bound=BaseModel)


class RawResponse(Generic[ReplyT]):
    """A reply with a success status, before it is understood.

    Attributes:
        status_code: The HTTP status.
        headers: The headers.
        content: The body's bytes, decompressed.
    """

    def __init__(self, answer: Answer, content: bytes, model: type[ReplyT]) -> None:
        self.status_code = answer.status
        self.headers: ResponseHeaders = answer.headers
        self.content = content
        try:
            self._reply: ReplyT | AurikoAPIError = parse_reply(model, content, answer)
        except AurikoAPIError as error:
            self._reply = error

    @property
    def request_id(self) -> str | None:
        """The request's id, to be quoted to support."""
        return self.headers.request_id

    def parse(self) -> ReplyT:
        """The reply that the plain call would have returned.

        Raises:
            APIResponseValidationError: The body is not such a reply.
            APIStatusError: The body is an error envelope in spite of its status.
        """
        if isinstance(self._reply, AurikoAPIError):
            raise self._reply
        return self._reply

    def converted(self, convert: Callable[[ReplyT], ReplyT]) -> RawResponse[ReplyT]:
        """This one, whose `parse` gives what `convert` makes of the reply, or raises what it raises."""
        try:
            self._reply = convert(self.parse())
        except AurikoAPIError as error:
            self._reply = error
        return self

    def __repr__(self) -> str:
        return f"RawResponse(status_code={self.status_code}, {len(self.content)} bytes)"


def reply_inside(result: Any) -> Any:
    """The reply inside a raw one, or None where it is none; anything else as it is."""
    if not isinstance(result, RawResponse):
        return result
    raw: RawResponse[Any] = result  # pyright: ignore[reportUnknownVariableType]
    try:
        return raw.parse()
    except AurikoAPIError:
        return None


def receive_raw(model: type[ReplyT]) -> Callable[[Answer, float | None], Steps[RawResponse[ReplyT]]]:
    """A receiver that reads a whole reply and keeps it as it is."""

    def receive(answer: Answer, until: float | None) -> Steps[RawResponse[ReplyT]]:
        body = yield from read_whole(answer, until)
        return RawResponse(answer, body, model)

    return receive
