"""Replies of the gateway, as pydantic models.

Each file of them is imported when it is first asked for: they are many, and most programs use few.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from auriko.models._base import AurikoResponseModel
    from auriko.models.chat import *
    from auriko.models.common import *
    from auriko.models.extensions import Extensions
    from auriko.models.providers import *
    from auriko.models.response_events import *
    from auriko.models.responses import *

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

_FILES: Final = ("_base", "chat", "common", "extensions", "providers", "responses", "response_events")


def __getattr__(name: str) -> Any:
    if name in __all__:
        modules = (import_module(f"auriko.models.{file}") for file in _FILES)
        return next(getattr(module, name) for module in modules if hasattr(module, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
