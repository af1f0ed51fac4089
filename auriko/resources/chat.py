"""`client.chat.completions.create(...)` (API section 3)."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from typing_extensions import Unpack

from auriko._caller import AsyncCaller, Caller
from auriko._rules.call import Call
from auriko._signature import show_parameters
from auriko._streams.chat import AsyncStream, Stream
from auriko.models.chat import ChatCompletion, ChatCompletionChunk
from auriko.resources._inference import inference_call
from auriko.types.batch_params import BatchOptions
from auriko.types.chat_params import ChatParams

if TYPE_CHECKING:
    from auriko.batch import AsyncBatch, Batch


def chat_call(params: Mapping[str, Any], *, stream: bool) -> Call[ChatCompletion]:
    """The call of a chat completion request; the arguments are not kept.

    Raises:
        ValueError: Neither or both of `model` and `gateway.models`, or a value that cannot be sent.
        TypeError: An unknown argument.
    """
    return inference_call(
        params, ChatParams, "/chat/completions", ChatCompletion, stream=stream, snapshot=_snapshot_messages
    )


def _snapshot_messages(body: dict[str, Any]) -> None:
    """Checks the messages and copies them, since they may come from a generator."""
    messages = body.get("messages")
    if messages is None or isinstance(messages, (str, bytes, Mapping)):
        raise ValueError("messages is a list of messages such as {'role': 'user', 'content': '...'}")
    body["messages"] = list(messages)
    if not body["messages"]:
        raise ValueError("messages is empty; the gateway needs at least one")


_plain_call: Final = partial(chat_call, stream=False)


class Completions:
    """Chat completions."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    @overload
    def create(self, *, stream: Literal[False] = False, **params: Unpack[ChatParams]) -> ChatCompletion: ...
    @overload
    def create(self, *, stream: Literal[True], **params: Unpack[ChatParams]) -> Stream[ChatCompletionChunk]: ...
    @overload
    def create(self, *, stream: bool, **params: Unpack[ChatParams]) -> ChatCompletion | Stream[ChatCompletionChunk]: ...
    def create(
        self, *, stream: bool = False, **params: Unpack[ChatParams]
    ) -> ChatCompletion | Stream[ChatCompletionChunk]:
        """The model's answer: a `ChatCompletion`, or with `stream=True` an iterator of its chunks.

        Exactly one of `model` and `models` is given. A stream is returned once its first chunk
        has arrived, so what fails before it is retried and raised here.

        Raises:
            AurikoAPIError: What the gateway or the network answered.
            ValueError: The request cannot be sent as it is.
            TypeError: An unknown argument.
        """
        call = chat_call(params, stream=bool(stream))
        if stream:
            return self._caller.stream(call, Stream[ChatCompletionChunk])
        return self._caller.request(call)

    @overload
    def batch(
        self,
        requests: Iterable[Mapping[str, Any]],
        *,
        on_error: Literal["return"] = "return",
        **options: Unpack[BatchOptions],
    ) -> list[ChatCompletion | Exception]: ...
    @overload
    def batch(
        self, requests: Iterable[Mapping[str, Any]], *, on_error: Literal["raise"], **options: Unpack[BatchOptions]
    ) -> list[ChatCompletion]: ...
    def batch(
        self,
        requests: Iterable[Mapping[str, Any]],
        *,
        on_error: Literal["return", "raise"] = "return",
        **options: Unpack[BatchOptions],
    ) -> list[Any]:
        """The replies to many requests, in their order, with an exception in the place of each that failed.

        Each request is a dict of the arguments of `create`; any iterable of them will do, also a lazy one. Once
        `limit_usd`, or the limit of a `track_spend` around this, is reached, each request that is left gets a
        `BudgetExceededError` and is not sent. Left by Ctrl-C, the batch leaves no request under way.

        Args:
            requests: What to send.
            on_error: "return" puts exceptions into the list; "raise" raises the first and ends the batch.
            **options: `max_concurrency`, `max_per_second`, `limit_usd` in USD, `progress`; see `BatchOptions`.

        Raises:
            ValueError: An option is out of its range.
            TypeError: An option is unknown, or the requests are no iterable of dicts.
        """
        from auriko.batch import collect

        return collect(self.batch_as_completed(requests, **options), on_error)

    def batch_as_completed(
        self, requests: Iterable[Mapping[str, Any]], **options: Unpack[BatchOptions]
    ) -> Batch[ChatCompletion]:
        """A batch that gives each reply, or exception, with its request's index as soon as it is there.

        `with client.chat.completions.batch_as_completed(requests) as replies: for index, reply in replies: ...`
        keeps nothing that has been given out, and reads no request before there is room for it.
        """
        from auriko.batch import Batch

        return Batch(self._caller, _plain_call, requests, options)


class AsyncCompletions:
    """Chat completions, awaited."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    @overload
    async def create(self, *, stream: Literal[False] = False, **params: Unpack[ChatParams]) -> ChatCompletion: ...
    @overload
    async def create(
        self, *, stream: Literal[True], **params: Unpack[ChatParams]
    ) -> AsyncStream[ChatCompletionChunk]: ...
    @overload
    async def create(
        self, *, stream: bool, **params: Unpack[ChatParams]
    ) -> ChatCompletion | AsyncStream[ChatCompletionChunk]: ...
    async def create(
        self, *, stream: bool = False, **params: Unpack[ChatParams]
    ) -> ChatCompletion | AsyncStream[ChatCompletionChunk]:
        """The model's answer, awaited; arguments and errors are those of `Completions.create`."""
        call = chat_call(params, stream=bool(stream))
        if stream:
            return await self._caller.stream(call, AsyncStream[ChatCompletionChunk])
        return await self._caller.request(call)

    @overload
    async def batch(
        self,
        requests: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        on_error: Literal["return"] = "return",
        **options: Unpack[BatchOptions],
    ) -> list[ChatCompletion | Exception]: ...
    @overload
    async def batch(
        self,
        requests: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        on_error: Literal["raise"],
        **options: Unpack[BatchOptions],
    ) -> list[ChatCompletion]: ...
    async def batch(
        self,
        requests: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        on_error: Literal["return", "raise"] = "return",
        **options: Unpack[BatchOptions],
    ) -> list[Any]:
        """The replies to many requests, awaited; arguments and errors are those of `Completions.batch`.

        The requests may also come from an async iterable.
        """
        from auriko.batch import collect_async

        return await collect_async(self.batch_as_completed(requests, **options), on_error)

    def batch_as_completed(
        self, requests: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]], **options: Unpack[BatchOptions]
    ) -> AsyncBatch[ChatCompletion]:
        """A batch as `Completions.batch_as_completed` gives it, for `async with` and `async for`."""
        from auriko.batch import AsyncBatch

        return AsyncBatch(self._caller, _plain_call, requests, options)


show_parameters(Completions.create, ChatParams)
show_parameters(AsyncCompletions.create, ChatParams)
for _batched in (Completions, AsyncCompletions):
    show_parameters(_batched.batch, BatchOptions)
    show_parameters(_batched.batch_as_completed, BatchOptions)


class Chat:
    """Holds `completions`."""

    def __init__(self, caller: Caller) -> None:
        self.completions = Completions(caller)


class AsyncChat:
    """Holds `completions`."""

    def __init__(self, caller: AsyncCaller) -> None:
        self.completions = AsyncCompletions(caller)
