"""Client and AsyncClient: settings, connections and resources, and how a call runs on them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import httpx
from pydantic import BaseModel
from typing_extensions import Self, Unpack

from auriko import _settings as _config
from auriko._caller import AsyncStreamT, StreamT
from auriko._log import set_up_logging
from auriko._observing.observation import observe
from auriko._rules.call import Call, check_names
from auriko._rules.exchange import Answer, Clock, OpenStream, Steps, exchange, receive_stream, receive_whole
from auriko._rules.raw import RawResponse, on_raw_caller, receive_raw, understood
from auriko._rules.reader import StreamReader
from auriko._signature import show_parameters

if TYPE_CHECKING:  # connections are imported with the first client, and resources when they are first used
    from auriko._http.channel import AsyncChannel, Channel
    from auriko._http.pool import AsyncPool, Pool
    from auriko.resources.chat import AsyncChat, Chat
    from auriko.resources.me import AsyncMe, Me
    from auriko.resources.models import AsyncModels, Models
    from auriko.resources.responses import AsyncResponses, Responses

P = ParamSpec("P")
ReplyT = TypeVar("ReplyT", bound=BaseModel)
ResultT = TypeVar("ResultT")
ClientT = TypeVar("ClientT")


class _Opened(NamedTuple):
    stream: OpenStream
    settings: dict[str, Any]


def _show_settings(client: type[ClientT]) -> type[ClientT]:
    show_parameters(client.__init__, _config.ClientSettings)
    return client


class _BaseClient(ABC):
    """What both clients share: everything but the connections and the awaiting."""

    _pool: Any

    def __init__(self, http_client: Any, settings: _config.ClientSettings) -> None:
        check_names(settings, _config.ClientSettings, type(self).__name__)
        set_up_logging()
        self._settings = _config.resolve(**settings)
        self._clock = Clock()
        self._attach(self._new_pool(http_client))

    @abstractmethod
    def _new_pool(self, http_client: Any) -> Any:
        """Connections of its own."""

    @abstractmethod
    def _attach(self, pool: Any) -> None:
        """Takes the connections, and what calls are made over them with."""

    def with_options(self, **options: Unpack[_config.ClientOptions]) -> Self:
        """A client with some settings changed that shares the connections of this one; closing either closes both.

        Args:
            **options: Settings as for the client; headers and query parameters are added to those that there are.

        Raises:
            ValueError: A setting is out of its range.
            TypeError: A setting is unknown or of the wrong type.
        """
        check_names(options, _config.ClientOptions, "with_options")
        twin = type(self).__new__(type(self))
        twin.__setstate__({"settings": _config.change(self._settings, options), "pool": self._pool})
        return twin

    def _apart(self) -> Self:
        """The same client over connections of its own, to be closed alone; a client of the user's is shared."""
        twin = type(self).__new__(type(self))
        pool = self._new_pool(self._pool.http_client)
        pool.closed = self._pool.closed
        twin.__setstate__({"settings": self._settings, "pool": pool})
        return twin

    @property
    def base_url(self) -> str:
        """Where the API is, without a slash at the end."""
        return self._settings.base_url

    @property
    def timeout(self) -> httpx.Timeout:
        """Bounds of the phases of one request."""
        return self._settings.timeout

    @property
    def max_retries(self) -> int:
        """How many requests may follow the first."""
        return self._settings.max_retries

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"settings": self._settings, "http_client": self._named_transport()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._settings = state["settings"]
        self._clock = Clock()
        self._attach(state.get("pool") or self._new_pool(state.get("http_client")))

    def _named_transport(self) -> str | None:
        """What was passed in to send with, if it can be made anew."""
        http_client = self._pool.http_client
        return http_client if isinstance(http_client, str) else None

    def __copy__(self) -> Self:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = type(self).__new__(type(self))
        twin.__setstate__(self.__getstate__())
        return twin

    def _call_steps(self, call: Call[Any], receive: Callable[[Answer, float | None], Steps[ResultT]]) -> Steps[ResultT]:
        """A plain call's steps, with what it cost told to whoever tracks it."""
        settings = self._settings
        observation = observe(call.model, call.path, settings.base_url, stream=False, own=settings.recorders)
        try:
            reply = yield from exchange(call, settings, observation.watching(receive), self._clock)
        except BaseException as error:
            observation.fail(error)
            raise
        if not observation.done:
            told: Any = understood(reply)
            headers = getattr(told, "response_headers", None)
            metadata = getattr(told, "routing_metadata", None)
            observation.finish(headers, getattr(told, "usage", None), metadata)
        return reply

    def _stream_steps(self, call: Call[Any], reader: type[StreamReader[Any, Any]]) -> Steps[_Opened]:
        """A streamed call's steps up to its first item."""
        settings = self._settings
        observation = observe(call.model, call.path, settings.base_url, stream=True, own=settings.recorders)
        idle = settings.stream_idle_timeout or (call.timeout or settings.timeout).read
        receive = receive_stream(reader, idle, self._clock)
        try:
            opened = yield from exchange(call, settings, observation.watching(receive), self._clock)
        except BaseException as error:
            observation.fail(error)
            raise
        observation.first_item()
        return _Opened(opened, {"idle": idle, "clock": self._clock, "observation": observation})


