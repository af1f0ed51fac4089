"""Chat completions, whole and in chunks (API sections 11.1 and 11.2)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import to_json

from auriko.models._arguments import arguments_text
from auriko.models._base import AurikoResponseModel, Informational, Reply
from auriko.models.common import Usage
from auriko.models.routing import RoutingMetadata, add_facts

if TYPE_CHECKING:  # imported where something is shown
    from auriko._display.card import Card


_SEAM = "continued_from"


def new_call_id() -> str:
    """An id for a tool call that came without one: by it the call's result is matched."""
    return f"call_{uuid.uuid4().hex}"


def _as_text(arguments: Any) -> Any:
    """A piece of arguments as text; some servers send the object itself."""
    return arguments if isinstance(arguments, str) or arguments is None else to_json(arguments).decode()


class ToolCallFunction(AurikoResponseModel):
    """The function that a tool call names; `arguments` is a JSON object as text, `{}` where there are none."""

    name: str = ""
    arguments: Annotated[str, BeforeValidator(arguments_text)] = "{}"


class ToolCall(AurikoResponseModel):
    """A call of one of the tools that were offered.

    A call that came without an id has one all the same. `provider_signature` goes back unchanged with the call on the
    next turn (API section 3.3).
    """

    id: Annotated[str, BeforeValidator(lambda value: value or new_call_id())] = Field(default_factory=new_call_id)
    function: ToolCallFunction = Field(default_factory=ToolCallFunction)
    type: Annotated[str, BeforeValidator(lambda value: value or "function")] = "function"
    provider_signature: str | None = None


class ThinkingReasoningBlock(AurikoResponseModel):
    """Readable reasoning; goes back unchanged on the next turn (API section 8.2)."""

    type: Literal["thinking"]
    thinking: str
    signature: str | None = None


class RedactedReasoningBlock(AurikoResponseModel):
    """Reasoning that only the provider can read; goes back unchanged on the next turn."""

    type: Literal["redacted"]
    data: str


class GeneratedImage(AurikoResponseModel):
    """An image that the model made; `data` is base64."""

    type: str = "image"
    mime_type: str
    data: str
    thought_signature: str | None = None


def _calls(calls: list[ToolCall] | None) -> list[ToolCall] | None:
    """The calls that say anything, each with an id of its own."""
    if calls is None:
        return None
    said: dict[str, ToolCall] = {}
    for call in calls:
        if call.function.name or call.function.arguments != "{}":
            own = call.model_copy(update={"id": new_call_id()}) if call.id in said else call
            said[own.id] = own
    return list(said.values())


class ChoiceMessage(AurikoResponseModel):
    """The message of an answer."""

    role: str = "assistant"
    content: str | None = None
    tool_calls: Annotated[list[ToolCall] | None, AfterValidator(_calls)] = None
    reasoning_content: str | None = None
    reasoning: list[ThinkingReasoningBlock | RedactedReasoningBlock | dict[str, Any]] | None = None
    refusal: str | None = None
    images: list[GeneratedImage] | None = None
    annotations: list[Any] | None = None


class Choice(AurikoResponseModel):
    """One of the `n` answers."""

    index: int = 0
    message: ChoiceMessage = Field(default_factory=ChoiceMessage)
    finish_reason: Annotated[str | None, AfterValidator(lambda reason: reason or None)] = None
    native_finish_reason: str | None = None
    logprobs: Any = None


class ChatCompletion(Reply):
    """The answer to a chat completion request, with who served it and what it cost."""

    id: str = ""
    object: str = "chat.completion"
    created: int = 0
    model: str = ""
    choices: list[Choice]
    usage: Informational[Usage] = None
    system_fingerprint: Informational[str] = None
    service_tier: Informational[str] = None
    routing_metadata: Informational[RoutingMetadata] = None

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from auriko._display.card import Card

        card = Card()
        for choice in self.choices:
            if len(self.choices) > 1:
                card.title(f"Answer {choice.index + 1}")
            _add_message(card, choice.message)
        add_facts(card, self.routing_metadata, self.usage, [choice.finish_reason for choice in self.choices])
        return card.bundle()


def _add_message(card: Card, message: ChoiceMessage) -> None:
    if message.reasoning_content:
        card.folded("reasoning", message.reasoning_content)
    if message.content:
        card.paragraph(message.content)
    if message.refusal:
        card.paragraph(f"refused: {message.refusal}")
    for call in message.tool_calls or ():
        card.paragraph(f"calls {call.function.name}({call.function.arguments})")
    for image in message.images or ():
        card.picture(image.mime_type, image.data)


class ToolCallDeltaFunction(AurikoResponseModel):
    """A piece of a tool call's function."""

    name: str | None = None
    arguments: Annotated[str | None, BeforeValidator(_as_text)] = None


class ToolCallDelta(AurikoResponseModel):
    """A piece of the tool call at `index`; the id and the name come with its first piece."""

    index: int = 0
    id: str | None = None
    type: str | None = None
    function: ToolCallDeltaFunction | None = None
    provider_signature: str | None = None


class Delta(AurikoResponseModel):
    """The addition of a chunk to the message."""

    role: str | None = None
    content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    reasoning_content: str | None = None
    reasoning_signature: str | None = None
    reasoning_redacted_data: str | None = None
    refusal: str | None = None
    images: list[GeneratedImage] | None = None


class StreamChoice(AurikoResponseModel):
    """The addition of a chunk to one of the `n` answers."""

    index: int = 0
    delta: Delta = Field(default_factory=Delta)
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    logprobs: Any = None


class ChatCompletionChunk(AurikoResponseModel):
    """A piece of a streamed answer; `choices` may be empty, as on the chunk that carries the usage."""

    id: str = ""
    object: str = "chat.completion.chunk"
    created: int = 0
    model: str = ""
    choices: list[StreamChoice]
    usage: Informational[Usage] = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    routing_metadata: Informational[RoutingMetadata] = None

    @property
    def continued_from(self) -> str | None:
        """The model whose answer was cut here, on the first chunk of the one that goes on; else None."""
        return (self.__pydantic_extra__ or {}).get(_SEAM)

    @continued_from.setter
    def continued_from(self, model: str) -> None:
        extra: Any = self.__pydantic_extra__  # a dict, since unknown fields are kept
        extra[_SEAM] = model
