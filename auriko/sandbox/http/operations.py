"""Every endpoint of the API and of the journal, once: who answers it, who may call it, what goes in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from auriko import models
from auriko.sandbox.errors import ErrorEnvelope
from auriko.sandbox.http import endpoints
from auriko.sandbox.http.endpoints import Handler
from auriko.sandbox.journal.records import Decisions, Report
from auriko.sandbox.wire.chat_request import ChatRequest
from auriko.sandbox.wire.responses_request import ResponsesRequest


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a path or a query, with the values that it may have; None for any text."""

    name: str
    place: Literal["path", "query"]
    values: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint.

    Attributes:
        path: As starlette writes it.
        reply: The type of the JSON that comes back, or None for another `media_type`.
        access: Who may call it: those with a key, anyone, or anyone unless the sandbox has a key of its own. A page
            takes that key as the password that a browser asks for, and what looks at it leaves no trace.
        body: The model of the JSON that is sent, for inference.
        event: The type of one event's JSON, where a reply may be a stream.
        last_event: What ends that stream, if it is no JSON.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    reply: Any
    access: Literal["key", "anyone", "journal", "page"] = "key"
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    event: Any = None
    last_event: str | None = None
    media_type: str = "application/json"

    def needs_key(self, *, journal_is_public: bool) -> bool:
        """True if nobody may call it without a key."""
        return self.access == "key" or (self.access != "anyone" and not journal_is_public)


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
