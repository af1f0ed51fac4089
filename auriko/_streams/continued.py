"""Streams that another model goes on with where they are cut: `create(stream=True, continue_on=["model-b"])`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from auriko._streams.base import AsyncItemStream, ItemStream
from auriko._streams.chat import AsyncStream, Stream
from auriko.errors import APIConnectionError, AurikoAPIError
from auriko.models.chat import ChatCompletionChunk
from auriko.routing import merge_gateway

# What a stream is made of while it runs.
_STATE: Final = ("_opened", "_reader", "_ready", "_observation", "_ended", "_channel")
# Requests whose answer is more than plain text, which nobody can go on with.
_NOT_PLAIN: Final = ("tools", "response_format", "logprobs", "web_search_options")


class Continuation:
    """What has come of an answer, and how another model goes on with it.

    Args:
        params: The arguments of `create`, without `continue_on`.
        models: The models to go on with, each once.
    """

    def __init__(self, params: Mapping[str, Any], models: Sequence[str]) -> None:
        deadline = params.get("deadline")
        self._params: dict[str, Any] = dict(params)
        self._until = time.monotonic() + deadline if deadline is not None else None
        self._left = list(models)
        self._is_plain = (params.get("n") or 1) == 1 and not any(params.get(name) for name in _NOT_PLAIN)
        self._pieces: list[str] = []
        self._model = ""
        self._seam: str | None = None

    def saw(self, chunk: ChatCompletionChunk) -> ChatCompletionChunk:
        """The chunk, which says where the answer was gone on with."""
        self._model = chunk.model or self._model
        for choice in chunk.choices:
            delta = choice.delta
            if delta.content:
                self._pieces.append(delta.content)
            said = (delta.tool_calls, delta.reasoning_content, delta.reasoning_signature, delta.refusal, delta.images)
            self._is_plain = self._is_plain and not any(said)
        if self._seam is not None and chunk.choices:
            chunk.continued_from, self._seam = self._seam, None
        return chunk

    def following(self, error: AurikoAPIError) -> dict[str, Any] | None:
        """The arguments of the call that goes on, or None where nobody can."""
        text = "".join(self._pieces)
        cut = isinstance(error, APIConnectionError) or error.status_code >= 500
        if not (cut and self._is_plain and text.strip() and self._left):
            return None
        params: dict[str, Any] = {**self._params, "model": self._left.pop(0), "models": None}
        gateway = merge_gateway(None, params.get("gateway"))
        params["gateway"] = {name: value for name, value in gateway.items() if name != "models"} or None
        if self._until is not None:
            params["deadline"] = self._until - time.monotonic()
            if params["deadline"] <= 0:
                return None
        # Some providers refuse a prefill that ends with a space.
        params["messages"] = [*params["messages"], {"role": "assistant", "content": text.rstrip()}]
        self._seam = self._model
        return params


class ContinuedStream(Stream[ChatCompletionChunk]):
    """The chunks of a chat completion that another model goes on with where it is cut."""

    ask: Callable[..., ItemStream[Any, Any]]
    continuation: Continuation

    def __next__(self) -> ChatCompletionChunk:
        try:
            return self.continuation.saw(super().__next__())
        except AurikoAPIError as error:
            return self._go_on(error)

    def _go_on(self, error: AurikoAPIError) -> ChatCompletionChunk:
        while (params := self.continuation.following(error)) is not None:
            try:
                following = self.ask(**params)
            except AurikoAPIError:
                continue
            _take_over(self, following)
            return next(self)
        raise error


class AsyncContinuedStream(AsyncStream[ChatCompletionChunk]):
    """The chunks of a chat completion that another model goes on with where it is cut."""

    ask: Callable[..., Awaitable[AsyncItemStream[Any, Any]]]
    continuation: Continuation

    async def __anext__(self) -> ChatCompletionChunk:
        try:
            return self.continuation.saw(await super().__anext__())
        except AurikoAPIError as error:
            return await self._go_on(error)

    async def _go_on(self, error: AurikoAPIError) -> ChatCompletionChunk:
        while (params := self.continuation.following(error)) is not None:
            try:
                following = await self.ask(**params)
            except AurikoAPIError:
                continue
            _take_over(self, following)
            return await anext(self)
        raise error


def continued(continuation: Continuation, stream: Any, ask: Callable[..., Any]) -> Any:
    """The stream, which `ask` is to go on with."""
    kind: Any = ContinuedStream if isinstance(stream, Stream) else AsyncContinuedStream
    made = kind.__new__(kind)
    _take_over(made, stream)
    made.ask, made.continuation = ask, continuation
    return made


def _take_over(stream: Any, other: Any) -> None:
    """Has a stream go on as another one, which is nobody's then."""
    for name in _STATE:
        setattr(stream, name, getattr(other, name))
    vars(other)["_ended"] = True
