"""Requests of httpx for `Send` steps, with their bounds of time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import httpx

from auriko._http.bounds import clamp
from auriko._http.internals import MARK
from auriko._rules.exchange import Send
from auriko.errors import APIConnectionError


class _Body(httpx.ByteStream):
    """A request's body without the async generator that httpx sends it with: trio warns of those that are cut short."""

    def __aiter__(self) -> Any:
        return _AsyncOnce(iter(self))


class _AsyncOnce:
    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    async def __anext__(self) -> bytes:
        for part in self._parts:
            return part
        raise StopAsyncIteration


def own_request(step: Send, mark: object) -> httpx.Request:
    """The request, whose headers are all made here: httpx takes ten times as long to fill in its own."""
    body = step.body or b""
    extensions = {"timeout": _timeouts(step), MARK: mark}
    request = httpx.Request(
        step.method, _url(step.url), headers=step.headers, stream=_Body(body), extensions=extensions
    )
    if body:
        request.headers["Content-Length"] = str(len(body))
    request.read()  # for those who look at requests: mocks and recorders
    return request


def head_of(request: httpx.Request) -> bytes:
    """The head of a request as it is sent.

    Raises:
        httpx.LocalProtocolError: A line break would make another request of it.
    """
    fields = request.headers.raw
    head = b"".join(
        (
            b"%s %s HTTP/1.1\r\n" % (request.method.encode("ascii"), request.url.raw_path),
            *(b"%s: %s\r\n" % field for field in fields),
            b"\r\n",
        )
    )
    lines = len(fields) + 2
    if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
        raise httpx.LocalProtocolError("A header has a line break in it.")
    return head


@lru_cache(maxsize=256)
def _url(text: str) -> httpx.URL:
    """The address, parsed once: a client calls few of them, over and over."""
    return httpx.URL(text)


def user_request(client: httpx.Client | httpx.AsyncClient, step: Send) -> httpx.Request:
    if client.is_closed:
        raise APIConnectionError("The http_client that was passed in is closed.", retryable=False)
    url = _url(step.url)
    extensions = {"timeout": _timeouts(step)}
    # The query is given once more, because parameters of that client would take its place.
    return client.build_request(
        step.method, url, params=url.params, headers=step.headers, content=step.body, extensions=extensions
    )


def _timeouts(step: Send) -> dict[str, float | None]:
    """The phases' bounds, none of them beyond the call's own."""
    phases = step.timeout.as_dict()
    if step.until is None:
        return phases
    return {name: clamp(bound, step.until) for name, bound in phases.items()}


def client_closed() -> APIConnectionError:
    """The error of every call on a closed client."""
    return APIConnectionError("The client is closed; make a new one.", retryable=False)
