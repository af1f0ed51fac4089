"""A reply of the Responses API (section 11.4)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from typing_extensions import Self

from auriko.models._arguments import arguments_text
from auriko.models._base import AurikoResponseModel, Informational, InformationalModel, Reply
from auriko.models.common import ResponseUsage
from auriko.models.routing import RoutingMetadata, add_facts


def _content(given: Any) -> Any:
    """The parts of a message, of which some servers send the text alone, or nulls beside them."""
    if isinstance(given, list):
        return [_text_part(part) for part in given if part is not None]  # pyright: ignore[reportUnknownVariableType]
    return [] if given is None else [_text_part(given)]


def _text_part(part: Any) -> Any:
    return {"type": "output_text", "text": part} if isinstance(part, str) else part


def _without_nulls(given: Any) -> Any:
    if given is None:
        return []
    return [item for item in given if item is not None] if isinstance(given, list) else given  # pyright: ignore[reportUnknownVariableType]


class ResponseOutputContentPart(AurikoResponseModel):
    """A piece of a message's text."""

    type: Literal["output_text"] = "output_text"
    text: str
    annotations: Annotated[list[Any], BeforeValidator(_without_nulls)] = Field(default_factory=list[Any])
    logprobs: Informational[list[Any]] = None


class ResponseRefusalContentPart(AurikoResponseModel):
    """The model's words for not answering."""

    type: Literal["refusal"]
    refusal: str


class UnknownContentPart(AurikoResponseModel):
    """A part of a kind that is not known here; its fields are attributes."""

    type: str


ResponseContentPart = Annotated[
    ResponseOutputContentPart | ResponseRefusalContentPart | UnknownContentPart,
    Field(union_mode="left_to_right"),
]


class ResponseMessageOutputItem(AurikoResponseModel):
    """A message of the model. `phase` goes back with it on the next turn."""

    type: Literal["message"]
    id: Annotated[str, BeforeValidator(lambda value: value or "")] = ""
    role: Annotated[str, BeforeValidator(lambda value: value or "assistant")] = "assistant"
    status: Informational[str] = None
    content: Annotated[list[ResponseContentPart], BeforeValidator(_content)]
    phase: str | None = None


class ResponseFunctionCallOutputItem(AurikoResponseModel):
    """A function call; `arguments` is a JSON object as text, and `call_id` goes back with its output."""

    type: Literal["function_call"]
    id: str | None = None
    call_id: str
    name: str
    arguments: Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else arguments_text(value))]
    status: str | None = None


class ResponseReasoningSummary(AurikoResponseModel):
    """A part of a reasoning summary."""

    type: str = "summary_text"
    text: str


class ResponseReasoningOutputItem(AurikoResponseModel):
    """Reasoning; goes back unchanged on the next turn, with its `encrypted_content`."""

    type: Literal["reasoning"]
    id: str | None = None
    summary: Annotated[list[ResponseReasoningSummary], BeforeValidator(_without_nulls)] = Field(
        default_factory=list[ResponseReasoningSummary]
    )
    encrypted_content: str | None = None
    status: str | None = None


class ResponseImageGenerationCallOutputItem(AurikoResponseModel):
    """An image that the model made; `result` is base64."""

    type: Literal["image_generation_call"]
    id: str = ""
    status: str | None = None
    result: str | None = None


class UnknownOutputItem(AurikoResponseModel):
    """An item of a kind that is not known here, as hosted tools give them; its fields are attributes."""

    type: str

    @property
    def data(self) -> dict[str, Any]:
        """The item as it came."""
        return {"type": self.type, **(self.__pydantic_extra__ or {})}


ResponseOutputItem = Annotated[
    ResponseMessageOutputItem
    | ResponseFunctionCallOutputItem
    | ResponseReasoningOutputItem
    | ResponseImageGenerationCallOutputItem
    | UnknownOutputItem,
    Field(union_mode="left_to_right"),
]


