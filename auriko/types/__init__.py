"""Parts of requests, as typed dictionaries, each file of which is imported when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from auriko.types.batch_params import *
    from auriko.types.chat_params import *
    from auriko.types.model_params import *
    from auriko.types.responses_params import *

__all__ = [
    "AnswerParams",
    "AurikoMetadataParam",
    "BatchOptions",
    "CacheControlParam",
    "CallOptions",
    "CandidateParams",
    "ChatCompletionAssistantMessageParam",
    "ChatCompletionContentPartImageParam",
    "ChatCompletionContentPartParam",
    "ChatCompletionContentPartTextParam",
    "ChatCompletionDeveloperMessageParam",
    "ChatCompletionFunctionMessageParam",
    "ChatCompletionMessageParam",
    "ChatCompletionMessageToolCallFunctionParam",
    "ChatCompletionMessageToolCallParam",
    "ChatCompletionNamedToolChoiceFunctionParam",
    "ChatCompletionNamedToolChoiceParam",
    "ChatCompletionSystemMessageParam",
    "ChatCompletionToolChoiceOptionParam",
    "ChatCompletionToolMessageParam",
    "ChatCompletionToolParam",
    "ChatCompletionUserMessageParam",
    "ChatParams",
    "Endpoint",
    "EstimateParams",
    "FunctionCallParam",
    "FunctionDefinitionParam",
    "GatewayParam",
    "ImageURLParam",
    "JsonSchemaConfigParam",
    "ParseParams",
    "ReasoningBlockParam",
    "ReasoningEffort",
    "ReasoningParam",
    "RedactedReasoningBlockParam",
    "ResponseContentPartParam",
    "ResponseFormatJsonObject",
    "ResponseFormatJsonSchema",
    "ResponseFormatParam",
    "ResponseFormatText",
    "ResponseFunctionToolParam",
    "ResponseInputFunctionCallOutputParam",
    "ResponseInputFunctionCallParam",
    "ResponseInputImagePart",
    "ResponseInputItemParam",
    "ResponseInputMessageParam",
    "ResponseInputReasoningParam",
    "ResponseInputReasoningSummaryPartParam",
    "ResponseInputTextPart",
    "ResponseOutputTextPart",
    "ResponseReasoningParam",
    "ResponseTextFormatParam",
    "ResponseTextParam",
    "ResponseToolParam",
    "ResponsesParams",
    "RoutingParams",
    "RunToolsParams",
    "StreamOptionsParam",
    "ThinkingReasoningBlockParam",
]

_FILES: Final = ("batch_params", "chat_params", "model_params", "responses_params")


def __getattr__(name: str) -> Any:
    if name in __all__:
        modules = (import_module(f"auriko.types.{file}") for file in _FILES)
        return next(getattr(module, name) for module in modules if hasattr(module, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
