"""The body of `POST /v1/responses` (API section 11.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, field_validator

from auriko.sandbox.catalog.model import Effort
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.routing_options import RoutedRequest
from auriko.sandbox.wire.base import OpenWireModel, WireModel
from auriko.sandbox.wire.chat_request import (
    FunctionDefinition,
    JsonObjectFormat,
    JsonSchema,
    NamedFunction,
    TextFormat,
)


class Part(OpenWireModel):
    """One part of a message's content; what else belongs to it depends on its type, and is read with it."""

    type: str
    text: Any = None
    refusal: Any = None
    image_url: Any = None


class MessageItem(OpenWireModel):
    """A message of the conversation."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: str | Annotated[list[Part], Field(min_length=1)]


class FunctionCallItem(OpenWireModel):
    """A call that the model made."""

    type: Literal["function_call"]
    call_id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    arguments: str


class FunctionCallOutputItem(OpenWireModel):
    """The answer of a function."""

    type: Literal["function_call_output"]
    call_id: str
    output: str | Annotated[list[Part], Field(min_length=1)]


class SummaryPart(OpenWireModel):
    """A piece of a reasoning summary."""

    type: Literal["summary_text"]
    text: str


class ReasoningItem(OpenWireModel):
    """Reasoning that is sent back as it came."""

    type: Literal["reasoning"]
    summary: list[SummaryPart]
    encrypted_content: str | None = None


def _kind(item: Any, default: str = "message") -> Any:
    return (item.get("type") if isinstance(item, Mapping) else None) or default  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]


Item = Annotated[
    Annotated[MessageItem, Tag("message")]
    | Annotated[FunctionCallItem, Tag("function_call")]
    | Annotated[FunctionCallOutputItem, Tag("function_call_output")]
    | Annotated[ReasoningItem, Tag("reasoning")],
    Discriminator(_kind),
]


class FunctionTool(FunctionDefinition):
    """A function that may be called; flat, unlike in chat completions."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["function"]


class NamedTool(NamedFunction):
    """The one tool that must be called."""

    type: Literal["function"]


class JsonSchemaFormat(JsonSchema):
    """JSON that fits a schema; flat as well."""

    type: Literal["json_schema"]


class TextOptions(WireModel):
    """Form and length of the text."""

    format: Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")] | None = None
    verbosity: str | None = None


class ReasoningOptions(WireModel):
    """The effort of reasoning, and the summary of it."""

    effort: Effort | Literal["none", "minimal", "off"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None


class ResponsesRequest(RoutedRequest):
    """A response's request."""

    input: str | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    tools: list[FunctionTool] | None = Field(default=None, max_length=128)
    tool_choice: Literal["auto", "none", "required"] | NamedTool | None = None
    max_output_tokens: int | None = Field(default=None, ge=1)
    max_tool_calls: int | None = Field(default=None, ge=1)
    reasoning: ReasoningOptions | None = None
    text: TextOptions | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: dict[str, str] | None = None
    include: list[str] | None = None
    store: bool | None = None

    @field_validator("tools", mode="before")
    @classmethod
    def _no_hosted_tools(cls, tools: Any) -> Any:
        kinds = [_kind(tool, "function") for tool in tools] if isinstance(tools, list) else []  # pyright: ignore[reportUnknownVariableType]
        hosted = sorted(kind for kind in kinds if isinstance(kind, str) and kind != "function")
        if hosted:
            raise GatewayError(
                "hosted_tool_not_supported",
                f"No provider here has the hosted tool {hosted[0]}.",
                param="tools",
                suggestion="Use tools of the type function.",
            )
        return tools  # pyright: ignore[reportUnknownVariableType]

    @field_validator("store", mode="after")
    @classmethod
    def _nothing_is_stored(cls, store: bool | None) -> bool | None:
        if store:
            raise GatewayError(
                "invalid_parameter_value",
                "store must be false: nothing is kept between requests.",
                param="store",
                suggestion="Send the whole history in input.",
            )
        return store
