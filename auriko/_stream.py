"""What a caller iterates over. The rules are in `_reader` and `_exchange`; here is only the awaiting."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from typing_extensions import Self

from auriko._exchange import Clock, Close, OpenStream, Steps, advance, drain
from auriko._transport import AsyncChannel, Channel
from auriko.models.common import Usage
from auriko.response_headers import ResponseHeaders
from auriko.routing import RoutingMetadata
from auriko.spend import Observation

ItemT = TypeVar("ItemT", bound=BaseModel)


class _StreamBase(Generic[ItemT]):
    """What both streams know; their steps are performed by the subclass's channel."""

    def __init__(self, opened: OpenStream, *, idle: float | None, clock: Clock, observation: Observation) -> None:
        self._opened = opened
        self._reader = opened.reader
        self._ready = opened.reader.ready
        self._idle = idle
        self._clock = clock
        self._observation = observation
        self._ended = False

    @property
    def routing_metadata(self) -> RoutingMetadata | None:
        """Who served the stream and what it cost; known once it has been read to its end."""
        return self._reader.routing_metadata

    @property
    def usage(self) -> Usage | None:
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
            yield from advance(self._opened, self._idle, self._clock)
            if self._ready:
                return
            self._ended = True
            if reader.failure is not None:
                yield Close()
                self._observation.fail(reader.failure, reader.headers)
                raise reader.failure
            self._observation.finish(reader.headers, reader.usage, reader.routing_metadata)
            yield from drain(self._clock)
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
        self._observation.abandon(reader.headers, reader.usage, reader.routing_metadata)

    def _refuse_second_reading(self) -> None:
        if self._ended and not self._ready:
            raise ValueError("this stream has ended; a stream can be read only once")

    def _warn_if_open(self) -> bool:
        open_still = not getattr(self, "_ended", True)
        if open_still:
            warnings.warn(
                f"a {type(self).__name__} was dropped before its end; read it to the end, close it, "
                "or use it in a with block",
                ResourceWarning,
                source=self,
                stacklevel=3,
            )
            self._note_abandoned()
        return open_still


class Stream(_StreamBase[ItemT], Iterator[ItemT]):
    """An iterator over the items of a streamed reply. Use it in a `with` block, or read it to its end."""

    def __init__(self, opened: OpenStream, channel: Channel, **settings: Any) -> None:
        super().__init__(opened, **settings)
        self._channel = channel

    def __iter__(self) -> Self:
        self._refuse_second_reading()
        return self

    def __next__(self) -> ItemT:
        if not self._ready:
            self._channel.run(self._next_steps())
            if not self._ready:
                raise StopIteration
        return self._ready.popleft()

    def close(self) -> None:
        """Ends the stream and its connection; what has not been read is lost."""
        if not self._ended:
            self._channel.run(self._close_steps())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self._warn_if_open():
            self._channel.abandon()


class AsyncStream(_StreamBase[ItemT], AsyncIterator[ItemT]):
    """An async iterator over the items of a streamed reply. Use it in an `async with` block, or read it to its end."""

    def __init__(self, opened: OpenStream, channel: AsyncChannel, **settings: Any) -> None:
        super().__init__(opened, **settings)
        self._channel = channel

    def __aiter__(self) -> Self:
        self._refuse_second_reading()
        return self

    async def __anext__(self) -> ItemT:
        if not self._ready:
            await self._channel.run(self._next_steps())
            if not self._ready:
                raise StopAsyncIteration
        return self._ready.popleft()

    async def close(self) -> None:
        """Ends the stream and its connection; what has not been read is lost."""
        if not self._ended:
            await self._channel.run(self._close_steps())

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        if self._warn_if_open():
            self._channel.abandon()
