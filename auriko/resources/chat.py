"""`client.chat.completions.create(...)` (API section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, overload

from typing_extensions import Unpack

from auriko._call import Call
from auriko._signature import show_parameters
from auriko._stream import AsyncStream, Stream
from auriko.models.chat import ChatCompletion, ChatCompletionChunk
from auriko.resources._base import AsyncCaller, Caller
from auriko.resources._inference import inference_call
from auriko.types.chat_params import ChatParams


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


class Completions:
    """Chat completions."""

    def __init__(self, client: Caller) -> None:
        self._client = client

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

        Exactly one of `model` and `gateway={"models": [...]}` is given. A stream is returned once its first chunk
        has arrived, so what fails before it is retried and raised here.

        Raises:
            AurikoAPIError: What the gateway or the network answered.
            ValueError: The request cannot be sent as it is.
            TypeError: An unknown argument.
        """
        call = chat_call(params, stream=bool(stream))
        if stream:
            return self._client._stream(call, Stream[ChatCompletionChunk])  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return self._client._request(call)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


class AsyncCompletions:
    """Chat completions, awaited."""

    def __init__(self, client: AsyncCaller) -> None:
        self._client = client

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
            return await self._client._stream(call, AsyncStream[ChatCompletionChunk])  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return await self._client._request(call)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


show_parameters(Completions.create, ChatParams)
show_parameters(AsyncCompletions.create, ChatParams)


class Chat:
    """Holds `completions`."""

    def __init__(self, client: Caller) -> None:
        self.completions = Completions(client)


class AsyncChat:
    """Holds `completions`."""

    def __init__(self, client: AsyncCaller) -> None:
        self.completions = AsyncCompletions(client)
