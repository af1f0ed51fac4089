"""`client.chat.completions.create(...)` (API section 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Literal, cast, overload

from typing_extensions import Unpack

from auriko._caller import AsyncCaller, Caller
from auriko._signature import show_parameters
from auriko._streams.chat import AsyncStream, Stream
from auriko.models.chat import ChatCompletion, ChatCompletionChunk
from auriko.resources._batching import AsyncBatchingCompletions, BatchingCompletions
from auriko.resources._chat_call import chat_call
from auriko.resources._parsing import AsyncParsingCompletions, ParsingCompletions
from auriko.resources._running import AsyncRunningCompletions, RunningCompletions
from auriko.types.chat_params import ChatParams

__all__ = ["AsyncChat", "AsyncCompletions", "Chat", "Completions", "chat_call"]


def _continuation(params: ChatParams, *, stream: bool) -> tuple[Callable[..., Any] | None, ChatParams]:
    """What has a stream gone on with, or None where it is not; and the arguments without that.

    Raises:
        ValueError: There is no stream, or no list of models.
    """
    rest = cast("ChatParams", {name: value for name, value in params.items() if name != "continue_on"})
    models = params.get("continue_on")
    if models is None:
        return None, rest
    if not stream:
        raise ValueError("continue_on is for streams: a plain answer is whole, or an error")
    if isinstance(models, str) or not models:
        raise ValueError("continue_on is a list of models, such as ['claude-sonnet-4-6']")
    messages: Any = params.get("messages")
    if isinstance(messages, Iterable) and not isinstance(messages, (str, bytes, Mapping)):
        # They are sent twice, and may come from a generator.
        rest["messages"] = list(messages)  # pyright: ignore[reportUnknownArgumentType]
    from auriko._streams.continued import Continuation, continued

    return partial(continued, Continuation(rest, models)), rest


class Completions(ParsingCompletions, BatchingCompletions, RunningCompletions):
    """Chat completions."""

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
        if "continue_on" in params:
            goes_on, params = _continuation(params, stream=stream)
            opened = self.create(stream=stream, **params)
            return goes_on(opened, partial(self.create, stream=True)) if goes_on is not None else opened
        call = chat_call(params, stream=bool(stream), caller=self._caller)
        if stream:
            return self._caller.stream(call, Stream[ChatCompletionChunk])
        return self._caller.request(call)


class AsyncCompletions(AsyncParsingCompletions, AsyncBatchingCompletions, AsyncRunningCompletions):
    """Chat completions, awaited."""

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
        if "continue_on" in params:
            goes_on, params = _continuation(params, stream=stream)
            opened = await self.create(stream=stream, **params)
            return goes_on(opened, partial(self.create, stream=True)) if goes_on is not None else opened
        call = chat_call(params, stream=bool(stream), caller=self._caller)
        if stream:
            return await self._caller.stream(call, AsyncStream[ChatCompletionChunk])
        return await self._caller.request(call)


show_parameters(Completions.create, ChatParams)
show_parameters(AsyncCompletions.create, ChatParams)


class Chat:
    """Holds `completions`."""

    def __init__(self, caller: Caller) -> None:
        self.completions = Completions(caller)


class AsyncChat:
    """Holds `completions`."""

    def __init__(self, caller: AsyncCaller) -> None:
        self.completions = AsyncCompletions(caller)
