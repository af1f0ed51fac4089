"""Replies of the gateway, as pydantic models.

Those of the catalogue and of the Responses API are imported when they are first asked for: they are many, and most
programs use none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from auriko.models._base import AurikoResponseModel
from auriko.models.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChoiceMessage,
    Delta,
    GeneratedImage,
    RedactedReasoningBlock,
    StreamChoice,
    ThinkingReasoningBlock,
    ToolCall,
    ToolCallDelta,
    ToolCallDeltaFunction,
    ToolCallFunction,
)
from auriko.models.common import (
    ApiKeyIdentity,
    ApiKeyRateLimits,
    ApiKeyWorkspace,
    CompletionTokensDetails,
    PromptTokensDetails,
    ResponseInputTokensDetails,
    ResponseOutputTokensDetails,
    ResponseUsage,
    Usage,
)
from auriko.models.extensions import Extensions

if TYPE_CHECKING:
    from auriko.models.providers import (
        CanonicalModel,
        DirectoryModel,
        DirectoryResponse,
        Model,
        ModelList,
        ModelProvider,
        ModelsListResponse,
        PriceVariant,
        ProviderEntry,
        ProviderInfo,
        ProviderList,
        TierEntry,
    )
    from auriko.models.response_events import (
        ResponseCompletedEvent,
        ResponseContentPartAddedEvent,
        ResponseContentPartDoneEvent,
        ResponseCreatedEvent,
        ResponseErrorEvent,
        ResponseFailedEvent,
        ResponseFunctionCallArgumentsDeltaEvent,
        ResponseFunctionCallArgumentsDoneEvent,
        ResponseIncompleteEvent,
        ResponseInProgressEvent,
        ResponseOutputItemAddedEvent,
        ResponseOutputItemDoneEvent,
        ResponseReasoningSummaryPartAddedEvent,
        ResponseReasoningSummaryPartDoneEvent,
        ResponseReasoningSummaryTextDeltaEvent,
        ResponseReasoningSummaryTextDoneEvent,
        ResponseStreamEvent,
        ResponseTextDeltaEvent,
        ResponseTextDoneEvent,
        UnknownStreamEvent,
    )
    from auriko.models.responses import (
        ImageGenTokenDetails,
        ImageGenUsage,
        Response,
        ResponseContentPart,
        ResponseError,
        ResponseFunctionCallOutputItem,
        ResponseImageGenerationCallOutputItem,
        ResponseMessageOutputItem,
        ResponseOutputContentPart,
        ResponseOutputItem,
        ResponseReasoningOutputItem,
        ResponseReasoningSummary,
        ResponseRefusalContentPart,
        ToolUsage,
        UnknownContentPart,
        UnknownOutputItem,
        WebSearchUsage,
    )

__all__ = [
    "ApiKeyIdentity",
    "ApiKeyRateLimits",
    "ApiKeyWorkspace",
    "AurikoResponseModel",
    "CanonicalModel",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Choice",
    "ChoiceMessage",
    "CompletionTokensDetails",
    "Delta",
    "DirectoryModel",
    "DirectoryResponse",
    "Extensions",
    "GeneratedImage",
    "ImageGenTokenDetails",
    "ImageGenUsage",
    "Model",
    "ModelList",
    "ModelProvider",
    "ModelsListResponse",
    "PriceVariant",
    "PromptTokensDetails",
    "ProviderEntry",
    "ProviderInfo",
    "ProviderList",
    "RedactedReasoningBlock",
    "Response",
    "ResponseCompletedEvent",
    "ResponseContentPart",
    "ResponseContentPartAddedEvent",
    "ResponseContentPartDoneEvent",
    "ResponseCreatedEvent",
    "ResponseError",
    "ResponseErrorEvent",
    "ResponseFailedEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseFunctionCallArgumentsDoneEvent",
    "ResponseFunctionCallOutputItem",
    "ResponseImageGenerationCallOutputItem",
    "ResponseInProgressEvent",
    "ResponseIncompleteEvent",
    "ResponseInputTokensDetails",
    "ResponseMessageOutputItem",
    "ResponseOutputContentPart",
    "ResponseOutputItem",
    "ResponseOutputItemAddedEvent",
    "ResponseOutputItemDoneEvent",
    "ResponseOutputTokensDetails",
    "ResponseReasoningOutputItem",
    "ResponseReasoningSummary",
    "ResponseReasoningSummaryPartAddedEvent",
    "ResponseReasoningSummaryPartDoneEvent",
    "ResponseReasoningSummaryTextDeltaEvent",
    "ResponseReasoningSummaryTextDoneEvent",
    "ResponseRefusalContentPart",
    "ResponseStreamEvent",
    "ResponseTextDeltaEvent",
    "ResponseTextDoneEvent",
    "ResponseUsage",
    "StreamChoice",
    "ThinkingReasoningBlock",
    "TierEntry",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallDeltaFunction",
    "ToolCallFunction",
    "ToolUsage",
    "UnknownContentPart",
    "UnknownOutputItem",
    "UnknownStreamEvent",
    "Usage",
    "WebSearchUsage",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        modules = (import_module(f"auriko.models.{module}") for module in ("providers", "responses", "response_events"))
        return next(getattr(module, name) for module in modules if hasattr(module, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
