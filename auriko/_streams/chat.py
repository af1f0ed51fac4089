"""A streamed chat completion: its events as chunks, the rules for its end, and the streams (API section 11.2)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from auriko._rules.reader import ItemT, StreamReader
from auriko._streams.base import AsyncItemStream, ItemStream
from auriko.accumulate import ChatAccumulator
from auriko.errors._mapping import error_from_event
from auriko.meaning.mending import chat_model
from auriko.models._base import model_from_json
from auriko.models.chat import ChatCompletion, ChatCompletionChunk
from auriko.models.common import Usage
from auriko.response_headers import ResponseHeaders
from auriko.schemas.tool_names import give_own_names


class ChatReader(StreamReader[ChatCompletionChunk, Usage]):
    """A streamed chat completion: over at [DONE], or when every choice has a finish reason."""

    def __init__(self, headers: ResponseHeaders) -> None:
        super().__init__(headers)
        self._open_choices: set[int] = set()
        self._seen_choices: set[int] = set()

    @staticmethod
    def text(item: ChatCompletionChunk) -> str:
        """The text that the chunk adds to the first choice."""
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
            if choice.finish_reason:
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
        try:
            return chat_model(ChatCompletionChunk, event)
        except ValidationError as error:
            self._refuse(error.errors()[0]["msg"], data.decode("utf-8", "replace"))
            return None

    def _may_end(self) -> bool:
        return bool(self._seen_choices) and not self._open_choices


class NamingChatReader(ChatReader):
    """The same for a request whose tools were given other names; those of the calls are the tools' own."""

    def __init__(self, headers: ResponseHeaders, tool_names: Mapping[str, str]) -> None:
        super().__init__(headers)
        self._tool_names = tool_names

    def _parse(self, data: bytes) -> ChatCompletionChunk | None:
        chunk = super()._parse(data)
        for choice in chunk.choices if chunk is not None else ():
            give_own_names(choice.delta.tool_calls, self._tool_names)
        return chunk


class Stream(ItemStream[ItemT, Usage]):
    """The chunks of a chat completion. Use it in a `with` block, or read it to its end."""

    reader = ChatReader

    def collect(self: Stream[ChatCompletionChunk]) -> ChatCompletion:
        """The whole answer, as a plain call gives it: tool calls, reasoning, images, usage and metadata put together.

        Raises:
            ValueError: A part of the stream has been read already.
        """
        self._check_unread()
        accumulator = ChatAccumulator()
        for chunk in self:
            accumulator.add(chunk)
        return accumulator.completion(self.response_headers)


class AsyncStream(AsyncItemStream[ItemT, Usage]):
    """The chunks of a chat completion. Use it in an `async with` block, or read it to its end."""

    reader = ChatReader

    async def collect(self: AsyncStream[ChatCompletionChunk]) -> ChatCompletion:
        """The whole answer; as `Stream.collect`."""
        self._check_unread()
        accumulator = ChatAccumulator()
        async for chunk in self:
            accumulator.add(chunk)
        return accumulator.completion(self.response_headers)
