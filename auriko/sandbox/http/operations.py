"""Every endpoint of the API and of the sandbox's journal, once."""

from __future__ import annotations

from auriko import models
from auriko.sandbox.http import endpoints
from auriko.sandbox.http.operation import Operation, Parameter
from auriko.sandbox.journal.records import Decisions, ErrorEnvelope, Report
from auriko.sandbox.wire.chat_request import ChatRequest
from auriko.sandbox.wire.responses_request import ResponsesRequest

OPERATIONS = (
    Operation(
        "POST",
        "/v1/chat/completions",
        "A chat completion, whole or as a stream that ends with [DONE]",
        endpoints.chat_completions,
        models.ChatCompletion,
        body=ChatRequest,
        event=models.ChatCompletionChunk | ErrorEnvelope,
        last_event="[DONE]",
    ),
    Operation(
        "POST",
        "/v1/responses",
        "A response, whole or as a stream of events",
        endpoints.create_response,
        models.Response,
        body=ResponsesRequest,
        event=models.ResponseStreamEvent,
    ),
    Operation(
        "GET",
        "/v1/models",
        "The models that can be called",
        endpoints.list_models,
        models.ModelList,
        parameters=(Parameter("endpoint", "query", ("chat_completions", "responses")),),
    ),
    Operation(
        "GET",
        "/v1/models/{model_id:path}",
        "One of them, by its id or an alias",
        endpoints.get_model,
        models.Model,
        parameters=(Parameter("model_id", "path"),),
    ),
    Operation(
        "GET",
        "/v1/directory/models",
        "The whole catalogue with prices",
        endpoints.directory,
        models.DirectoryResponse,
        access="anyone",
    ),
    Operation(
        "GET",
        "/v1/registry/models",
        "The canonical models",
        endpoints.registry_models,
        models.ModelsListResponse,
        access="anyone",
    ),
    Operation(
        "GET",
        "/v1/registry/providers",
        "The providers",
        endpoints.registry_providers,
        models.ProviderList,
        access="anyone",
    ),
    Operation("GET", "/v1/me", "Who the key is", endpoints.me, models.ApiKeyIdentity),
    Operation("GET", "/sandbox/report", "How the clients have behaved", endpoints.report, Report, access="journal"),
    Operation(
        "GET",
        "/sandbox/decisions",
        "How each request was routed, oldest first",
        endpoints.decisions,
        Decisions,
        access="journal",
    ),
)
