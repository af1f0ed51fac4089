"""`client.responses.create(...)` (API section 11.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, overload

from typing_extensions import Unpack

from auriko._caller import AsyncCaller, Caller
from auriko._rules.call import Call
from auriko._signature import show_parameters
from auriko._streams.responses import AsyncResponseStream, ResponseStream
from auriko.models.responses import Response
from auriko.resources._inference import inference_call
from auriko.types.responses_params import ResponsesParams


def responses_call(params: Mapping[str, Any], *, stream: bool) -> Call[Response]:
    """The call of a Responses request; the arguments are not kept.

    Raises:
        ValueError: Neither or both of `model` and `gateway.models`, or a value that cannot be sent.
        TypeError: An unknown argument.
    """
    return inference_call(params, ResponsesParams, "/responses", Response, stream=stream, snapshot=_snapshot_input)


def _snapshot_input(body: dict[str, Any]) -> None:
    """Checks the input and copies it, since it may come from a generator."""
    given = body.get("input")
    if given is None or isinstance(given, (bytes, Mapping)):
        raise ValueError("input is a text, or a list of items such as {'role': 'user', 'content': '...'}")
    if not isinstance(given, str):
        body["input"] = given = list(given)
    if not given:
        raise ValueError("input is empty; the gateway needs a text or at least one item")


class Responses:
    """The Responses API; the gateway offers it as a preview."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

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
        call = responses_call(params, stream=bool(stream))
        if stream:
            return self._caller.stream(call, ResponseStream)
        return self._caller.request(call)


class AsyncResponses:
    """The Responses API, awaited; the gateway offers it as a preview."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

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
        call = responses_call(params, stream=bool(stream))
        if stream:
            return await self._caller.stream(call, AsyncResponseStream)
        return await self._caller.request(call)


show_parameters(Responses.create, ResponsesParams)
show_parameters(AsyncResponses.create, ResponsesParams)
