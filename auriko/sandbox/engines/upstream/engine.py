"""A model of another server that speaks the OpenAI API, as an engine.

Every request asks for a stream, so that the first token can be timed; a server that answers with one object all the
same is understood. Nothing is sent anywhere but to the address that was named: redirects are not followed.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing
from typing import Any

import httpx
from pydantic import SecretStr
from pydantic_core import from_json

from auriko.sandbox.addresses import is_loopback
from auriko.sandbox.engines.base import EngineError, Event, Prompt
from auriko.sandbox.engines.json_types import is_object
from auriko.sandbox.engines.upstream.answer import UpstreamAnswer, refusal
from auriko.sandbox.engines.upstream.request import request_for

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 600.0
_LONGEST_LINE = 16 * 1024 * 1024
_DONE = b"[DONE]"
_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r(?=.)", re.DOTALL)  # one at the end may be the half of two


class UpstreamServer:
    """Connections to one server; they belong to the event loop of the first request.

    Args:
        base_url: Where its API is, such as `http://127.0.0.1:11434/v1`.
        api_key: Sent as a bearer token; None sends nothing.
        max_tokens_field: What it calls the most tokens to answer with.
    """

    def __init__(self, base_url: str, api_key: SecretStr | None = None, max_tokens_field: str = "max_tokens") -> None:
        self._base_url = base_url
        self._api_key = api_key
        self.max_tokens_field = max_tokens_field
        self._client: httpx.AsyncClient | None = None

    def settings(self) -> dict[str, Any]:
        """Arguments for an httpx client of this server."""
        return {
            "base_url": self._base_url,
            "auth": None if self._api_key is None else _Bearer(self._api_key),
            "trust_env": not is_loopback(httpx.URL(self._base_url).host),  # proxies are for what is far away
            "follow_redirects": False,
        }

    def client(self) -> httpx.AsyncClient:
        """The client for requests."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                **self.settings(),
                timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            )
        return self._client

    def without_key(self, text: str) -> str:
        """`text` without the server's key, should it quote that."""
        return text if self._api_key is None else text.replace(self._api_key.get_secret_value(), "***")

    async def aclose(self) -> None:
        """Close the connections. The next request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


class _Bearer(httpx.Auth):
    """Puts the key into a request at the last moment, so that no variable on the way holds it in the clear."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request, with the key."""
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


class UpstreamEngine:
    """One model of such a server.

    Args:
        name: The engine's name here.
        model: The model's name there.
    """

    def __init__(self, name: str, model: str, server: UpstreamServer) -> None:
        self.name = name
        self._model = model
        self._server = server

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        """Events of one run, as the upstream sends them."""
        body = request_for(self._model, prompt, self._server.max_tokens_field)
        try:
            async with self._server.client().stream("POST", "chat/completions", json=body) as reply:
                if reply.status_code != 200:
                    await reply.aread()
                    raise refusal(reply.status_code, json_or_none(reply.content), reply.headers.get("retry-after"))
                async with aclosing(_events(reply, UpstreamAnswer(prompt))) as events:
                    async for event in events:
                        yield event
        except EngineError as error:
            raise EngineError(self._server.without_key(str(error)), error.code, error.retry_after) from None
        except httpx.TimeoutException:
            raise EngineError("it did not answer in time", "upstream_timeout") from None
        except httpx.ConnectError:
            raise EngineError("nobody answers at its address", "no_provider_available") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise EngineError(f"the connection broke ({type(error).__name__})") from None

    async def aclose(self) -> None:
        """Close the connections to the server."""
        await self._server.aclose()


async def _events(reply: httpx.Response, answer: UpstreamAnswer) -> AsyncGenerator[Event, None]:
    """The events of a stream, or of one object."""
    if not reply.headers.get("content-type", "").startswith("text/event-stream"):
        for event in answer.read(_object(await reply.aread())):
            yield event
    else:
        async with aclosing(_data(reply)) as blocks:
            async for data in blocks:
                for event in answer.read(_object(data)):
                    yield event
    for event in answer.end():
        yield event


async def _data(reply: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The data of each event until `[DONE]`. JSON may hold other line separators than those of event streams."""
    rest = b""
    async for piece in reply.aiter_bytes():
        *lines, rest = _LINE_END.split(rest + piece)
        if len(rest) > _LONGEST_LINE:
            raise EngineError("it sent an event without an end")
        for line in lines:
            name, colon, value = line.removeprefix(_BOM).partition(b":")
            data = value.strip()
            if data == _DONE:
                return
            if colon and name in {b"data", b"error"} and data:
                yield data


def json_or_none(data: bytes) -> Any:
    """The value of this JSON, or None if it is none."""
    try:
        return from_json(data)
    except ValueError:
        return None


def _object(data: bytes) -> Mapping[str, Any]:
    value = json_or_none(data)
    if not is_object(value):
        raise EngineError("it sent something that is not a JSON object")
    return value
