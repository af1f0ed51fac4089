"""Client and AsyncClient: faces of a caller that owns the settings and the connections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar

import httpx
from pydantic import BaseModel
from typing_extensions import Self, Unpack

from auriko._log import set_up_logging
from auriko._rules.call import check_names
from auriko._rules.raw import RawResponse
from auriko._settings import (
    AsyncHttpClient,
    ClientOptions,
    ClientSettings,
    HttpClient,
    Settings,
    change,
    check_http_client,
    resolve,
)
from auriko._signature import show_parameters

if TYPE_CHECKING:  # connections are imported with the first client, and resources when they are first used
    from auriko._caller import AsyncCaller, Caller
    from auriko.resources.chat import AsyncChat, Chat
    from auriko.resources.me import AsyncMe, Me
    from auriko.resources.models import AsyncModels, Models
    from auriko.resources.responses import AsyncResponses, Responses

P = ParamSpec("P")
ReplyT = TypeVar("ReplyT", bound=BaseModel)
CallerT = TypeVar("CallerT", "Caller", "AsyncCaller")
# Parts of OpenAI's API that people look for.
_NOT_OFFERED: Final = frozenset(
    {
        "assistants",
        "audio",
        "batches",
        "beta",
        "completions",
        "containers",
        "conversations",
        "embeddings",
        "evals",
        "files",
        "fine_tuning",
        "images",
        "moderations",
        "realtime",
        "threads",
        "uploads",
        "vector_stores",
        "videos",
    }
)


class _BaseClient(ABC, Generic[CallerT]):
    """The base of both clients: everything but the connections and the awaiting."""

    _caller: CallerT

    def __init__(self, http_client: Any, settings: ClientSettings) -> None:
        check_names(settings, ClientSettings, type(self).__name__)
        set_up_logging()
        self._caller = self._new_caller(resolve(**settings), http_client)

    @staticmethod
    @abstractmethod
    def _new_caller(settings: Settings, http_client: Any) -> CallerT:
        """Connections of its own, and calls over them."""

    @classmethod
    def _of(cls, caller: Any) -> Self:
        client = cls.__new__(cls)
        vars(client)["_caller"] = caller
        return client

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """A client with some settings changed that shares the connections of this one; closing either closes both.

        Args:
            **options: Settings as for the client; headers and query parameters are added to those that there are.

        Raises:
            ValueError: A setting is out of its range.
            TypeError: A setting is unknown or of the wrong type.
        """
        check_names(options, ClientOptions, "with_options")
        return self._of(self._caller.with_settings(change(self._caller.settings, options)))

    @property
    def base_url(self) -> str:
        """The address of the API, without a slash at the end."""
        return self._caller.settings.base_url

    @property
    def timeout(self) -> httpx.Timeout:
        """Bounds of the phases of one request."""
        return self._caller.settings.timeout

    @property
    def max_retries(self) -> int:
        """The number of requests that may follow the first."""
        return self._caller.settings.max_retries

    if not TYPE_CHECKING:  # pragma: no branch - a type checker is to refuse what is not there

        def __getattr__(self, name: str) -> Any:
            what = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name in _NOT_OFFERED:
                what += ": the gateway has no such endpoint; it has chat.completions, responses, models and me"
            raise AttributeError(what, name=name, obj=self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    def __getstate__(self) -> dict[str, Any]:
        http_client = self._caller.pool.http_client
        # The name of a transport can be made anew elsewhere, a client of the user's cannot.
        named = http_client if isinstance(http_client, str) else None
        return {"settings": self._caller.settings, "http_client": named}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._caller = self._new_caller(state["settings"], state.get("http_client"))


class Client(_BaseClient["Caller"]):
    """A client of the gateway for threads; see `AsyncClient` for event loops.

    Args:
        api_key: The key; else AURIKO_API_KEY.
        base_url: Where the API is; else AURIKO_BASE_URL, else the gateway. `/v1` is added where it has no path.
        timeout: Bound in seconds of each phase of a request (connect, send, wait, pool), or `httpx.Timeout`.
        max_retries: How many requests may follow the first; 0 means exactly one request.
        deadline: Bound in seconds of a whole call with its retries and its stream.
        stream_idle_timeout: Bound in seconds of the wait for a stream's next event, while comments keep it alive; else
            ten minutes, or the read timeout if that is longer.
        default_headers: Headers of every request.
        default_query: Query parameters of every request.
        spend: A `SpendTracker` or `SpendLedger` that is told what every call cost.
        http_client: A client of yours to send with, with its own proxies, transports and hooks, which you close; or
            "httptools", for connections that take a third of the CPU time; else AURIKO_HTTP_CLIENT.
        pickle_api_key: Whether the key goes into pickles; without it a worker reads AURIKO_API_KEY.

    Raises:
        AuthenticationError: There is no key.
        ValueError: A setting is out of its range; a key is never part of the message.
        ImportError: `http_client="httptools"` without the extra `auriko[fast]`.
    """

    def __init__(self, *, http_client: HttpClient | None = None, **settings: Unpack[ClientSettings]) -> None:
        super().__init__(check_http_client(http_client, httpx.Client), settings)

    @staticmethod
    def _new_caller(settings: Settings, http_client: HttpClient | None) -> Caller:
        from auriko._caller import Caller
        from auriko._http.pool import Pool

        return Caller(settings, Pool(settings.base_url, http_client))

    @cached_property
    def chat(self) -> Chat:
        """Chat completions."""
        from auriko.resources.chat import Chat

        return Chat(self._caller)

    @cached_property
    def models(self) -> Models:
        """The models and providers on offer."""
        from auriko.resources.models import Models

        return Models(self._caller)

    @cached_property
    def me(self) -> Me:
        """The identity behind the key."""
        from auriko.resources.me import Me

        return Me(self._caller)

    @cached_property
    def responses(self) -> Responses:
        """The Responses API."""
        from auriko.resources.responses import Responses

        return Responses(self._caller)

    def with_raw_response(self, method: Callable[P, ReplyT]) -> Callable[P, RawResponse[ReplyT]]:
        """The method with the HTTP reply as its result: `client.with_raw_response(client.models.list)()`."""
        from auriko._caller import raw_method

        return raw_method(method, self._caller)

    def close(self) -> None:
        """Closes the connections; a client of yours that was passed in stays open."""
        self._caller.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class AsyncClient(_BaseClient["AsyncCaller"]):
    """A client of the gateway for event loops: the arguments of `Client`, the methods awaited.

    One instance works on several event loops, one after another or at once; each has its own connections, which
    close with it.

    Args:
        http_client: An `httpx.AsyncClient` of yours to send with, which you close; or "httptools", as for `Client`.
        **settings: As for `Client`.

    Raises:
        ImportError: `http_client="httptools"` without the extra `auriko[fast]`.
    """

    def __init__(self, *, http_client: AsyncHttpClient | None = None, **settings: Unpack[ClientSettings]) -> None:
        super().__init__(check_http_client(http_client, httpx.AsyncClient), settings)

    @staticmethod
    def _new_caller(settings: Settings, http_client: AsyncHttpClient | None) -> AsyncCaller:
        from auriko._caller import AsyncCaller
        from auriko._http.pool import AsyncPool

        return AsyncCaller(settings, AsyncPool(settings.base_url, http_client))

    @cached_property
    def chat(self) -> AsyncChat:
        """Chat completions."""
        from auriko.resources.chat import AsyncChat

        return AsyncChat(self._caller)

    @cached_property
    def models(self) -> AsyncModels:
        """The models and providers on offer."""
        from auriko.resources.models import AsyncModels

        return AsyncModels(self._caller)

    @cached_property
    def me(self) -> AsyncMe:
        """The identity behind the key."""
        from auriko.resources.me import AsyncMe

        return AsyncMe(self._caller)

    @cached_property
    def responses(self) -> AsyncResponses:
        """The Responses API."""
        from auriko.resources.responses import AsyncResponses

        return AsyncResponses(self._caller)

    def with_raw_response(self, method: Callable[P, Awaitable[ReplyT]]) -> Callable[P, Awaitable[RawResponse[ReplyT]]]:
        """The method with the HTTP reply as its result: `await client.with_raw_response(client.models.list)()`."""
        from auriko._caller import raw_method

        return raw_method(method, self._caller)

    async def close(self) -> None:
        """Closes the connections; a client of yours that was passed in stays open."""
        await self._caller.close()

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()


for _kind in (Client, AsyncClient):
    show_parameters(_kind.__init__, ClientSettings)
