"""The gateway over HTTP: routes, keys, bodies, headers and errors."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as HTTPRoute

from auriko.sandbox import chat, discovery, responses
from auriko.sandbox.accounts import Account, Accounts, identity
from auriko.sandbox.catalog import CHAT, RESPONSES, Catalog
from auriko.sandbox.faults import HEADER, Fault, Faults, split_model
from auriko.sandbox.faulty_replies import broken, instead_of_reply
from auriko.sandbox.gateway import Dispatcher, Route
from auriko.sandbox.inference import Inference
from auriko.sandbox.journal import Journal, ReceivedRequest, redacted
from auriko.sandbox.pieces import Piece
from auriko.sandbox.replies import GatewayError, json_response
from auriko.sandbox.router.candidates import split_suffix
from auriko.sandbox.streaming import EventStream, unless_left
from auriko.sandbox.wire.base import parse_json
from auriko.sandbox.wire.read_chat import read_chat
from auriko.sandbox.wire.read_responses import read_responses

MAX_BODY_BYTES = 32 * 1024 * 1024

_logger = logging.getLogger("auriko.sandbox")


@dataclass(frozen=True, slots=True)
class Services:
    """What the endpoints work with."""

    catalog: Catalog
    dispatcher: Dispatcher
    accounts: Accounts
    journal: Journal
    faults: Faults
    public_journal: bool


@dataclass(frozen=True, slots=True)
class Received:
    """A request whose body has been read and whose key, if one is needed, is accepted."""

    request: Request
    content: dict[str, Any] | GatewayError
    account: Account | None
    fault: Fault | None

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent.

        Raises:
            GatewayError: It was something else.
        """
        if isinstance(self.content, GatewayError):
            raise self.content
        return self.content

    @property
    def caller(self) -> Account:
        """The account, where a key is needed."""
        if self.account is None:
            raise GatewayError("invalid_api_key", "There is no API key.")
        return self.account


Handler = Callable[[Services, Received], Awaitable[Response]]


def create_app(services: Services) -> Starlette:
    """The ASGI application."""

    def route(method: str, path: str, handler: Handler, *, public: bool = False) -> HTTPRoute:
        endpoint = _endpoint(services, handler, public=public, inference=method == "POST")
        return HTTPRoute(path, endpoint, methods=[method])

    return Starlette(
        routes=[
            route("POST", "/v1/chat/completions", _chat_completions),
            route("POST", "/v1/responses", _responses),
            route("GET", "/v1/models", _list_models),
            route("GET", "/v1/models/{model_id:path}", _get_model),
            route("GET", "/v1/directory/models", _directory, public=True),
            route("GET", "/v1/registry/models", _registry_models, public=True),
            route("GET", "/v1/registry/providers", _registry_providers, public=True),
            route("GET", "/v1/me", _me),
            route("GET", "/sandbox/report", _report, public=services.public_journal),
            route("GET", "/sandbox/decisions", _decisions, public=services.public_journal),
        ],
        exception_handlers={HTTPException: _no_route},
    )


async def _chat_completions(services: Services, received: Received) -> Response:
    inference = read_chat(received.body)
    return await _answer(
        services,
        received,
        inference,
        lambda route, pieces: chat.completion(inference, route, pieces),
        lambda route, pieces: EventStream(chat.chunks(inference, route, pieces), chat.error_block),
    )


async def _responses(services: Services, received: Received) -> Response:
    call = read_responses(received.body)
    return await _answer(
        services,
        received,
        call.inference,
        lambda route, pieces: responses.response(call, route, pieces),
        lambda route, pieces: EventStream(responses.events(call, route, pieces), responses.error_block),
    )


async def _answer(
    services: Services,
    received: Received,
    inference: Inference,
    as_object: Callable[[Route, list[Piece]], dict[str, Any]],
    as_stream: Callable[[Route, AsyncGenerator[Piece, None]], EventStream],
) -> Response:
    """The answer in its endpoint's own form, whole or streamed; nobody works on it once the client has left."""
    refuse = received.fault is not None and received.fault.kind == "refusal"
    inference = replace(inference, refuse=refuse)
    receive, dispatcher = received.request.receive, services.dispatcher
    if inference.stream:
        return as_stream(*await unless_left(receive, dispatcher.streamed(inference, received.caller)))
    return json_response(as_object(*await unless_left(receive, dispatcher.whole(inference, received.caller))))


