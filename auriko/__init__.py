"""Python client for the Auriko LLM routing gateway."""

from auriko._client import AsyncClient, Client
from auriko._stream import AsyncStream, Stream
from auriko._version import __version__
from auriko.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AurikoAPIError,
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamInterruptedError,
)
from auriko.models.chat import ChatCompletion, ChatCompletionChunk
from auriko.models.common import Usage
from auriko.response_headers import ResponseHeaders
from auriko.routing import (
    CostInfo,
    GatewayMetadata,
    GatewayOptions,
    RoutingMetadata,
    RoutingOptions,
    parse_routing_metadata,
)
from auriko.spend import SpendTracker, track_spend

__all__ = [
    "APIConnectionError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncClient",
    "AsyncStream",
    "AurikoAPIError",
    "AuthenticationError",
    "BadRequestError",
    "BudgetExceededError",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Client",
    "ConflictError",
    "CostInfo",
    "GatewayMetadata",
    "GatewayOptions",
    "InternalServerError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ResponseHeaders",
    "RoutingMetadata",
    "RoutingOptions",
    "SpendTracker",
    "Stream",
    "StreamInterruptedError",
    "Usage",
    "__version__",
    "parse_routing_metadata",
    "track_spend",
]