@_show_settings
class Client(_BaseClient):
    """A client of the gateway for threads; see `AsyncClient` for event loops.

    Args:
        api_key: The key; else AURIKO_API_KEY.
        base_url: Where the API is; else AURIKO_BASE_URL, else the gateway. `/v1` is added where it has no path.
        timeout: Bound in seconds of each phase of a request (connect, send, wait, pool), or `httpx.Timeout`.
        max_retries: How many requests may follow the first; 0 means exactly one request.
        deadline: Bound in seconds of a whole call with its retries and its stream.
        stream_idle_timeout: Bound in seconds of the wait for a stream's next event; else the read timeout.
        default_headers: Headers of every request.
        default_query: Query parameters of every request.
        spend: A `SpendTracker` or `SpendLedger` that is told what every call cost.
        http_client: A client of yours to send with, with its own proxies, transports and hooks; you close it.
        pickle_api_key: Whether the key goes into pickles; without it a worker reads AURIKO_API_KEY.

    Raises:
        AuthenticationError: There is no key.
        ValueError: A setting is out of its range; a key is never part of the message.
    """

    def __init__(self, *, http_client: httpx.Client | None = None, **settings: Unpack[_config.ClientSettings]) -> None:
        if http_client is not None and not isinstance(http_client, httpx.Client):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"http_client is an httpx.Client, not {type(http_client).__name__}")
        super().__init__(http_client, settings)

    def _new_pool(self, http_client: httpx.Client | None) -> Pool:
        from auriko._http.pool import Pool

        return Pool(self._settings.base_url, http_client)

    def _attach(self, pool: Pool) -> None:
        from auriko._http.channel import Channel

        self._pool = pool
        self._channel: Callable[[], Channel] = partial(Channel, pool)

    @cached_property
    def chat(self) -> Chat:
        """Chat completions."""
        from auriko.resources.chat import Chat

        return Chat(self)

    @cached_property
    def models(self) -> Models:
        """Which models and providers there are."""
        from auriko.resources.models import Models

        return Models(self)

    @cached_property
    def me(self) -> Me:
        """Who the key in use is."""
        from auriko.resources.me import Me

        return Me(self)

    @cached_property
    def responses(self) -> Responses:
        """The Responses API."""
        from auriko.resources.responses import Responses

        return Responses(self)

    def with_raw_response(self, method: Callable[P, ReplyT]) -> Callable[P, RawResponse[ReplyT]]:
        """The method with the HTTP reply as its result: `client.with_raw_response(client.models.list)()`."""
        return on_raw_caller(method, self, self._request_raw)

    def _request(self, call: Call[ReplyT]) -> ReplyT:
        return self._channel().run(self._call_steps(call, receive_whole(call.reply)))

    def _request_raw(self, call: Call[ReplyT]) -> RawResponse[ReplyT]:
        return self._channel().run(self._call_steps(call, receive_raw(call.reply)))

    def _stream(self, call: Call[Any], shape: type[StreamT]) -> StreamT:
        channel = self._channel()
        opened = channel.run(self._stream_steps(call, shape.reader))
        return shape(opened.stream, channel, **opened.settings)

    def close(self) -> None:
        """Closes the connections; a client of yours that was passed in stays open."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@_show_settings
class AsyncClient(_BaseClient):
    """A client of the gateway for event loops: the arguments of `Client`, the methods awaited.

    One instance works on several event loops, one after another or at once; each has its own connections, which
    close with it.

    Args:
        http_client: An `httpx.AsyncClient` of yours to send with, which you close; or "aiohttp", for connections of
            aiohttp instead of httpx, which take less CPU time and run on asyncio alone.
        **settings: As for `Client`.

    Raises:
        ImportError: `http_client="aiohttp"` without the extra `auriko[aiohttp]`.
    """

    def __init__(
        self, *, http_client: _config.AsyncHttpClient | None = None, **settings: Unpack[_config.ClientSettings]
    ) -> None:
        if http_client == _config.AIOHTTP:
            from importlib.util import find_spec

            if find_spec(_config.AIOHTTP) is None:
                raise ImportError(_config.NEEDS_AIOHTTP, name=_config.AIOHTTP)
        elif http_client is not None and not isinstance(http_client, httpx.AsyncClient):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"http_client is an httpx.AsyncClient or 'aiohttp', not {type(http_client).__name__}")
        super().__init__(http_client, settings)

    def _new_pool(self, http_client: _config.AsyncHttpClient | None) -> AsyncPool:
        from auriko._http.pool import AsyncPool

        return AsyncPool(self._settings.base_url, http_client)

    def _attach(self, pool: AsyncPool) -> None:
        from auriko._http.channel import AsyncChannel

        self._pool = pool
        self._channel: Callable[[], AsyncChannel] = partial(AsyncChannel, pool)

    @cached_property
    def chat(self) -> AsyncChat:
        """Chat completions."""
        from auriko.resources.chat import AsyncChat

        return AsyncChat(self)

    @cached_property
    def models(self) -> AsyncModels:
        """Which models and providers there are."""
        from auriko.resources.models import AsyncModels

        return AsyncModels(self)

    @cached_property
    def me(self) -> AsyncMe:
        """Who the key in use is."""
        from auriko.resources.me import AsyncMe

        return AsyncMe(self)

    @cached_property
    def responses(self) -> AsyncResponses:
        """The Responses API."""
        from auriko.resources.responses import AsyncResponses

        return AsyncResponses(self)

    def with_raw_response(self, method: Callable[P, Awaitable[ReplyT]]) -> Callable[P, Awaitable[RawResponse[ReplyT]]]:
        """The method with the HTTP reply as its result: `await client.with_raw_response(client.models.list)()`."""
        return on_raw_caller(method, self, self._request_raw)

    async def _request(self, call: Call[ReplyT]) -> ReplyT:
        return await self._channel().run(self._call_steps(call, receive_whole(call.reply)))

    async def _request_raw(self, call: Call[ReplyT]) -> RawResponse[ReplyT]:
        return await self._channel().run(self._call_steps(call, receive_raw(call.reply)))

    async def _stream(self, call: Call[Any], shape: type[AsyncStreamT]) -> AsyncStreamT:
        channel = self._channel()
        opened = await channel.run(self._stream_steps(call, shape.reader))
        return shape(opened.stream, channel, **opened.settings)

    async def close(self) -> None:
        """Closes the connections; a client of yours that was passed in stays open."""
        await self._pool.close()

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