async def _list_models(services: Services, received: Received) -> Response:
    endpoint = received.request.query_params.get("endpoint", CHAT)
    if endpoint not in {CHAT, RESPONSES}:
        raise GatewayError("invalid_parameter_value", f"endpoint must be {CHAT} or {RESPONSES}.", param="endpoint")
    return json_response(discovery.callable_models(services.catalog, endpoint))


async def _get_model(services: Services, received: Received) -> Response:
    name = received.request.path_params["model_id"]
    model = services.catalog.find(split_suffix(name)[0])
    if model is None:
        raise GatewayError("model_not_found", f"There is no model {name!r}.", param="model_id")
    return json_response(discovery.callable_model(model))


async def _directory(services: Services, _: Received) -> Response:
    return json_response(discovery.directory(services.catalog))


async def _registry_models(services: Services, _: Received) -> Response:
    return json_response(discovery.registry_models(services.catalog))


async def _registry_providers(services: Services, _: Received) -> Response:
    return json_response(discovery.registry_providers(services.catalog))


async def _me(_: Services, received: Received) -> Response:
    return json_response(identity(received.caller))


async def _report(services: Services, _: Received) -> Response:
    return json_response(services.journal.report())


async def _decisions(services: Services, _: Received) -> Response:
    return json_response({"decisions": list(services.journal.decisions)})


def _endpoint(
    services: Services, handler: Handler, *, public: bool, inference: bool
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        account: Account | None = None
        arrived: ReceivedRequest | None = None
        try:
            content = _parsed(await _read_body(request))
            arrived = _received(request, content)
            services.journal.arrived(arrived)
            if not public:
                account = services.accounts.authenticate(request.headers.get("authorization"))
            if inference and account is not None:
                services.accounts.admit(account)
                response = await _with_faults(services, handler, request, content, account)
            else:
                response = await handler(services, Received(request, content, account, None))
        except GatewayError as error:
            response = error.response()
        except ClientDisconnect:
            response = Response(status_code=499)  # nobody reads it
        except Exception:
            _logger.exception("%s %s failed", request.method, request.url.path)
            response = GatewayError("internal_error", "The sandbox failed; its log says how.").response()
        if arrived is not None:
            services.journal.answered(arrived, response.status_code, response.headers.get("retry-after"))
        return _with_headers(response, account)

    return endpoint


async def _with_faults(
    services: Services, handler: Handler, request: Request, content: dict[str, Any] | GatewayError, account: Account
) -> Response:
    """The handler's reply, or what the fault that strikes this request makes of it."""
    content, asked_for = _without_suffix(content)
    fault = services.faults.strike(request.headers.get(HEADER), asked_for)
    received = Received(request, content, account, fault)
    if fault is None:
        return await handler(services, received)
    instead = await unless_left(request.receive, instead_of_reply(fault))
    return broken(await handler(services, received), fault) if instead is None else instead


def _without_suffix(content: dict[str, Any] | GatewayError) -> tuple[dict[str, Any] | GatewayError, str | None]:
    """The body without the faults at the end of its model's name, and those faults."""
    if isinstance(content, GatewayError) or not isinstance(content.get("model"), str):
        return content, None
    model, faults = split_model(content["model"])
    return {**content, "model": model}, faults


async def _no_route(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        found = GatewayError("method_not_allowed", f"{request.url.path} does not take {request.method}.")
    else:
        found = GatewayError("resource_not_found", f"There is nothing at {request.url.path}.")
    return _with_headers(found.response(), None)


def _with_headers(response: Response, account: Account | None) -> Response:
    response.headers["X-Request-ID"] = f"req_{secrets.token_hex(12)}"
    if account is not None:
        response.headers.update(account.headers())
    return response


async def _read_body(request: Request) -> bytes:
    """The body; one that is too long is read to its end, so that the client gets to see the error."""
    body = bytearray()
    total = 0
    async for piece in request.stream():
        total += len(piece)
        if total <= MAX_BODY_BYTES:
            body += piece
    if total > MAX_BODY_BYTES:
        raise GatewayError("payload_too_large", f"The body is larger than {MAX_BODY_BYTES // 1024 // 1024} MiB.")
    return bytes(body)


def _parsed(body: bytes) -> dict[str, Any] | GatewayError:
    try:
        return parse_json(body)
    except GatewayError as error:
        return error


def _received(request: Request, content: dict[str, Any] | GatewayError) -> ReceivedRequest:
    return ReceivedRequest(
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        headers=redacted(dict(request.headers)),
        json=None if isinstance(content, GatewayError) else content,
        connection=request.state.connection,
        at=time.monotonic(),
    )
