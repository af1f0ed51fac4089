"""One object that resources, batches and raw replies call: settings, connections and time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from pydantic import BaseModel
from typing_extensions import Self

from auriko._http.channel import AsyncChannel, Channel
from auriko._http.pool import AsyncPool, Pool
from auriko._observing.observation import Observation
from auriko._observing.steps import call_steps, stream_steps
from auriko._rules.call import Call
from auriko._rules.exchange import Clock, OpenStream, Steps, receive_whole
from auriko._rules.raw import receive_raw
from auriko._settings import Settings
from auriko._streams.base import AsyncItemStream, ItemStream
from auriko._streams.chat import NamingChatReader

if TYPE_CHECKING:  # imported with the first conversation
    from auriko.affinity import Affinity

P = ParamSpec("P")
ReplyT = TypeVar("ReplyT", bound=BaseModel)
StreamT = TypeVar("StreamT", bound="ItemStream[Any, Any]")
AsyncStreamT = TypeVar("AsyncStreamT", bound="AsyncItemStream[Any, Any]")
PoolT = TypeVar("PoolT", Pool, AsyncPool)


class _BaseCaller(Generic[PoolT]):
    """The base of both callers: everything but the awaiting."""

    def __init__(
        self,
        settings: Settings,
        pool: PoolT,
        clock: Clock | None = None,
        kept: dict[str, Any] | None = None,
        *,
        raw: bool = False,
    ) -> None:
        self.settings = settings
        self.pool: PoolT = pool
        self.clock = clock or Clock()
        # What calls leave behind for later ones, shared by all callers of a client.
        self._kept: dict[str, Any] = {} if kept is None else kept
        self._raw = raw

    def affinity(self) -> Affinity:
        """The memory of who served which conversation."""
        from auriko.affinity import Affinity

        found: Affinity = self._kept.setdefault("affinity", self._kept.get("affinity") or Affinity())
        return found

    def with_settings(self, settings: Settings) -> Self:
        """One with other settings over the same connections; closing either closes both."""
        return type(self)(settings, self.pool, kept=self._kept)

    def raw(self) -> Self:
        """One over the same connections that gives whole replies as they came over the wire, and refuses streams."""
        return type(self)(self.settings, self.pool, self.clock, self._kept, raw=True)

    def _call_steps(self, call: Call[ReplyT]) -> Steps[ReplyT]:
        receive: Any = receive_raw if self._raw else receive_whole
        return call_steps(call, self.settings, self.clock, receive(call.reply))

    def _converted(self, reply: Any, convert: Callable[[Any], ReplyT]) -> Any:
        return reply.converted(convert) if self._raw else convert(reply)

    def _stream_steps(
        self, call: Call[Any], shape: type[ItemStream[Any, Any] | AsyncItemStream[Any, Any]]
    ) -> Steps[tuple[OpenStream, Observation]]:
        if self._raw:
            raise ValueError("with_raw_response is for whole replies; a stream has response_headers itself")
        make_reader: Any = shape.reader
        if call.tool_names is not None:
            make_reader = partial(NamingChatReader, tool_names=call.tool_names)
        return stream_steps(call, self.settings, self.clock, make_reader)


class Caller(_BaseCaller[Pool]):
    """Calls for threads."""

    def request(self, call: Call[ReplyT]) -> ReplyT:
        """The whole reply."""
        reply = Channel(self.pool).run(self._call_steps(call))
        return reply if call.convert is None else self._converted(reply, call.convert)

    def stream(self, call: Call[Any], shape: type[StreamT]) -> StreamT:
        """The reply as a stream of that class, once its first item is there."""
        channel = Channel(self.pool)
        opened, observation = channel.run(self._stream_steps(call, shape))
        return shape(opened, channel, observation)

    def with_own_connections(self) -> Caller:
        """One with the same settings over connections of its own, to be closed alone; a user's client is shared."""
        return Caller(self.settings, self.pool.anew(), kept=self._kept)

    def close(self) -> None:
        """Closes the connections; a user's client stays open."""
        self.pool.close()


class AsyncCaller(_BaseCaller[AsyncPool]):
    """Calls for event loops."""

    async def request(self, call: Call[ReplyT]) -> ReplyT:
        """The whole reply."""
        reply = await AsyncChannel(self.pool).run(self._call_steps(call))
        return reply if call.convert is None else self._converted(reply, call.convert)

    async def stream(self, call: Call[Any], shape: type[AsyncStreamT]) -> AsyncStreamT:
        """The reply as a stream of that class, once its first item is there."""
        channel = AsyncChannel(self.pool)
        opened, observation = await channel.run(self._stream_steps(call, shape))
        return shape(opened, channel, observation)

    async def close(self) -> None:
        """Closes the connections of this event loop; a user's client stays open."""
        await self.pool.close()


class Resource:
    """A part of the API, for threads."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller


class AsyncResource:
    """A part of the API, for event loops."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller


def raw_method(method: Callable[P, Any], caller: Caller | AsyncCaller) -> Callable[P, Any]:
    """The method of a client's resource that gives raw replies instead of whole ones.

    Raises:
        TypeError: It is no such method.
    """
    resource: Any = getattr(method, "__self__", None)
    if getattr(resource, "_caller", None) is not caller:
        raise TypeError("with_raw_response takes a method of this very client, such as client.chat.completions.create")
    raw: Callable[P, Any] = getattr(type(resource)(caller.raw()), method.__name__)
    return raw
