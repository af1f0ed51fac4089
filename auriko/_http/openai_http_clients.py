"""Clients of httpx or httpx2, which other packages take as their own, that have a gateway know of every call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Literal, Protocol

from auriko.errors import BudgetExceededError


class Call(Protocol):
    """A call under way, which is told of its reply."""

    def answered(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Takes the head."""

    def feed(self, data: bytes) -> None:
        """Takes a part of the body; an empty one is its end."""

    def fail(self, error: BaseException) -> None:
        """Takes what went wrong."""


class Gateway(Protocol):
    """What requests are sent to, and what they get on their way."""

    base_url: str
    last: Any

    def headers_of(self, url: str, authorization: str | None) -> dict[str, str]:
        """The headers that a request gets."""
        ...

    def start(self, method: str, url: str, body: bytes) -> tuple[bytes, Call] | None:
        """The body to send and the call that starts, or None."""
        ...


class _Bridge:
    """What clients of both kinds share."""

    _library: ClassVar[Any]
    _base: ClassVar[Any]
    _reading: ClassVar[Any]

    def __init__(self, gateway: Gateway, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._gateway = gateway

    @property
    def last(self) -> Any:
        """The routing metadata of the reply that ended last, or None before the first."""
        return self._gateway.last

    @property
    def base_url_of_gateway(self) -> str:
        """What the framework is to be given as its `base_url`."""
        return self._gateway.base_url

    def _start(self, request: Any) -> tuple[Any, Call | None, Any]:
        """The request as it is sent, whose body has been read, the call that starts with it, or the answer to both."""
        url = str(request.url)
        try:
            request.headers.update(self._gateway.headers_of(url, request.headers.get("authorization")))
            started = self._gateway.start(request.method, url, request.content)
        except BudgetExceededError as error:
            return request, None, self._refusal(request, 402, error.code, error.message)
        except PermissionError as error:
            return request, None, self._refusal(request, 403, "key_for_another_host", str(error))
        if started is None:
            return request, None, None
        body, call = started
        if body is not request.content:
            headers = [(name, value) for name, value in request.headers.multi_items() if name != "content-length"]
            request = self._library.Request(
                request.method, request.url, headers=headers, content=body, extensions=request.extensions
            )
        return request, call, None

    def _tell_of(self, response: Any, call: Call) -> None:
        """Has the call told of the reply: now, or as it is read."""
        call.answered(response.status_code, response.headers.multi_items())
        if response.is_stream_consumed:  # a cache's, or a test's
            call.feed(response.content)
            call.feed(b"")
        else:
            response.stream = self._reading(response.stream, call)

    def _refusal(self, request: Any, status: int, code: str | None, message: str) -> Any:
        """An answer as the gateway gives it, which openai raises at once; an exception would be a failed connection."""
        error = {"message": message, "type": "invalid_request_error", "code": code}
        return self._library.Response(
            status, json={"error": error}, headers={"x-should-retry": "false"}, request=request
        )


class _Client(_Bridge):
    def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        request.read()
        request, call, refusal = self._start(request)
        if refusal is not None:
            return refusal
        if call is None:
            return self._base.send(self, request, stream=stream, **options)
        response: Any = None
        try:
            response = self._base.send(self, request, stream=True, **options)
            self._tell_of(response, call)
            if not stream:
                response.read()
        except BaseException as error:
            call.fail(error)
            if response is not None:
                response.close()
            raise
        return response


class _AsyncClient(_Bridge):
    async def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        await request.aread()
        request, call, refusal = self._start(request)
        if refusal is not None:
            return refusal
        if call is None:
            return await self._base.send(self, request, stream=stream, **options)
        response: Any = None
        try:
            response = await self._base.send(self, request, stream=True, **options)
            self._tell_of(response, call)
            if not stream:
                await response.aread()
        except BaseException as error:
            call.fail(error)
            if response is not None:
                await response.aclose()
            raise
        return response


class _Reading:
    """A reply's body, of which a call is told as it is read."""

    def __init__(self, body: Any, call: Call) -> None:
        self._body = body
        self._call = call


class _SyncReading(_Reading):
    def __iter__(self) -> Iterator[bytes]:
        try:
            for data in self._body:
                if data:
                    self._call.feed(data)
                yield data
            self._call.feed(b"")
        except Exception as error:
            self._call.fail(error)
            raise

    def close(self) -> None:
        self._call.fail(GeneratorExit())
        self._body.close()


class _AsyncReading(_Reading):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for data in self._body:
                if data:
                    self._call.feed(data)
                yield data
            self._call.feed(b"")
        except Exception as error:
            self._call.fail(error)
            raise

    async def aclose(self) -> None:
        self._call.fail(GeneratorExit())
        await self._body.aclose()


@cache
def client_class(library: Literal["httpx", "httpx2"], kind: Literal["Client", "AsyncClient"]) -> type[Any]:
    """The library's client, with what calls go through on their way.

    Raises:
        ImportError: The library is not installed.
    """
    module: Any = import_module(library)
    own, reading, body = {
        "Client": (_Client, _SyncReading, module.SyncByteStream),
        "AsyncClient": (_AsyncClient, _AsyncReading, module.AsyncByteStream),
    }[kind]
    base = getattr(module, kind)
    attributes = {"_library": module, "_base": base, "_reading": type("Reading", (reading, body), {})}
    return type(f"Gateway{kind}", (own, base), attributes)
