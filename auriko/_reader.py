"""A stream's events as typed items, and the rules for its end (API section 11.2). No I/O."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from auriko._base_model import model_from_json, model_from_value
from auriko._json import parse_json
from auriko._sse import SSEDecoder
from auriko.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AurikoAPIError,
    StreamInterruptedError,
)
from auriko.errors._mapping import error_from_event
from auriko.models.chat import ChatCompletionChunk
from auriko.models.common import ResponseUsage, Usage
from auriko.models.routing import RoutingMetadata
from auriko.response_headers import ResponseHeaders

ItemT = TypeVar("ItemT", bound=BaseModel)
UsageT = TypeVar("UsageT", Usage, ResponseUsage)
logger: Final = logging.getLogger("auriko")


class StreamReader(ABC, Generic[ItemT, UsageT]):
    """What a stream has said so far. The kinds of stream differ in `_handle`, `_may_end` and `text`.

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
        """Whether nothing more is to be read."""
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
        """What the item adds to the text of the (first) answer; often nothing."""

    @abstractmethod
    def _handle(self, data: bytes) -> None:
        """Takes the data of an event."""

    @abstractmethod
    def _may_end(self) -> bool:
        """Whether the end of the body here is the end of the stream."""

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


class ChatReader(StreamReader[ChatCompletionChunk, Usage]):
    """A streamed chat completion: over at [DONE], or when every choice has a finish reason."""

    def __init__(self, headers: ResponseHeaders) -> None:
        super().__init__(headers)
        self._open_choices: set[int] = set()
        self._seen_choices: set[int] = set()

    @staticmethod
    def text(item: ChatCompletionChunk) -> str:
        """What the chunk adds to the text of the first choice."""
        return next((choice.delta.content or "" for choice in item.choices if choice.index == 0), "")

    def _handle(self, data: bytes) -> None:
        if data.strip() == b"[DONE]":
            self.complete = True
            return
        chunk = self._parse(data)
        if chunk is None:
            return
        # An empty object must not take the place of what an earlier chunk said.
        if chunk.usage is not None and chunk.usage.model_fields_set:
            self.usage = chunk.usage
        if chunk.routing_metadata is not None and chunk.routing_metadata.model_fields_set:
            self.routing_metadata = chunk.routing_metadata
        for choice in chunk.choices:
            if choice.finish_reason is not None:
                self._seen_choices.add(choice.index)
                self._open_choices.discard(choice.index)
            elif choice.index not in self._seen_choices:
                self._seen_choices.add(choice.index)
                self._open_choices.add(choice.index)
        self.received += 1
        self.ready.append(chunk)

    def _parse(self, data: bytes) -> ChatCompletionChunk | None:
        """The chunk of an event, or None after a failure has been noted."""
        try:
            chunk = model_from_json(ChatCompletionChunk, data)
        except ValueError:
            return self._parse_unusual(data)
        extra = chunk.__pydantic_extra__
        if extra and extra.get("error"):
            self.failure = error_from_event({"error": extra["error"]}, self.headers)
            return None
        return chunk

    def _parse_unusual(self, data: bytes) -> ChatCompletionChunk | None:
        """The chunk of an event that is no plain one: an error, an event without choices, bad text."""
        event = self._load(data)
        if event is None:
            return None
        if event.get("choices") is None and ("usage" in event or "routing_metadata" in event):
            event["choices"] = []
        try:
            return model_from_value(ChatCompletionChunk, event)
        except ValidationError as error:
            self._refuse(error.errors()[0]["msg"], data.decode("utf-8", "replace"))
            return None

    def _may_end(self) -> bool:
        return bool(self._seen_choices) and not self._open_choices
