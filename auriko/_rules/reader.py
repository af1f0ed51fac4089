"""A stream's events as typed items, and the rules for its end (API section 11.2). No I/O."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pydantic import BaseModel

from auriko._json import parse_json
from auriko._rules.sse import SSEDecoder
from auriko.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AurikoAPIError,
    StreamInterruptedError,
)
from auriko.errors._mapping import error_from_event
from auriko.response_headers import ResponseHeaders

if TYPE_CHECKING:  # models are imported with what reads them
    from auriko.models.common import ResponseUsage, Usage
    from auriko.models.routing import RoutingMetadata

ItemT = TypeVar("ItemT", bound=BaseModel)
UsageT = TypeVar("UsageT", "Usage", "ResponseUsage")
logger: Final = logging.getLogger("auriko")


class StreamReader(ABC, Generic[ItemT, UsageT]):
    """A stream as far as it has been read. The kinds of stream differ in `_handle`, `_may_end` and `text`.

    Items that came before a failure are delivered before it is raised.

    Attributes:
        ready: Items that wait to be taken.
        failure: Why the stream ended early, or None.
        complete: Whether the gateway said that the stream is over, or left no doubt.
        received: How many items there were.
        usage: The last token usage seen.
        routing_metadata: The last routing metadata seen.
    """

    def __init__(self, headers: ResponseHeaders) -> None:
        self.headers = headers
        self.ready: deque[ItemT] = deque()
        self.failure: AurikoAPIError | None = None
        self.complete = False
        self.received = 0
        self.usage: UsageT | None = None
        self.routing_metadata: RoutingMetadata | None = None
        self._decoder = SSEDecoder()

    @property
    def over(self) -> bool:
        """True if nothing more is to be read."""
        return self.complete or self.failure is not None

    def feed(self, read: bytes) -> None:
        """Takes a read of any size; an empty one is the end of the body."""
        events = self._decoder.feed(read) if read else self._decoder.finish()
        for data in events:
            # A line without data keeps the connection open and says nothing.
            if data and not data.isspace():
                self._handle(data)
            if self.over:
                break
        if self._decoder.too_large and not self.over:
            self.failure = APIResponseValidationError(
                "One event of the stream is larger than 16 MiB.", response_headers=self.headers
            )
        elif not read and not self.complete:
            self._end_of_body(unfinished=bool(events))

    def fail(self, error: AurikoAPIError) -> None:
        """Takes what went wrong while reading; a cut connection is a cut stream."""
        if isinstance(error, APIConnectionError) and not isinstance(error, APITimeoutError):
            # Before the first item nothing is lost yet, and the call may be made again.
            self.failure = self._interrupted(error.message, retryable=self.received == 0)
            self.failure.__cause__ = error
        else:
            self.failure = error

    @staticmethod
    @abstractmethod
    def text(item: ItemT) -> str:
        """The text that the item adds to the (first) answer; often none."""

    @abstractmethod
    def _handle(self, data: bytes) -> None:
        """Takes the data of an event."""

    @abstractmethod
    def _may_end(self) -> bool:
        """True if the end of the body here is the end of the stream."""

    def _end_of_body(self, *, unfinished: bool) -> None:
        if unfinished and isinstance(self.failure, APIResponseValidationError):
            self.failure = None  # the last event was cut in the middle
        if self.failure is not None:
            return
        if self._may_end():
            self.complete = True
            logger.warning("A stream ended without [DONE]; its cost and usage may be unknown.")
        else:
            self.failure = self._interrupted("The stream ended before the answer was complete.")

    def _interrupted(self, message: str, *, retryable: bool = False) -> StreamInterruptedError:
        return StreamInterruptedError(
            message, items_received=self.received, retryable=retryable, response_headers=self.headers
        )

    def _load(self, data: bytes) -> dict[str, Any] | None:
        """The event as a JSON object, or None after a failure has been noted."""
        text = data.decode("utf-8", "replace")
        try:
            parsed = parse_json(text.encode())
        except ValueError as error:
            self._refuse(str(error), text)
            return None
        if not isinstance(parsed, dict):
            self._refuse("it is no JSON object", text)
            return None
        if parsed.get("error"):  # pyright: ignore[reportUnknownMemberType]
            self.failure = error_from_event(parsed, self.headers)
            return None
        return parsed  # pyright: ignore[reportUnknownVariableType]

    def _refuse(self, reason: str, text: str) -> None:
        self.failure = APIResponseValidationError(
            f"An event of the stream is not what the API promises: {reason}",
            body=text[:4096],
            response_headers=self.headers,
        )
