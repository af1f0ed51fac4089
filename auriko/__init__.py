"""Python client for the Auriko LLM routing gateway."""

from typing import TYPE_CHECKING, Any

from auriko._client import AsyncClient, Client
from auriko._raw import RawResponse
from auriko._stream import AsyncStream, Stream
from auriko._version import __version__
from auriko.accumulate import ChatAccumulator
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
    map_openai_error,
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

if TYPE_CHECKING:
    from auriko._response_stream import AsyncResponseStream, ResponseStream

__all__ = [
    "APIConnectionError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncClient",
    "AsyncResponseStream",
    "AsyncStream",
    "AurikoAPIError",
    "AuthenticationError",
    "BadRequestError",
    "BudgetExceededError",
    "ChatAccumulator",
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
    "RawResponse",
    "ResponseHeaders",
    "ResponseStream",
    "RoutingMetadata",
    "RoutingOptions",
    "SpendTracker",
    "Stream",
    "StreamInterruptedError",
    "Usage",
    "__version__",
    "map_openai_error",
    "parse_routing_metadata",
    "track_spend",
]


def __getattr__(name: str) -> Any:
    if name in {"AsyncResponseStream", "ResponseStream"}:  # their models cost some milliseconds to import
        from auriko import _response_stream

        return getattr(_response_stream, name)
    if name == "load_ipython_extension":  # IPython asks for it at `%load_ext auriko`
        from auriko import _magic

        return _magic.load_ipython_extension
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
