"""`client.chat.completions.parse(...)`: answers that are objects of a type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar, overload

from typing_extensions import Unpack

from auriko._caller import AsyncResource, Resource
from auriko._signature import show_parameters
from auriko._streams.chat import AsyncStream, Stream
from auriko.models.chat import ChatCompletionChunk
from auriko.resources._chat_call import parse_call
from auriko.types.chat_params import ParseParams

if TYPE_CHECKING:  # imported when something is parsed
    from auriko._streams.parsed import AsyncParsedChatStream, ParsedChatStream
    from auriko.models.parsed import ParsedChatCompletion
    from auriko.schemas.response_format import AnswerType

T = TypeVar("T")


class ParsingCompletions(Resource):
    """Chat completions whose answers are objects."""

    @overload
    def parse(
        self, *, response_format: AnswerType[T], stream: Literal[False] = False, **params: Unpack[ParseParams]
    ) -> ParsedChatCompletion[T]: ...
    @overload
    def parse(
        self, *, response_format: AnswerType[T], stream: Literal[True], **params: Unpack[ParseParams]
    ) -> ParsedChatStream[T]: ...
    def parse(
        self, *, response_format: AnswerType[T], stream: bool = False, **params: Unpack[ParseParams]
    ) -> ParsedChatCompletion[T] | ParsedChatStream[T]:
        """The model's answer as an object: a completion whose `parsed` it is.

        With `stream=True` it is an iterator of events, each with the answer as far as it has come (`partial`); the
        end raises where the answer is no such object, and `parsed` is it.

        Args:
            response_format: A pydantic model, dataclass, typed dictionary, `list[int]`, enum or plain type; for
                anything else a `pydantic.TypeAdapter` of it.
            stream: Whether the answer is to be streamed.
            **params: As for `create`.

        Raises:
            StructuredOutputError: The answer holds no such object; the subclass says why, `text` is what it says.
            AurikoAPIError: What the gateway or the network answered.
            ValueError: The request cannot be sent as it is.
            TypeError: An unknown argument, or no type.
        """
        from auriko.schemas.response_format import response_format_of

        form = response_format_of(response_format)
        call = parse_call(params, form, stream=stream, caller=self._caller)
        if not stream:
            return self._caller.request(call)
        from auriko._streams.parsed import parsed_chunks

        return parsed_chunks(self._caller.stream(call, Stream[ChatCompletionChunk]), form)


class AsyncParsingCompletions(AsyncResource):
    """Chat completions whose answers are objects, awaited."""

    @overload
    async def parse(
        self, *, response_format: AnswerType[T], stream: Literal[False] = False, **params: Unpack[ParseParams]
    ) -> ParsedChatCompletion[T]: ...
    @overload
    async def parse(
        self, *, response_format: AnswerType[T], stream: Literal[True], **params: Unpack[ParseParams]
    ) -> AsyncParsedChatStream[T]: ...
    async def parse(
        self, *, response_format: AnswerType[T], stream: bool = False, **params: Unpack[ParseParams]
    ) -> ParsedChatCompletion[T] | AsyncParsedChatStream[T]:
        """The model's answer as an object, awaited; arguments and errors are those of `Completions.parse`."""
        from auriko.schemas.response_format import response_format_of

        form = response_format_of(response_format)
        call = parse_call(params, form, stream=stream, caller=self._caller)
        if not stream:
            return await self._caller.request(call)
        from auriko._streams.parsed import async_parsed_chunks

        return async_parsed_chunks(await self._caller.stream(call, AsyncStream[ChatCompletionChunk]), form)


show_parameters(ParsingCompletions.parse, ParseParams)
show_parameters(AsyncParsingCompletions.parse, ParseParams)
