"""Streams whose whole answer is an object of a type: what there is of it as it grows, and at the end the object."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Generic, TypeAlias, TypeVar

from typing_extensions import Self

from auriko._streams.base import AsyncItemStream, ItemStream
from auriko._streams.chat import AsyncStream, Stream
from auriko._streams.responses import AsyncResponseStream, ResponseStream, whole_response
from auriko.accumulate import ChatAccumulator
from auriko.errors import StructuredOutputError
from auriko.models.chat import ChatCompletionChunk
from auriko.models.parsed import ParsedChatCompletion, ParsedResponse
from auriko.models.response_events import ResponseStreamEvent
from auriko.models.routing import RoutingMetadata
from auriko.response_headers import ResponseHeaders
from auriko.schemas.response_format import ResponseFormat

T = TypeVar("T")
ItemT = TypeVar("ItemT")
WholeT = TypeVar("WholeT", bound="ParsedChatCompletion[Any] | ParsedResponse[Any]")
StreamT = TypeVar("StreamT", bound="ItemStream[Any, Any] | AsyncItemStream[Any, Any]")


class ParsedEvent(Generic[ItemT]):
    """An item of the stream, with the answer up to it.

    Attributes:
        item: The chunk or event as it came.
        delta: The text that it adds to the (first) answer; often none.
    """

    def __init__(self, item: ItemT, delta: str, pieces: list[str], form: ResponseFormat[Any]) -> None:
        self.item = item
        self.delta = delta
        self._pieces = pieces
        self._count = len(pieces)
        self._form = form

    @property
    def text(self) -> str:
        """The text of the answer up to here."""
        return "".join(self._pieces[: self._count])

    @property
    def partial(self) -> Any:
        """The JSON value of the answer up to here, which nothing has checked yet; None before it begins."""
        return self._form.partial(self.text)


class _Parsed(Generic[ItemT, WholeT, T, StreamT]):
    """The base of both streams: everything but the awaiting."""

    def __init__(
        self,
        stream: StreamT,
        form: ResponseFormat[T],
        read: Callable[[], WholeT],
        keep: Callable[[ItemT], None] | None = None,
    ) -> None:
        self._stream: StreamT = stream
        self._form = form
        self._read = read
        self._keep = keep
        self._pieces: list[str] = []
        self._whole: WholeT | StructuredOutputError | None = None

    @property
    def parsed(self) -> T:
        """The object, once the stream has been read to its end.

        Raises:
            StructuredOutputError: The answer holds none; the subclass says why.
            ValueError: The stream has not been read to its end.
        """
        parsed: T = self._result().parsed
        return parsed

    @property
    def usage(self) -> Any:
        """The tokens of the call; known once the stream has been read to its end."""
        return self._stream.usage

    @property
    def routing_metadata(self) -> RoutingMetadata | None:
        """The provider of the stream and its cost; known once it has been read to its end."""
        return self._stream.routing_metadata

    @property
    def response_headers(self) -> ResponseHeaders:
        """The headers of the reply."""
        return self._stream.response_headers

    def _event(self, item: ItemT) -> ParsedEvent[ItemT]:
        if self._keep is not None:
            self._keep(item)
        delta = self._stream.reader.text(item)
        if delta:
            self._pieces.append(delta)
        return ParsedEvent(item, delta, self._pieces, self._form)

    def _end(self) -> None:
        """Reads the object where the stream ends, once."""
        if self._whole is None:
            try:
                self._whole = self._read()
            except StructuredOutputError as error:
                self._whole = error
                raise

    def _result(self) -> WholeT:
        if self._whole is None:
            raise ValueError("the object is there once the stream has been read to its end")
        if isinstance(self._whole, StructuredOutputError):
            raise self._whole
        return self._whole


class ParsedStream(_Parsed[ItemT, WholeT, T, ItemStream[Any, Any]], Iterator[ParsedEvent[ItemT]]):
    """A stream whose end raises where the answer holds no object. Use it in a `with` block, or read it to its end."""

    def __iter__(self) -> Self:
        iter(self._stream)
        return self

    def __next__(self) -> ParsedEvent[ItemT]:
        item = next(self._stream, None)
        if item is not None:
            return self._event(item)
        self._end()
        raise StopIteration

    def collect(self) -> WholeT:
        """The whole reply with its object; what is left of the stream is read for it.

        Raises:
            StructuredOutputError: The answer holds none; the subclass says why.
        """
        while next(self, None) is not None:
            pass
        return self._result()

    def close(self) -> None:
        """Ends the stream and its connection; what has not been read is lost."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class AsyncParsedStream(_Parsed[ItemT, WholeT, T, AsyncItemStream[Any, Any]], AsyncIterator[ParsedEvent[ItemT]]):
    """A stream whose end raises where the answer holds no object. Use it in an `async with` block."""

    def __aiter__(self) -> Self:
        aiter(self._stream)
        return self

    async def __anext__(self) -> ParsedEvent[ItemT]:
        item = await anext(self._stream, None)
        if item is not None:
            return self._event(item)
        self._end()
        raise StopAsyncIteration

    async def collect(self) -> WholeT:
        """The whole reply with its object; as `ParsedStream.collect`."""
        while await anext(self, None) is not None:
            pass
        return self._result()

    async def close(self) -> None:
        """Ends the stream and its connection; what has not been read is lost."""
        await self._stream.close()

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()


ParsedChatStream: TypeAlias = ParsedStream[ChatCompletionChunk, ParsedChatCompletion[T], T]
AsyncParsedChatStream: TypeAlias = AsyncParsedStream[ChatCompletionChunk, ParsedChatCompletion[T], T]
ParsedResponseStream: TypeAlias = ParsedStream[ResponseStreamEvent, ParsedResponse[T], T]
AsyncParsedResponseStream: TypeAlias = AsyncParsedStream[ResponseStreamEvent, ParsedResponse[T], T]


def parsed_chunks(stream: Stream[ChatCompletionChunk], form: ResponseFormat[T]) -> ParsedChatStream[T]:
    """The stream of a chat completion whose answer has that form."""
    return ParsedStream(stream, form, *_of_chunks(stream, form))


def async_parsed_chunks(stream: AsyncStream[ChatCompletionChunk], form: ResponseFormat[T]) -> AsyncParsedChatStream[T]:
    """The stream of a chat completion whose answer has that form."""
    return AsyncParsedStream(stream, form, *_of_chunks(stream, form))


def parsed_events(stream: ResponseStream, form: ResponseFormat[T]) -> ParsedResponseStream[T]:
    """The stream of a response whose text has that form."""
    return ParsedStream(stream, form, lambda: form.of_response(whole_response(stream.completed_response)))


def async_parsed_events(stream: AsyncResponseStream, form: ResponseFormat[T]) -> AsyncParsedResponseStream[T]:
    """The stream of a response whose text has that form."""
    return AsyncParsedStream(stream, form, lambda: form.of_response(whole_response(stream.completed_response)))


def _of_chunks(
    stream: Stream[ChatCompletionChunk] | AsyncStream[ChatCompletionChunk], form: ResponseFormat[T]
) -> tuple[Callable[[], ParsedChatCompletion[T]], Callable[[ChatCompletionChunk], None]]:
    chunks = ChatAccumulator()
    return lambda: form.of_completion(chunks.completion(stream.response_headers)), chunks.add
