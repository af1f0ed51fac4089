"""Endpoints: what each does with a request whose key and faults have been dealt with."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from auriko.routing import split_strategy
from auriko.sandbox.accounts.keys import Account, Accounts, identity
from auriko.sandbox.answer import Delta
from auriko.sandbox.catalog import listing
from auriko.sandbox.catalog.model import CHAT, RESPONSES, Catalog
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.faults import Fault, Faults
from auriko.sandbox.http.replies import json_reply
from auriko.sandbox.http.streaming import EventStream, cancel_on_disconnect
from auriko.sandbox.journal.decisions import DecisionLog
from auriko.sandbox.journal.requests import RequestLog
from auriko.sandbox.request import InferenceRequest
from auriko.sandbox.router.suggestions import did_you_mean
from auriko.sandbox.serving.dispatcher import Dispatcher, Route
from auriko.sandbox.serving.measurements import Measurements
from auriko.sandbox.wire import write_chat, write_responses
from auriko.sandbox.wire.read_chat import read_chat
from auriko.sandbox.wire.read_responses import read_responses


@dataclass(frozen=True, slots=True)
class Services:
    """The services of the endpoints; `callable_catalog` is what the callers' keys and the gateway's reach."""

    catalog: Catalog
    callable_catalog: Catalog
    dispatcher: Dispatcher
    accounts: Accounts
    request_log: RequestLog
    decision_log: DecisionLog
    faults: Faults
    measurements: Measurements
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


async def chat_completions(services: Services, received: Received) -> Response:
    """`POST /v1/chat/completions`."""
    inference = read_chat(received.body)
    return await _answer(
        services,
        received,
        inference,
        lambda route, deltas: write_chat.completion(inference, route, deltas),
        lambda route, deltas: EventStream(write_chat.chunks(inference, route, deltas), write_chat.error_block),
    )


async def create_response(services: Services, received: Received) -> Response:
    """`POST /v1/responses`."""
    call = read_responses(received.body)
    return await _answer(
        services,
        received,
        call.inference,
        lambda route, deltas: write_responses.response(call, route, deltas),
        lambda route, deltas: EventStream(write_responses.events(call, route, deltas), write_responses.error_block),
    )


async def _answer(
    services: Services,
    received: Received,
    inference: InferenceRequest,
    as_object: Callable[[Route, list[Delta]], dict[str, Any]],
    as_stream: Callable[[Route, AsyncGenerator[Delta, None]], EventStream],
) -> Response:
    """The answer in its endpoint's own form, whole or streamed; nobody works on it once the client has left."""
    fault = None if received.fault is None else received.fault.kind
    inference = replace(inference, refuse=fault == "refusal", redact=fault == "redacted", id=received.request.state.id)
    receive, dispatcher = received.request.receive, services.dispatcher
    if inference.stream:
        return as_stream(*await cancel_on_disconnect(receive, dispatcher.stream(inference, received.caller)))
    return json_reply(as_object(*await cancel_on_disconnect(receive, dispatcher.complete(inference, received.caller))))


async def list_models(services: Services, received: Received) -> Response:
    """`GET /v1/models`."""
    endpoint = received.request.query_params.get("endpoint", CHAT)
    if endpoint not in {CHAT, RESPONSES}:
        raise GatewayError("invalid_parameter_value", f"endpoint must be {CHAT} or {RESPONSES}.", param="endpoint")
    return json_reply(listing.callable_models(services.callable_catalog, endpoint))


async def get_model(services: Services, received: Received) -> Response:
    """`GET /v1/models/{model_id}`."""
    name = received.request.path_params["model_id"]
    model = services.callable_catalog.find(split_strategy(name)[0])
    if model is None:
        nearest = did_you_mean(services.callable_catalog.names_like(name))
        raise GatewayError("model_not_found", f"There is no model {name!r}.", param="model_id", suggestion=nearest)
    return json_reply(listing.callable_model(model))


async def directory(services: Services, _: Received) -> Response:
    """`GET /v1/directory/models`."""
    return json_reply(listing.directory(services.catalog))


async def registry_models(services: Services, _: Received) -> Response:
    """`GET /v1/registry/models`."""
    return json_reply(listing.registry_models(services.catalog))


async def registry_providers(services: Services, _: Received) -> Response:
    """`GET /v1/registry/providers`."""
    return json_reply(listing.registry_providers(services.catalog))


async def me(_: Services, received: Received) -> Response:
    """`GET /v1/me`."""
    return json_reply(identity(received.caller))


async def report(services: Services, _: Received) -> Response:
    """`GET /sandbox/report`: how the clients have behaved."""
    return json_reply(services.request_log.report())


async def decisions(services: Services, _: Received) -> Response:
    """`GET /sandbox/decisions`: how each request was routed, oldest first."""
    return json_reply({"decisions": services.decision_log.decisions})
