"""The body of `POST /v1/chat/completions` (API section 3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from auriko.sandbox.catalog.model import Effort
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.routing_options import RoutedRequest
from auriko.sandbox.wire.base import OpenWireModel, WireModel
from auriko.sandbox.wire.content import Part

# Accepted, not used, and said so in a warning (API section 3).
IGNORED_FIELDS = ("metadata", "prediction", "service_tier", "store")

FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class FunctionCall(OpenWireModel):
    """A function's name and its arguments as JSON text."""

    name: str = Field(min_length=1)
    arguments: str


class ToolCall(OpenWireModel):
    """A call that an assistant message made."""

    id: str = Field(min_length=1)
    type: Literal["function"] = "function"
    function: FunctionCall
    provider_signature: str | None = None


class ThinkingBlock(OpenWireModel):
    """Reasoning that is sent back as it came."""

    type: Literal["thinking"]
    thinking: str
    signature: str | None = None


class RedactedBlock(OpenWireModel):
    """Reasoning that only its provider can read."""

    type: Literal["redacted"]
    data: str


class PlainMessage(OpenWireModel):
    """A message of the system, the developer or the user."""

    role: Literal["system", "developer", "user"]
    content: str | Annotated[list[Part], Field(min_length=1)]


class AssistantMessage(OpenWireModel):
    """An earlier answer."""

    role: Literal["assistant"]
    content: str | list[Part] | None = None
    tool_calls: list[ToolCall] | None = None
    reasoning: list[Annotated[ThinkingBlock | RedactedBlock, Field(discriminator="type")]] | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    function_call: FunctionCall | None = None


class ToolMessage(OpenWireModel):
    """The answer of a tool."""

    role: Literal["tool"]
    content: str
    tool_call_id: str


class FunctionMessage(OpenWireModel):
    """The answer of a function, in the form that tools replaced."""

    role: Literal["function"]
    content: str | None
    name: str


Message = Annotated[
    PlainMessage | AssistantMessage | ToolMessage | FunctionMessage,
    Field(discriminator="role"),
]


class FunctionDefinition(OpenWireModel):
    """A function that may be called."""

    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(OpenWireModel):
    """A tool that may be called."""

    type: Literal["function"]
    function: FunctionDefinition


class NamedFunction(OpenWireModel):
    """The name of a function."""

    name: str


class NamedTool(OpenWireModel):
    """The one tool that must be called."""

    type: Literal["function"]
    function: NamedFunction


class JsonSchema(WireModel):
    """A schema that the answer must fit."""

    name: FunctionName
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None
    description: str | None = None


class TextFormat(WireModel):
    """Plain text."""

    type: Literal["text"]


class JsonObjectFormat(WireModel):
    """Any JSON object."""

    type: Literal["json_object"]


class JsonSchemaFormat(WireModel):
    """JSON that fits a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


class StreamOptions(OpenWireModel):
    """Usage comes with every stream, asked for or not."""

    include_usage: bool | None = None


class ReasoningOptions(WireModel):
    """The display of reasoning."""

    exclude: bool = False


class ChatRequest(RoutedRequest):
    """A chat completion's request."""

    messages: list[Message] = Field(min_length=1)
    stream_options: StreamOptions | None = None
    min_p: float | None = Field(default=None, ge=0, le=1)
    top_a: float | None = Field(default=None, ge=0, le=1)
    repetition_penalty: float | None = Field(default=None, gt=0)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    reasoning_effort: Effort | Literal["off"] | None = None
    reasoning: ReasoningOptions | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = Field(default=None, ge=1, le=128)
    tools: list[Tool] | None = Field(default=None, max_length=128)
    tool_choice: Literal["auto", "required", "none"] | NamedTool | None = None
    response_format: Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")] | None = (
        None
    )
    logprobs: bool | None = None
    logit_bias: dict[str, float] | None = None
    web_search_options: dict[str, Any] | None = None
    verbosity: str | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    metadata: Any = None
    prediction: Any = None
    service_tier: Any = None
    store: Any = None

    @model_validator(mode="after")
    def _alternatives_need_logprobs(self) -> Self:
        if self.top_logprobs is not None and not self.logprobs:
            raise GatewayError(
                "invalid_parameter_value",
                "top_logprobs needs logprobs.",
                param="top_logprobs",
                suggestion="Set logprobs to true.",
            )
        return self
