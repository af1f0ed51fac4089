"""`client.chat.completions.create(...)` (API section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, overload

from typing_extensions import Unpack

from auriko._call import Call, encode_body, merge_extra_body, refuse_unknown, take_options
from auriko._signature import show_parameters
from auriko._stream import AsyncStream, Stream
from auriko.models.chat import ChatCompletion, ChatCompletionChunk
from auriko.resources._base import AsyncCaller, Caller
from auriko.routing import GatewayOptions
from auriko.types.chat_params import ChatParams


def chat_call(params: Mapping[str, Any], *, stream: bool) -> Call[ChatCompletion]:
    """The call of a chat completion request; the arguments are not kept.

    Raises:
        ValueError: Neither or both of `model` and `gateway.models`, or a value that cannot be sent.
        TypeError: An unknown argument.
    """
    refuse_unknown(params, ChatParams.__annotations__, "create")
    if "messages" not in params:
        raise TypeError("create() needs messages")
    given = dict(params)
    options = take_options(given)
    extra = given.pop("extra_body", None)
    body = {name: value for name, value in given.items() if value is not None}
    body["messages"] = _messages(body.get("messages"))
    if "gateway" in body:
        body["gateway"] = check_gateway(body["gateway"])
    if stream:
        body["stream"] = True
    body = merge_extra_body(body, extra)
    model = check_model(body)
    check_extensions(body.get("extensions"))
    return Call(
        method="POST",
        path="/chat/completions",
        reply=ChatCompletion,
        body=encode_body(body),
        stream=stream,
        model=model,
        **options,
    )


def _messages(messages: Any) -> list[Any]:
    """A snapshot of the messages, which may come from a generator."""
    if messages is None or isinstance(messages, (str, bytes, Mapping)):
        raise ValueError("messages is a list of messages such as {'role': 'user', 'content': '...'}")
    snapshot = list(messages)
    if not snapshot:
        raise ValueError("messages is empty; the gateway needs at least one")
    return snapshot


def check_gateway(gateway: GatewayOptions | Mapping[str, Any]) -> dict[str, Any]:
    """The `gateway` object as it goes over the wire.

    Raises:
        ValueError: An unknown field or a value out of its range; pydantic's ValidationError is one.
    """
    if not isinstance(gateway, GatewayOptions):
        gateway = GatewayOptions.model_validate(gateway)
    return gateway.to_dict()


def check_model(body: Mapping[str, Any]) -> str:
    """The model or models that a body asks for, as one text.

    Raises:
        ValueError: It names neither `model` nor `gateway.models`, or both.
    """
    gateway = body.get("gateway")
    models: Any = cast("Mapping[str, Any]", gateway).get("models") if isinstance(gateway, Mapping) else None
    model = body.get("model")
    if model and models:
        raise ValueError("give either model or gateway.models, not both")
    if not model and not models:
        raise ValueError("give a model, or candidates in gateway={'models': [...]}")
    return str(model) if model else ",".join(map(str, models))


def check_extensions(extensions: Any) -> None:
    """Nothing, if the extensions are keyed by provider.

    Raises:
        ValueError: They ask for reasoning in the old way.
    """
    if isinstance(extensions, Mapping) and "thinking" in extensions:
        raise ValueError("extensions.thinking is no longer part of the API: use reasoning_effort='low' ... 'max'")


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