class ResponseError(AurikoResponseModel):
    """Why a response failed."""

    code: str | None = None
    message: str | None = None
    type: str | None = None
    param: str | None = None
    doc_url: str | None = None
    provider: str | None = None
    suggestion: str | None = None


class ImageGenTokenDetails(InformationalModel):
    """Kinds of tokens of image generation."""

    image_tokens: int = 0
    text_tokens: int = 0


class ImageGenUsage(InformationalModel):
    """Tokens of image generation."""

    input_tokens: int = 0
    input_tokens_details: Informational[ImageGenTokenDetails] = None
    output_tokens: int = 0
    output_tokens_details: Informational[ImageGenTokenDetails] = None
    total_tokens: int = 0
    input_text_tokens: int | None = None
    input_image_tokens: int | None = None
    output_image_tokens: int | None = None


class WebSearchUsage(InformationalModel):
    """The number of web searches."""

    num_requests: int = 0


class ToolUsage(InformationalModel):
    """The use of hosted tools."""

    image_gen: Informational[ImageGenUsage] = None
    web_search: Informational[WebSearchUsage] = None


class Response(Reply):
    """The answer of the Responses API. A `status` of "failed" comes with `error`, "incomplete" with its details."""

    id: str
    object: str = "response"
    created_at: Informational[int | float] = None
    completed_at: Informational[int | float] = None
    model: str = ""
    status: str | None = None
    output: Annotated[list[ResponseOutputItem], BeforeValidator(_without_nulls)] = Field(
        default_factory=list[ResponseOutputItem]
    )
    output_text: Annotated[str, BeforeValidator(lambda text: text or "")] = ""
    usage: Informational[ResponseUsage] = None
    error: Informational[ResponseError] = None
    incomplete_details: Informational[dict[str, Any]] = None
    routing_metadata: Informational[RoutingMetadata] = None
    tool_usage: Informational[ToolUsage] = None

    # What the request asked for, echoed.
    parallel_tool_calls: Informational[bool] = None
    tool_choice: Any = None
    tools: Informational[list[Any]] = None
    metadata: Informational[dict[str, Any]] = None
    temperature: Informational[float] = None
    top_p: Informational[float] = None
    max_output_tokens: Informational[int] = None
    frequency_penalty: Informational[float] = None
    presence_penalty: Informational[float] = None
    top_logprobs: Informational[int] = None
    instructions: Any = None
    truncation: Informational[str] = None
    reasoning: Informational[dict[str, Any]] = None
    text: Informational[dict[str, Any]] = None
    user: Informational[str] = None
    prompt_cache_key: Informational[str] = None
    safety_identifier: Informational[str] = None
    max_tool_calls: Informational[int] = None
    store: Informational[bool] = None
    previous_response_id: Informational[str] = None
    background: Informational[bool] = None
    service_tier: Informational[str] = None

    @model_validator(mode="after")
    def _compute_output_text(self) -> Self:
        """`output_text` from the messages, where the gateway left it out."""
        if not self.output_text:
            self.output_text = "".join(
                part.text
                for item in self.output
                if isinstance(item, ResponseMessageOutputItem)
                for part in item.content
                if isinstance(part, ResponseOutputContentPart)
            )
        return self

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from auriko._display.card import Card

        card = Card()
        for item in self.output:
            if isinstance(item, ResponseFunctionCallOutputItem):
                card.paragraph(f"calls {item.name}({item.arguments})")
        hosted = [item.type for item in self.output if item.type not in {"message", "reasoning", "function_call"}]
        if hosted:
            card.paragraph(f"({', '.join(hosted)})")
        if self.output_text:
            card.paragraph(self.output_text)
        if self.error is not None:
            card.paragraph(f"{self.error.code or 'error'}: {self.error.message or ''}")
        add_facts(card, self.routing_metadata, self.usage.as_chat_usage() if self.usage else None, [self.status])
        return card.bundle()
