"""The gateway over HTTP: routes, keys, bodies, headers and errors."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from auriko.sandbox.accounts.keys import Account
from auriko.sandbox.addresses import host_name, is_loopback
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.faults import HEADER, split_model
from auriko.sandbox.http.endpoints import OPERATIONS
from auriko.sandbox.http.faulty_replies import broken, instead_of_reply
from auriko.sandbox.http.not_found import not_found
from auriko.sandbox.http.openapi import openapi_document
from auriko.sandbox.http.operations import Operation, Received, Services, operation
from auriko.sandbox.http.replies import error_reply, json_reply
from auriko.sandbox.http.streaming import cancel_on_disconnect, note_break
from auriko.sandbox.journal.requests import NotedRequest, ReceivedRequest, redacted
from auriko.sandbox.live.pages import PAGES, ask_for_password, password_as_key
from auriko.sandbox.wire.base import parse_json

MAX_BODY_BYTES = 32 * 1024 * 1024
_TELL_BUDGETS = frozenset({"/v1/chat/completions", "/v1/me"})  # API section 13
_MAX_SKIPPED_BYTES = 8 * MAX_BODY_BYTES

_logger = logging.getLogger("auriko.sandbox")


def create_app(services: Services) -> Starlette:
    """The ASGI application."""

    @operation("GET", "/openapi.json", dict[str, Any], access="anyone")
    async def openapi(_: Services, __: Received) -> Response:
        """This document."""
        return json_reply(document())

    operations = (*OPERATIONS, *PAGES, openapi)
    document = cache(lambda: openapi_document(operations, journal_is_public=services.public_journal))
    app = Starlette(
        routes=[Route(each.path, _endpoint(services, each), methods=[each.method]) for each in operations],
        exception_handlers={HTTPException: partial(_no_route, services)},
    )
    app.router.redirect_slashes = False  # a path with a slash too many is none of the API's
    return app


def _endpoint(services: Services, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        request.state.id = f"req_{secrets.token_hex(12)}"
        account: Account | None = None
        noted: NotedRequest | None = None
        code: str | None = None
        try:
            caller = _caller(services, operation, request)
            body, size = await _read_body(request, keep=not isinstance(caller, GatewayError))
            content = _parsed(body)
            noted = _note(services, operation, request, content, size)
            if size > MAX_BODY_BYTES:
                message = f"The body is larger than {MAX_BODY_BYTES // 1024 // 1024} MiB."
                raise GatewayError("payload_too_large", message)  # noqa: TRY301 - it is noted by now
            if isinstance(caller, GatewayError):
                raise caller  # noqa: TRY301 - the body has been read, so that the client sees the error
            account = caller
            response = await _answer(services, operation, request, content, account)
        except GatewayError as error:
            response, code = error_reply(error), error.code
        except ClientDisconnect:
            noted = noted or _note(services, operation, request, None, 0)  # it has not come whole
            note_break(request.scope, "left")
            response = Response(status_code=499)  # nobody reads it
        except Exception:
            _logger.exception("%s %s failed", request.method, request.scope["path"])
            response = error_reply(GatewayError("internal_error", "The sandbox failed; its log says how."))
        if noted is not None:
            services.request_log.answered(noted, response.status_code, response.headers.get("retry-after"), code)
        response.headers["X-Request-ID"] = request.state.id
        if account is not None:
            response.headers.update(account.headers(with_budgets=operation.path in _TELL_BUDGETS))
        return response

    return endpoint


def _caller(services: Services, operation: Operation, request: Request) -> Account | GatewayError | None:
    """Whose key came along, where one is needed; or why the request is refused."""
    authorization = request.headers.get("authorization")
    try:
        if services.public_journal:
            _check_host(request)
        if not operation.needs_key(journal_is_public=services.public_journal):
            return None
        if operation.access == "page":
            authorization = password_as_key(authorization)
        return services.accounts.authenticate(authorization)
    except GatewayError as error:
        return ask_for_password(error) if operation.access == "page" else error


async def _answer(
    services: Services,
    operation: Operation,
    request: Request,
    content: dict[str, Any] | GatewayError,
    account: Account | None,
) -> Response:
    """The handler's reply, or what the fault that strikes this request makes of it."""
    if operation.body is None or account is None:
        return await operation.handler(services, Received(request, content, account, None))
    account.admit()
    content, asked_for = _without_suffix(content)
    fault = services.faults.strike(request.headers.get(HEADER), asked_for)
    received = Received(request, content, account, fault)
    if fault is None:
        return await operation.handler(services, received)
    instead = await cancel_on_disconnect(request.receive, instead_of_reply(fault))
    return broken(await operation.handler(services, received), fault) if instead is None else instead


def _without_suffix(content: dict[str, Any] | GatewayError) -> tuple[dict[str, Any] | GatewayError, str | None]:
    """The body without the faults at the end of its model's name, and those faults."""
    if isinstance(content, GatewayError) or not isinstance(content.get("model"), str):
        return content, None
    model, faults = split_model(content["model"])
    return {**content, "model": model}, faults


async def _no_route(services: Services, request: Request, error: Exception) -> Response:
    """The refusal of a path or a method that there is none of, as an endpoint of its own gives it."""
    path = request.scope["path"]
    found = not_found(path)
    if isinstance(error, HTTPException) and error.status_code == 405:
        message = f"{path} does not take {request.method}."
        found = GatewayError("method_not_allowed", message, headers=error.headers)

    @operation(request.method, path, access="anyone")
    async def nothing(_: Services, __: Received) -> Response:
        raise found

    return await _endpoint(services, nothing)(request)


def _check_host(request: Request) -> None:
    """Nothing, if the client asked for this machine by name.

    A page in a browser can have a name of its own lead here, and would then read everything that needs no secret.

    Raises:
        GatewayError: It asked for another name.
    """
    host = request.headers.get("host", "localhost")
    if not is_loopback(host_name(host)):
        raise GatewayError(
            "insufficient_permissions",
            f"This sandbox answers to 127.0.0.1 and localhost alone, not to {host[:100]!r}.",
            suggestion="Start it with a key of your choosing, and it answers to every name.",
        )


async def _read_body(request: Request, *, keep: bool) -> tuple[bytes, int]:
    """The body, if it is to be kept, and its size.

    What is not kept, or is too long, is still read, so that the client sees the error.
    """
    body = bytearray()
    total = 0
    async for piece in request.stream():
        total += len(piece)
        if total <= MAX_BODY_BYTES:
            body += piece if keep else b""
        elif total > _MAX_SKIPPED_BYTES:
            break
    return (bytes(body) if total <= MAX_BODY_BYTES else b""), total


def _parsed(body: bytes) -> dict[str, Any] | GatewayError:
    try:
        return parse_json(body)
    except GatewayError as error:
        return error


def _note(
    services: Services,
    operation: Operation,
    request: Request,
    content: dict[str, Any] | GatewayError | None,
    size: int,
) -> NotedRequest | None:
    """The request as it stands in the journal, if it is not the page's own."""
    if operation.access == "page":
        return None
    received = ReceivedRequest(
        method=request.method,
        path=request.scope["path"],
        query=request.scope["query_string"].decode("latin-1"),
        headers=redacted(dict(request.headers)),
        json=None if isinstance(content, GatewayError) else content,
        size=size,
        connection=request.state.connection,
        at=time.monotonic(),
    )
    noted = services.request_log.add(received, request.state.id)
    request.state.broke = partial(services.request_log.broke, noted)
    return noted
