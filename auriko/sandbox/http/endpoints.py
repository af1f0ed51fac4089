"""The endpoints of the API and of the journal, which get requests whose key and faults have been dealt with."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from auriko import models
from auriko.sandbox.accounts.keys import identity
from auriko.sandbox.answer import Delta
from auriko.sandbox.catalog import listing
from auriko.sandbox.catalog.model import CHAT, RESPONSES
from auriko.sandbox.errors import ErrorEnvelope, GatewayError
from auriko.sandbox.http.operations import Received, Services, operation
from auriko.sandbox.http.replies import json_reply
from auriko.sandbox.http.streaming import EventStream, cancel_on_disconnect
from auriko.sandbox.journal.records import Decisions, Report
from auriko.sandbox.request import InferenceRequest
from auriko.sandbox.router.candidates import find_model
from auriko.sandbox.serving.dispatcher import Route
from auriko.sandbox.wire import write_chat, write_responses
from auriko.sandbox.wire.chat_request import ChatRequest
from auriko.sandbox.wire.read_chat import read_chat
from auriko.sandbox.wire.read_responses import read_responses
from auriko.sandbox.wire.responses_request import ResponsesRequest

_ENDPOINT = {
    "name": "endpoint",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": [CHAT, RESPONSES]},
}
_MODEL_ID = {"name": "model_id", "in": "path", "required": True, "schema": {"type": "string"}}


@operation(
    "POST",
    "/v1/chat/completions",
    models.ChatCompletion,
    body=ChatRequest,
    event=models.ChatCompletionChunk | ErrorEnvelope,
    last_event="[DONE]",
)
async def chat_completions(services: Services, received: Received) -> Response:
    """A chat completion, whole or as a stream that ends with [DONE]."""
    inference = read_chat(received.body)
    return await _answer(
        services,
        received,
        inference,
        lambda route, deltas: write_chat.completion(inference, route, deltas),
        lambda route, deltas: EventStream(write_chat.chunks(inference, route, deltas), write_chat.error_block),
    )


@operation("POST", "/v1/responses", models.Response, body=ResponsesRequest, event=models.ResponseStreamEvent)
async def create_response(services: Services, received: Received) -> Response:
    """A response, whole or as a stream of events."""
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


@operation("GET", "/v1/models", models.ModelList, parameters=[_ENDPOINT])
async def list_models(services: Services, received: Received) -> Response:
    """The models that can be called."""
    endpoint = received.request.query_params.get("endpoint", CHAT)
    if endpoint not in {CHAT, RESPONSES}:
        raise GatewayError("invalid_parameter_value", f"endpoint must be {CHAT} or {RESPONSES}.", param="endpoint")
    return json_reply(listing.callable_models(services.callable_catalog, endpoint))


@operation("GET", "/v1/models/{model_id:path}", models.Model, parameters=[_MODEL_ID])
async def get_model(services: Services, received: Received) -> Response:
    """One of them, by its id or an alias."""
    model = find_model(services.callable_catalog, received.request.path_params["model_id"], "model_id")
    return json_reply(listing.callable_model(model))


@operation("GET", "/v1/directory/models", models.DirectoryResponse, access="anyone")
async def directory(services: Services, _: Received) -> Response:
    """The whole catalogue with prices."""
    return json_reply(listing.directory(services.catalog))


@operation("GET", "/v1/registry/models", models.ModelsListResponse, access="anyone")
async def registry_models(services: Services, _: Received) -> Response:
    """The canonical models."""
    return json_reply(listing.registry_models(services.catalog))


@operation("GET", "/v1/registry/providers", models.ProviderList, access="anyone")
async def registry_providers(services: Services, _: Received) -> Response:
    """The providers."""
    return json_reply(listing.registry_providers(services.catalog))


@operation("GET", "/v1/me", models.ApiKeyIdentity)
async def me(_: Services, received: Received) -> Response:
    """Who the key is."""
    return json_reply(identity(received.caller))


@operation("GET", "/sandbox/report", Report, access="journal")
async def report(services: Services, _: Received) -> Response:
    """How the clients have behaved."""
    return json_reply(services.request_log.report())


@operation("GET", "/sandbox/decisions", Decisions, access="journal")
async def decisions(services: Services, _: Received) -> Response:
    """How each request was routed, oldest first."""
    return json_reply({"decisions": services.decision_log.decisions})


OPERATIONS = (
    chat_completions,
    create_response,
    list_models,
    get_model,
    directory,
    registry_models,
    registry_providers,
    me,
    report,
    decisions,
)
