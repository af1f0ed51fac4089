"""The gateway as requests of other clients meet it: its options, its key, and what is told of calls. No I/O."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit

from typing_extensions import TypedDict

from auriko._observing.observation import Observation, observe, recorders_of
from auriko._observing.steps import holding
from auriko._rules.body import encode_body
from auriko._rules.exchange import Answer, parse_reply
from auriko._rules.reader import StreamReader
from auriko._settings import Settings
from auriko._streams.chat import ChatReader
from auriko._streams.responses import ResponsesReader
from auriko.errors import AurikoAPIError
from auriko.errors._mapping import error_from_reply
from auriko.models.chat import ChatCompletion
from auriko.models.responses import Response
from auriko.response_headers import ResponseHeaders
from auriko.routing import GatewayMetadata, GatewayOptions, RoutingMetadata, RoutingOptions, merge_gateway
from auriko.spend import Recorder
from auriko.tracing import current_llm_span, on_span

logger: Final = logging.getLogger("auriko")
_KINDS: Final[dict[str, tuple[type[Any], type[StreamReader[Any, Any]]]]] = {
    "/chat/completions": (ChatCompletion, ChatReader),
    "/responses": (Response, ResponsesReader),
}


class BridgeOptions(TypedDict, total=False):
    """The options of the clients that frameworks take.

    Attributes:
        models: Candidates, one to ten; they take the place of the model that the framework asks for.
        routing: How to choose among providers; what a request names itself wins, value by value.
        metadata: Labels of every request, as `gateway.metadata`.
        spend: A `SpendTracker` or `SpendLedger` that is told of every call.
        on_reply: A function that is called with the routing metadata of every reply.
        api_key: The key; else AURIKO_API_KEY. It goes to the gateway's host alone.
        base_url: Where the gateway is; else AURIKO_BASE_URL.
        library: The HTTP library that the framework uses; else that of the package openai as it is installed.
        http: Arguments of the HTTP client, such as `{"timeout": 60, "proxy": ...}`.
    """

    models: list[str] | None
    routing: RoutingOptions | Mapping[str, Any] | None
    metadata: GatewayMetadata | Mapping[str, Any] | None
    spend: Recorder | None
    on_reply: Callable[[RoutingMetadata], object] | None
    api_key: str | None
    base_url: str | None
    library: Literal["httpx", "httpx2"] | None
    http: Mapping[str, Any] | None


class Gateway:
    """A gateway with the options of a client.

    Attributes:
        base_url: Where it is.
        last: The routing metadata of the reply that ended last, or None before the first.
    """

    def __init__(self, settings: Settings, options: BridgeOptions) -> None:
        given = {name: options.get(name) for name in ("models", "routing", "metadata")}
        told = {name: value for name, value in given.items() if value is not None}
        self._options = GatewayOptions.model_validate(told).to_dict()
        self._on_reply = options.get("on_reply")
        self._settings = settings
        self._authorization = settings.authorization()
        self._origin = _origin(settings.base_url)
        self._path = urlsplit(settings.base_url).path
        self.base_url = settings.base_url
        self.last: RoutingMetadata | None = None

    def headers_of(self, url: str, authorization: str | None) -> dict[str, str]:
        """The headers that a request gets: the key, and that its reply comes as it is, so that it can be read along.

        Raises:
            PermissionError: The request would take the key to another host.
        """
        if _origin(url) == self._origin:
            return {"authorization": self._authorization, "accept-encoding": "identity"}
        if authorization == self._authorization:
            raise PermissionError(
                f"The gateway's key goes to {self.base_url} alone, and this request was for {urlsplit(url).netloc}: "
                f"give the framework base_url={self.base_url!r}."
            )
        return {}

    def start(self, method: str, url: str, body: bytes) -> tuple[bytes, BridgedCall] | None:
        """The body with the gateway's options and the call that starts; None for what is no call of a model.

        Raises:
            BudgetExceededError: A limit has been reached.
        """
        path = urlsplit(url).path.removeprefix(self._path)
        if method != "POST" or path not in _KINDS or _origin(url) != self._origin:
            return None
        try:
            request: Any = json.loads(body)
        except ValueError:
            return None
        if not isinstance(request, dict):
            return None
        request = cast("dict[str, Any]", request)
        if self._options:
            request["gateway"] = merge_gateway(self._options, request.get("gateway"))
            if request["gateway"].get("models"):
                request.pop("model", None)
        gateway: dict[str, Any] = request.get("gateway") or {}
        models: list[str] | None = gateway.get("models")
        asked = ",".join(models) if models else str(request.get("model") or "")
        recorders = recorders_of(self._settings.recorders)
        hold = holding(recorders, asked, request, body)
        held = hold(None) if hold is not None else None
        with on_span(current_llm_span()):
            observation = observe(
                asked,
                path,
                self.base_url,
                recorders,
                held,
                stream=bool(request.get("stream")),
            )
        return encode_body(request) if self._options else body, BridgedCall(path, observation, self._note)

    def _note(self, metadata: RoutingMetadata) -> None:
        self.last = metadata
        if self._on_reply is not None:
            try:
                self._on_reply(metadata)
            except Exception:
                logger.exception("on_reply failed; the reply is complete.")


class BridgedCall:
    """A call under way over the client of another library; what is read of its reply is read along."""

    def __init__(self, path: str, observation: Observation, note: Callable[[RoutingMetadata], None]) -> None:
        self._model, self._stream = _KINDS[path]
        self._observation = observation
        self._note = note
        self._body = bytearray()
        self._reader: StreamReader[Any, Any] | None = None
        self._over = False

    def answered(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Takes the head of the reply."""
        self._answer = Answer(status, ResponseHeaders(headers))
        self._answer.attempt = 1
        self._readable = self._answer.headers.get("content-encoding", "identity") == "identity"
        if status // 100 == 2:
            self._observation.accept()
            if self._readable and "text/event-stream" in self._answer.headers.get("content-type", ""):
                self._reader = self._stream(self._answer.headers)
                self._observation.first_item()
        self._observation.leave()

    def feed(self, data: bytes) -> None:
        """Takes a part of the reply's body; an empty one is its end."""
        reader = self._reader
        if reader is not None and not self._over:
            reader.feed(data)
            reader.ready.clear()  # the framework has them
            if reader.over:
                self._end(reader.failure, reader.usage, reader.routing_metadata)
        elif data:
            self._body += data if self._readable else b""
        elif not self._over:
            self._end_of_whole()

    def fail(self, error: BaseException) -> None:
        """Takes what went wrong with the request, or with reading its reply."""
        headers = self._answer.headers if hasattr(self, "_answer") else None
        usage, metadata = (self._reader.usage, self._reader.routing_metadata) if self._reader else (None, None)
        self._over = True
        if isinstance(error, Exception):
            self._observation.fail(error, headers, usage, metadata)
        else:  # cancelled, or left
            self._observation.end("abandoned", headers, usage, metadata)

    def _end_of_whole(self) -> None:
        answer, body = self._answer, bytes(self._body)
        if not self._readable:  # against what was asked for; what the call cost is not known
            self._end(None, None, None)
            return
        try:
            if answer.status // 100 != 2:
                raise error_from_reply(answer.status, answer.headers, body)
            reply: Any = parse_reply(self._model, body, answer)
        except AurikoAPIError as error:
            self._end(error, None, None)
        else:
            self._end(None, reply.usage, reply.routing_metadata)

    def _end(self, error: AurikoAPIError | None, usage: Any, metadata: RoutingMetadata | None) -> None:
        self._over = True
        if error is not None:
            self._observation.fail(error, self._answer.headers, usage, metadata)
        else:
            self._observation.end("ok", self._answer.headers, usage, metadata)
        if metadata is not None:
            self._note(metadata)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
