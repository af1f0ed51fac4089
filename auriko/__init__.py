"""Python client for the Auriko LLM routing gateway."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from auriko._client import AsyncClient, Client
from auriko._rules.raw import RawResponse
from auriko._version import __version__
from auriko.errors import (
    AnswerFilteredError,
    AnswerInvalidError,
    AnswerRefusedError,
    AnswerTruncatedError,
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
    StructuredOutputError,
    map_openai_error,
)
from auriko.response_headers import ResponseHeaders
from auriko.spend import SpendTracker, track_spend

if TYPE_CHECKING:
    from auriko._streams.chat import AsyncStream, Stream
    from auriko._streams.responses import AsyncResponseStream, ResponseStream
    from auriko.accumulate import ChatAccumulator
    from auriko.conversation import AsyncConversation, Conversation
    from auriko.models.chat import ChatCompletion, ChatCompletionChunk
    from auriko.models.common import Usage
    from auriko.routing import (
        CostInfo,
        GatewayMetadata,
        GatewayOptions,
        RoutingMetadata,
        RoutingOptions,
        parse_routing_metadata,
    )

__all__ = [
    "APIConnectionError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AnswerFilteredError",
    "AnswerInvalidError",
    "AnswerRefusedError",
    "AnswerTruncatedError",
    "AsyncClient",
    "AsyncConversation",
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
    "Conversation",
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
    "StructuredOutputError",
    "Usage",
    "__version__",
    "map_openai_error",
    "parse_routing_metadata",
    "track_spend",
]


# What takes some milliseconds to import, and is not needed to make a client: by name, the module that has it.
_AT_FIRST_USE: Final = {
    **dict.fromkeys(("AsyncResponseStream", "ResponseStream"), "_streams.responses"),
    **dict.fromkeys(("AsyncStream", "Stream"), "_streams.chat"),
    "ChatAccumulator": "accumulate",
    **dict.fromkeys(("AsyncConversation", "Conversation"), "conversation"),
    **dict.fromkeys(("ChatCompletion", "ChatCompletionChunk"), "models.chat"),
    "Usage": "models.common",
    **dict.fromkeys(("CostInfo", "RoutingMetadata", "parse_routing_metadata"), "models.routing"),
    **dict.fromkeys(("GatewayMetadata", "GatewayOptions", "RoutingOptions"), "routing"),
    "load_ipython_extension": "notebook._magic",  # IPython asks for it at `%load_ext auriko`
}
_MODULES: Final = frozenset({"accumulate", "models", "resources", "routing", "types"})


def __getattr__(name: str) -> Any:
    if name in _AT_FIRST_USE:
        return getattr(import_module(f"auriko.{_AT_FIRST_USE[name]}"), name)
    if name in _MODULES:
        return import_module(f"auriko.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
