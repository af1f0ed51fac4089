"""`client.responses.create(...)` (API section 11.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from typing_extensions import Unpack

from auriko._caller import AsyncCaller, AsyncResource, Caller, Resource
from auriko._rules.call import Call
from auriko._signature import show_parameters
from auriko._streams.responses import AsyncResponseStream, ResponseStream
from auriko.models.responses import Response
from auriko.resources._inference import inference_call
from auriko.types.responses_params import ResponsesParams

if TYPE_CHECKING:  # imported when something is parsed
    from auriko._streams.parsed import AsyncParsedResponseStream, ParsedResponseStream
    from auriko.models.parsed import ParsedResponse
    from auriko.schemas.response_format import AnswerType, ResponseFormat

T = TypeVar("T")


def responses_call(
    params: Mapping[str, Any], *, stream: bool, caller: Caller | AsyncCaller | None = None
) -> Call[Response]:
    """The call of a Responses request; the arguments are not kept.

    Raises:
        ValueError: Neither or both of `model` and `gateway.models`, or a value that cannot be sent.
        TypeError: An unknown argument.
    """
    return inference_call(
        params, ResponsesParams, "/responses", Response, stream=stream, snapshot=_snapshot_input, caller=caller
    )


def _snapshot_input(body: dict[str, Any]) -> None:
    """Checks the input and copies it, since it may come from a generator."""
    given = body.get("input")
    if given is None or isinstance(given, (bytes, Mapping)):
        raise ValueError("input is a text, or a list of items such as {'role': 'user', 'content': '...'}")
    if not isinstance(given, str):
        body["input"] = given = list(given)
    if not given:
        raise ValueError("input is empty; the gateway needs a text or at least one item")


def _parse_call(
    params: Mapping[str, Any], form: ResponseFormat[T], caller: Caller | AsyncCaller, *, stream: bool
) -> Call[ParsedResponse[T]]:
    text = dict(params.get("text") or {})
    if text.get("format"):
        raise ValueError("give either text_format or text['format'], not both")
    call = responses_call({**params, "text": {**text, "format": form.for_responses()}}, stream=stream, caller=caller)
    return cast("Call[ParsedResponse[T]]", replace(call, convert=cast("Any", form.of_response)))


class Responses(Resource):
    """The Responses API; the gateway offers it as a preview."""

    @overload
    def create(self, *, stream: Literal[False] = False, **params: Unpack[ResponsesParams]) -> Response: ...
    @overload
    def create(self, *, stream: Literal[True], **params: Unpack[ResponsesParams]) -> ResponseStream: ...
    @overload
    def create(self, *, stream: bool, **params: Unpack[ResponsesParams]) -> Response | ResponseStream: ...
    def create(self, *, stream: bool = False, **params: Unpack[ResponsesParams]) -> Response | ResponseStream:
        """The model's answer: a `Response`, or with `stream=True` an iterator of its events.

        Exactly one of `model` and `models` is given. A plain response whose `status` is "failed"
        comes back with its `error`; a stream raises it. A stream is returned once its first event has arrived.

        Raises:
            AurikoAPIError: What the gateway or the network answered.
            ValueError: The request cannot be sent as it is.
            TypeError: An unknown argument.
        """
        call = responses_call(params, stream=bool(stream), caller=self._caller)
        if stream:
            return self._caller.stream(call, ResponseStream)
        return self._caller.request(call)

    @overload
    def parse(
        self, *, text_format: AnswerType[T], stream: Literal[False] = False, **params: Unpack[ResponsesParams]
    ) -> ParsedResponse[T]: ...
    @overload
    def parse(
        self, *, text_format: AnswerType[T], stream: Literal[True], **params: Unpack[ResponsesParams]
    ) -> ParsedResponseStream[T]: ...
    def parse(
        self, *, text_format: AnswerType[T], stream: bool = False, **params: Unpack[ResponsesParams]
    ) -> ParsedResponse[T] | ParsedResponseStream[T]:
        """The model's answer as an object: a response whose `parsed` it is, or with `stream=True` a stream of events.

        Types, streams and errors are those of `client.chat.completions.parse`.

        Raises:
            StructuredOutputError: The text is no such object; the subclass says why, `text` is what it says.
            AurikoAPIError: What the gateway or the network answered; or the response failed.
            ValueError: The request cannot be sent as it is.
            TypeError: An unknown argument, or no type.
        """
        from auriko.schemas.response_format import response_format_of

        form = response_format_of(text_format)
        call = _parse_call(params, form, self._caller, stream=stream)
        if not stream:
            return self._caller.request(call)
        from auriko._streams.parsed import parsed_events

        return parsed_events(self._caller.stream(call, ResponseStream), form)


class AsyncResponses(AsyncResource):
    """The Responses API, awaited; the gateway offers it as a preview."""

    @overload
    async def create(self, *, stream: Literal[False] = False, **params: Unpack[ResponsesParams]) -> Response: ...
    @overload
    async def create(self, *, stream: Literal[True], **params: Unpack[ResponsesParams]) -> AsyncResponseStream: ...
    @overload
    async def create(self, *, stream: bool, **params: Unpack[ResponsesParams]) -> Response | AsyncResponseStream: ...
    async def create(
        self, *, stream: bool = False, **params: Unpack[ResponsesParams]
    ) -> Response | AsyncResponseStream:
        """The model's answer, awaited; arguments and errors are those of `Responses.create`."""
        call = responses_call(params, stream=bool(stream), caller=self._caller)
        if stream:
            return await self._caller.stream(call, AsyncResponseStream)
        return await self._caller.request(call)

    @overload
    async def parse(
        self, *, text_format: AnswerType[T], stream: Literal[False] = False, **params: Unpack[ResponsesParams]
    ) -> ParsedResponse[T]: ...
    @overload
    async def parse(
        self, *, text_format: AnswerType[T], stream: Literal[True], **params: Unpack[ResponsesParams]
    ) -> AsyncParsedResponseStream[T]: ...
    async def parse(
        self, *, text_format: AnswerType[T], stream: bool = False, **params: Unpack[ResponsesParams]
    ) -> ParsedResponse[T] | AsyncParsedResponseStream[T]:
        """The model's answer as an object, awaited; arguments and errors are those of `Responses.parse`."""
        from auriko.schemas.response_format import response_format_of

        form = response_format_of(text_format)
        call = _parse_call(params, form, self._caller, stream=stream)
        if not stream:
            return await self._caller.request(call)
        from auriko._streams.parsed import async_parsed_events

        return async_parsed_events(await self._caller.stream(call, AsyncResponseStream), form)


for _responses in (Responses, AsyncResponses):
    show_parameters(_responses.create, ResponsesParams)
    show_parameters(_responses.parse, ResponsesParams)
