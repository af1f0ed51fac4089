"""Arguments of `client.chat.completions.create`, as typed dictionaries (API sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from httpx import Timeout
from pydantic import TypeAdapter
from typing_extensions import NotRequired, Required, TypedDict

from auriko.models.extensions import Extensions
from auriko.routing import GatewayMetadata, GatewayOptions, RoutingOptions

ReasoningEffort = Literal["low", "medium", "high", "xhigh", "max", "off"]


class CacheControlParam(TypedDict):
    """Marks content for a provider's prompt cache."""

    type: Literal["ephemeral"]


class ChatCompletionContentPartTextParam(TypedDict):
    """Text."""

    type: Literal["text"]
    text: str
    cache_control: NotRequired[CacheControlParam]


class ImageURLParam(TypedDict):
    """An https URL or a `data:image/...;base64,` URL."""

    url: str
    detail: NotRequired[Literal["auto", "low", "high"]]


class ChatCompletionContentPartImageParam(TypedDict):
    """An image."""

    type: Literal["image_url"]
    image_url: ImageURLParam
    cache_control: NotRequired[CacheControlParam]


ChatCompletionContentPartParam = ChatCompletionContentPartTextParam | ChatCompletionContentPartImageParam


class ChatCompletionSystemMessageParam(TypedDict):
    """Instructions."""

    role: Literal["system"]
    content: str | Iterable[ChatCompletionContentPartTextParam]
    name: NotRequired[str]


class ChatCompletionDeveloperMessageParam(TypedDict):
    """Instructions, for models that call them so."""

    role: Literal["developer"]
    content: str | Iterable[ChatCompletionContentPartTextParam]
    name: NotRequired[str]


class ChatCompletionUserMessageParam(TypedDict):
    """A message of the user."""

    role: Literal["user"]
    content: str | Iterable[ChatCompletionContentPartParam]
    name: NotRequired[str]


class ChatCompletionMessageToolCallFunctionParam(TypedDict):
    """The function of a tool call; `arguments` is a JSON object as text."""

    name: str
    arguments: str


class ChatCompletionMessageToolCallParam(TypedDict):
    """A tool call that the model made, sent back unchanged."""

    id: str
    type: Literal["function"]
    function: ChatCompletionMessageToolCallFunctionParam
    provider_signature: NotRequired[str]


class ThinkingReasoningBlockParam(TypedDict):
    """Readable reasoning, sent back unchanged."""

    type: Literal["thinking"]
    thinking: str
    signature: NotRequired[str]


class RedactedReasoningBlockParam(TypedDict):
    """Reasoning that only the provider can read, sent back unchanged."""

    type: Literal["redacted"]
    data: str


ReasoningBlockParam = ThinkingReasoningBlockParam | RedactedReasoningBlockParam


class FunctionCallParam(TypedDict):
    """The older form of a tool call."""

    name: str
    arguments: str


class ChatCompletionAssistantMessageParam(TypedDict):
    """An earlier answer of the model."""

    role: Literal["assistant"]
    content: NotRequired[str | Iterable[ChatCompletionContentPartTextParam] | None]
    tool_calls: NotRequired[Iterable[ChatCompletionMessageToolCallParam]]
    reasoning: NotRequired[Iterable[ReasoningBlockParam]]
    reasoning_content: NotRequired[str]
    refusal: NotRequired[str | None]
    name: NotRequired[str]
    function_call: NotRequired[FunctionCallParam]


class ChatCompletionToolMessageParam(TypedDict):
    """A tool's result."""

    role: Literal["tool"]
    content: str | Iterable[ChatCompletionContentPartTextParam]
    tool_call_id: str


class ChatCompletionFunctionMessageParam(TypedDict):
    """The older form of a tool's result."""

    role: Literal["function"]
    name: str
    content: str | None


ChatCompletionMessageParam = (
    ChatCompletionSystemMessageParam
    | ChatCompletionDeveloperMessageParam
    | ChatCompletionUserMessageParam
    | ChatCompletionAssistantMessageParam
    | ChatCompletionToolMessageParam
    | ChatCompletionFunctionMessageParam
)


class FunctionDefinitionParam(TypedDict):
    """A function that the model may call; `parameters` is a JSON schema."""

    name: str
    description: NotRequired[str]
    parameters: NotRequired[Mapping[str, Any]]
    strict: NotRequired[bool]


class ChatCompletionToolParam(TypedDict):
    """A tool that the model may call."""

    type: Literal["function"]
    function: FunctionDefinitionParam


class ChatCompletionNamedToolChoiceFunctionParam(TypedDict):
    """The name of a function."""

    name: str


class ChatCompletionNamedToolChoiceParam(TypedDict):
    """The one tool that must be called."""

    type: Literal["function"]
    function: ChatCompletionNamedToolChoiceFunctionParam


