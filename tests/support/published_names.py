"""The public names of version 1.2, by the module that they are imported from."""

PUBLISHED = {
    "auriko": """
        APIConnectionError APIStatusError AsyncClient AsyncResponseStream AsyncStream AurikoAPIError
        AurikoAsyncOpenAI AuthenticationError BadRequestError Client ConflictError InternalServerError NotFoundError
        PermissionDeniedError RateLimitError ResponseHeaders ResponseStream Stream __version__ map_openai_error
        parse_routing_metadata
    """,
    "auriko.errors": """
        APIConnectionError APIStatusError AurikoAPIError AuthenticationError BadRequestError ConflictError
        InternalServerError NotFoundError PermissionDeniedError RateLimitError is_retryable map_error_from_code
        map_openai_error
    """,
    "auriko.route_types": """
        CostInfo DataPolicy GatewayOptions MetricPercentile Mode Optimize RoutingMetadata RoutingOptions
        StructuredWarning StructuredWarningType merge_gateway_extra_body parse_routing_metadata
    """,
    "auriko.response_headers": "ResponseHeaders",
    "auriko.types": """
        AurikoMetadataParam CacheControlParam ChatCompletionAssistantMessageParam ChatCompletionContentPartImageParam
        ChatCompletionContentPartParam ChatCompletionContentPartTextParam ChatCompletionDeveloperMessageParam
        ChatCompletionFunctionMessageParam ChatCompletionMessageParam ChatCompletionMessageToolCallFunctionParam
        ChatCompletionMessageToolCallParam ChatCompletionNamedToolChoiceFunctionParam
        ChatCompletionNamedToolChoiceParam ChatCompletionSystemMessageParam ChatCompletionToolChoiceOptionParam
        ChatCompletionToolMessageParam ChatCompletionToolParam ChatCompletionUserMessageParam FunctionCallParam
        FunctionDefinitionParam ImageURLParam JsonSchemaConfigParam ReasoningBlockParam RedactedReasoningBlockParam
        ResponseContentPartParam ResponseFormatJsonObject ResponseFormatJsonSchema ResponseFormatParam
        ResponseFormatText ResponseFunctionToolParam ResponseInputFunctionCallOutputParam
        ResponseInputFunctionCallParam ResponseInputImagePart ResponseInputItemParam ResponseInputMessageParam
        ResponseInputReasoningParam ResponseInputReasoningSummaryPartParam ResponseInputTextPart
        ResponseOutputTextPart ResponseReasoningParam ResponseTextFormatParam ResponseToolParam StreamOptionsParam
        ThinkingReasoningBlockParam
    """,
    "auriko.models.base": "AurikoResponseModel",
    "auriko.resources": "AsyncChat AsyncMe AsyncModels AsyncResponses Chat Me Models Responses",
    "auriko.models": """
        ApiKeyIdentity ApiKeyRateLimits ApiKeyWorkspace AurikoResponseModel CanonicalModel ChatCompletion
        ChatCompletionChunk Choice ChoiceMessage CompletionTokensDetails Delta DirectoryModel DirectoryResponse
        Extensions GeneratedImage ImageGenTokenDetails ImageGenUsage Model ModelList ModelProvider ModelsListResponse
        PriceVariant PromptTokensDetails ProviderEntry ProviderInfo ProviderList RedactedReasoningBlock Response
        ResponseCompletedEvent ResponseContentPartAddedEvent ResponseContentPartDoneEvent ResponseCreatedEvent
        ResponseErrorEvent ResponseFailedEvent ResponseFunctionCallArgumentsDeltaEvent
        ResponseFunctionCallArgumentsDoneEvent ResponseFunctionCallOutputItem ResponseImageGenerationCallOutputItem
        ResponseInProgressEvent ResponseIncompleteEvent ResponseInputTokensDetails ResponseMessageOutputItem
        ResponseOutputContentPart ResponseOutputItem ResponseOutputItemAddedEvent ResponseOutputItemDoneEvent
        ResponseOutputTokensDetails ResponseReasoningOutputItem ResponseReasoningSummary
        ResponseReasoningSummaryPartAddedEvent ResponseReasoningSummaryPartDoneEvent
        ResponseReasoningSummaryTextDeltaEvent ResponseReasoningSummaryTextDoneEvent ResponseStreamEvent
        ResponseTextDeltaEvent ResponseTextDoneEvent ResponseUsage StreamChoice ThinkingReasoningBlock TierEntry
        ToolCall ToolCallDelta ToolCallDeltaFunction ToolCallFunction ToolUsage UnknownOutputItem UnknownStreamEvent
        Usage WebSearchUsage
    """,
    "auriko.frameworks.langchain": "AurikoChatOpenAI",
    "auriko.frameworks.llamaindex": "AurikoLlamaIndexLLM",
}
GONE = {"AurikoAsyncOpenAI", "AurikoChatOpenAI", "AurikoLlamaIndexLLM"}

# Attributes that programs of version 1.2 read of the objects that they got.
ATTRIBUTES = {
    "auriko.Client": "base_url chat close max_retries me models responses timeout",
    "auriko.Stream": "close response_headers routing_metadata usage",
    "auriko.AsyncStream": "close response_headers routing_metadata usage",
    "auriko.ResponseStream": "close completed_response response_headers",
    "auriko.AsyncResponseStream": "close completed_response response_headers",
    "auriko.ResponseHeaders": """
        credits_balance_microdollars get rate_limit_limit rate_limit_remaining rate_limit_reset request_id
        retry_after_seconds token_count_model
    """,
    "auriko.route_types.RoutingOptions": "to_dict to_extra_body",
    "auriko.route_types.GatewayOptions": "to_extra_body",
    "auriko.models.Response": "output_text response_headers",
    "auriko.models.ChatCompletion": "choices response_headers routing_metadata usage",
    "auriko.models.UnknownOutputItem": "data type",
    "auriko.models.UnknownStreamEvent": "data sequence_number type",
}
