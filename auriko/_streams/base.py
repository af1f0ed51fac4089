"""Iterators over the items of a streamed reply. The rules are in `_rules`; here is only the awaiting."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar, Generic

from typing_extensions import Self

from auriko._http.channel import AsyncChannel, Channel
from auriko._observing.observation import Observation
from auriko._rules.exchange import Close, OpenStream, Steps, advance, drain
from auriko._rules.reader import ItemT, StreamReader, UsageT
from auriko.models.routing import RoutingMetadata
from auriko.response_headers import ResponseHeaders


class _StreamBase(Generic[ItemT, UsageT]):
    """The base of all streams; their steps are performed by the subclass's channel.

    Attributes:
        reader: What reads this kind of stream.
    """

    reader: ClassVar[type[StreamReader[Any, Any]]]
    _channel: Any

    def __init__(self, opened: OpenStream, channel: Channel | AsyncChannel, observation: Observation) -> None:
        self._opened = opened
        self._channel = channel
        self._reader: StreamReader[ItemT, UsageT] = opened.reader
        self._ready = self._reader.ready
        self._observation = observation
        self._ended = False

    @property
    def routing_metadata(self) -> RoutingMetadata | None:
        """The provider of the stream and its cost; known once it has been read to its end."""
        return self._reader.routing_metadata

    @property
    def usage(self) -> UsageT | None:
        """The tokens of the call; known once the stream has been read to its end."""
        return self._reader.usage

    @property
    def response_headers(self) -> ResponseHeaders:
        """The headers of the reply."""
        return self._reader.headers

    @property
    def request_id(self) -> str | None:
        """The request's id, to be quoted to support."""
        return self._reader.headers.request_id

    def _next_steps(self) -> Steps[None]:
        """Makes an item ready, or ends the stream."""
        if self._ended:
            return
        reader = self._reader
        try:
            yield from advance(self._opened)
            if self._ready:
                return
            self._ended = True
            if reader.failure is not None:
                reader.failure.attempts = self._opened.attempts
                yield Close()
                self._observation.fail(reader.failure, reader.headers, reader.usage, reader.routing_metadata)
                raise reader.failure
            self._observation.end("ok", reader.headers, reader.usage, reader.routing_metadata)
            yield from drain(self._opened.clock)
        except GeneratorExit:  # cancelled or interrupted: the channel closes what is open
            self._note_abandoned()
            raise

    def _close_steps(self) -> Steps[None]:
        self._note_abandoned()
        yield Close()

    def _note_abandoned(self) -> None:
        self._ended = True
        self._ready.clear()
        reader = self._reader
        self._observation.end("abandoned", reader.headers, reader.usage, reader.routing_metadata)

    def _check_unread(self) -> None:
        """Refuses a stream of which something has been taken: a part of an answer must not pass for a whole one."""
        if self._ended or self._reader.received != len(self._ready):
            raise ValueError("collect() reads a stream from its beginning; feed a ChatAccumulator while you iterate")

    def _refuse_second_reading(self) -> None:
        if self._ended and not self._ready:
            raise ValueError("this stream has ended; a stream can be read only once")

    def __del__(self) -> None:
        if getattr(self, "_ended", True):
            return
        self._note_abandoned()
        self._channel.abandon()
        warnings.warn(
            f"a {type(self).__name__} was dropped before its end; read it to the end, close it, "
            "or use it in a with block",
            ResourceWarning,
            source=self,
            stacklevel=2,
        )


class ItemStream(_StreamBase[ItemT, UsageT], Iterator[ItemT]):
    """An iterator over the items of a streamed reply. Use it in a `with` block, or read it to its end."""

    _channel: Channel

    def __iter__(self) -> Self:
        self._refuse_second_reading()
        return self

    def __next__(self) -> ItemT:
        if not self._ready:
            self._channel.run(self._next_steps())
            if not self._ready:
                raise StopIteration
        return self._ready.popleft()

    def text_deltas(self) -> Iterator[str]:
        """The pieces of the answer's text, none of them empty; of the first answer where there are several."""
        return filter(None, map(self._reader.text, self))

    def close(self) -> None:
        """Ends the stream and its connection; what has not been read is lost."""
        if not self._ended:
            self._channel.run(self._close_steps())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class AsyncItemStream(_StreamBase[ItemT, UsageT], AsyncIterator[ItemT]):
    """An async iterator over the items of a streamed reply. Use it in an `async with` block, or read it to its end."""

    _channel: AsyncChannel

    def __aiter__(self) -> Self:
        self._refuse_second_reading()
        return self

    async def __anext__(self) -> ItemT:
        if not self._ready:
            await self._channel.run(self._next_steps())
            if not self._ready:
                raise StopAsyncIteration
        return self._ready.popleft()

    def text_deltas(self) -> AsyncIterator[str]:
        """The pieces of the answer's text, none of them empty; of the first answer where there are several."""
        return _AsyncTexts(self)

    async def close(self) -> None:
        """Ends the stream and its connection; what has not been read is lost."""
        if not self._ended:
            await self._channel.run(self._close_steps())

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()


class _AsyncTexts(AsyncIterator[str]):
    """The texts of a stream's items. No generator, which would have to be closed by whoever leaves the loop."""

    def __init__(self, stream: AsyncItemStream[Any, Any]) -> None:
        self._items = aiter(stream)
        self._text = stream.reader.text

    async def __anext__(self) -> str:
        while not (text := self._text(await anext(self._items))):
            pass
        return text