ChatCompletionToolChoiceOptionParam = Literal["auto", "required", "none"] | ChatCompletionNamedToolChoiceParam


class ResponseFormatText(TypedDict):
    """Plain text."""

    type: Literal["text"]


class ResponseFormatJsonObject(TypedDict):
    """Some JSON object; the prompt should say JSON."""

    type: Literal["json_object"]


class JsonSchemaConfigParam(TypedDict):
    """A named JSON schema."""

    name: str
    schema: Mapping[str, Any]
    strict: NotRequired[bool]
    description: NotRequired[str]


class ResponseFormatJsonSchema(TypedDict):
    """JSON that follows a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchemaConfigParam


ResponseFormatParam = ResponseFormatText | ResponseFormatJsonObject | ResponseFormatJsonSchema


class StreamOptionsParam(TypedDict, total=False):
    """Options of a stream."""

    include_usage: bool


class ReasoningParam(TypedDict, total=False):
    """The display of reasoning: `exclude` hides it, though it is still produced and billed."""

    exclude: bool


class AurikoMetadataParam(TypedDict, total=False):
    """Labels of a request."""

    tags: list[str]
    user_id: str
    trace_id: str
    custom_fields: dict[str, str]


class GatewayParam(TypedDict, total=False):
    """The `gateway` object as a dictionary."""

    models: list[str]
    routing: RoutingOptions | Mapping[str, Any]
    metadata: GatewayMetadata | AurikoMetadataParam


class RoutingParams(TypedDict, total=False):
    """The fields of `gateway` by names of their own, as `ChatAuriko` and `Auriko` have them; each is given once."""

    models: list[str] | None
    routing: RoutingOptions | Mapping[str, Any] | None
    gateway_metadata: GatewayMetadata | AurikoMetadataParam | None


class CallOptions(TypedDict, total=False):
    """Options of one call beside the request's own fields.

    `conversation` names the conversation that the call is a turn of, which prefers the provider that served the last
    turn, whose cache has it. `extra_body` is merged into it, key by key inside `gateway`. `deadline` bounds the whole
    call, in seconds. `idempotency_key` is sent as a header; for inference it has no documented effect. `reserve_usd` is
    what limits hold for the call until its cost is known, in place of their own estimate.
    """

    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, str] | None
    extra_body: Mapping[str, Any] | None
    timeout: float | Timeout | None
    deadline: float | None
    max_retries: int | None
    idempotency_key: str | None
    conversation: str | None
    reserve_usd: float | None


class AnswerParams(RoutingParams, CallOptions, total=False):
    """The fields of a chat completion request, but for those of streams, `tools` and `response_format`.

    Exactly one of `model` and `models` is given. `models`, `routing` and `gateway_metadata` may stand in `gateway` too.
    """

    messages: Required[Iterable[ChatCompletionMessageParam | Mapping[str, Any] | Any]]
    model: str | None
    gateway: GatewayOptions | GatewayParam | None
    extensions: Extensions | Mapping[str, Mapping[str, Any]] | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    min_p: float | None
    top_a: float | None
    repetition_penalty: float | None
    frequency_penalty: float | None
    presence_penalty: float | None
    max_tokens: int | None
    max_completion_tokens: int | None
    reasoning_effort: ReasoningEffort | None
    reasoning: ReasoningParam | None
    stop: str | list[str] | None
    seed: int | None
    n: int | None
    tool_choice: ChatCompletionToolChoiceOptionParam | Mapping[str, Any] | None
    parallel_tool_calls: bool | None
    logprobs: bool | None
    top_logprobs: int | None
    logit_bias: Mapping[str, float] | None
    user: str | None
    web_search_options: Mapping[str, Any] | None
    verbosity: str | None
    prompt_cache_key: str | None
    prompt_cache_retention: str | None
    safety_identifier: str | None


class RunToolsParams(AnswerParams, total=False):
    """The arguments of `run_tools` beside `tools` and `response_format`: those of `create`, and bounds of the run."""

    max_steps: int
    limit_usd: float | None
    tool_timeout: float | None
    on_step: Callable[[Any], Any] | None


class ParseParams(AnswerParams, total=False):
    """Every field of a chat completion request but `stream` and `response_format`; one that is None is left out."""

    tools: Iterable[ChatCompletionToolParam | Mapping[str, Any]] | None
    stream_options: StreamOptionsParam | None


class ChatParams(ParseParams, total=False):
    """Every field of a chat completion request but `stream`; a field that is None is left out.

    `response_format` may be a type, such as a pydantic model; `parse` gives an object of it back. `continue_on` names
    models that go on with a stream of plain text where it is cut.
    """

    response_format: ResponseFormatParam | Mapping[str, Any] | type[Any] | TypeAdapter[Any] | None
    continue_on: list[str] | None
