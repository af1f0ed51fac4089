"""Events of a streamed response (API section 11.5)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from pydantic import Field, ValidationError

from auriko.models._base import AurikoResponseModel
from auriko.models.responses import Response, ResponseContentPart, ResponseOutputItem, ResponseReasoningSummary


class _Event(AurikoResponseModel):
    sequence_number: int | None = None


class _WholeEvent(_Event):
    response: Response


class ResponseCreatedEvent(_WholeEvent):
    """The response has begun."""

    type: Literal["response.created"]


class ResponseInProgressEvent(_WholeEvent):
    """The response is being made."""

    type: Literal["response.in_progress"]


class ResponseCompletedEvent(_WholeEvent):
    """The end: the whole response, with usage and routing metadata."""

    type: Literal["response.completed"]


class ResponseIncompleteEvent(_WholeEvent):
    """The end of a response that was cut short; `response.incomplete_details` says why."""

    type: Literal["response.incomplete"]


class ResponseFailedEvent(_WholeEvent):
    """The end of a response that failed. Streams raise it as an error and never deliver it."""

    type: Literal["response.failed"]


class _ItemEvent(_Event):
    output_index: int = 0
    item: ResponseOutputItem


class ResponseOutputItemAddedEvent(_ItemEvent):
    """An item of the output begins."""

    type: Literal["response.output_item.added"]


class ResponseOutputItemDoneEvent(_ItemEvent):
    """An item of the output, whole."""

    type: Literal["response.output_item.done"]


class _InItemEvent(_Event):
    item_id: str = ""
    output_index: int = 0


class _PartEvent(_InItemEvent):
    content_index: int = 0


class ResponseContentPartAddedEvent(_PartEvent):
    """A part of a message begins."""

    type: Literal["response.content_part.added"]
    part: ResponseContentPart


class ResponseContentPartDoneEvent(_PartEvent):
    """A part of a message, whole."""

    type: Literal["response.content_part.done"]
    part: ResponseContentPart


class ResponseTextDeltaEvent(_PartEvent):
    """A piece of text."""

    type: Literal["response.output_text.delta"]
    delta: str
    logprobs: list[Any] = Field(default_factory=list[Any])


class ResponseTextDoneEvent(_PartEvent):
    """A part's text, whole."""

    type: Literal["response.output_text.done"]
    text: str
    logprobs: list[Any] = Field(default_factory=list[Any])


class _SummaryEvent(_InItemEvent):
    summary_index: int = 0


class ResponseReasoningSummaryPartAddedEvent(_SummaryEvent):
    """A part of a reasoning summary begins."""

    type: Literal["response.reasoning_summary_part.added"]
    part: ResponseReasoningSummary


class ResponseReasoningSummaryPartDoneEvent(_SummaryEvent):
    """A part of a reasoning summary, whole."""

    type: Literal["response.reasoning_summary_part.done"]
    part: ResponseReasoningSummary


class ResponseReasoningSummaryTextDeltaEvent(_SummaryEvent):
    """A piece of a reasoning summary."""

    type: Literal["response.reasoning_summary_text.delta"]
    delta: str


class ResponseReasoningSummaryTextDoneEvent(_SummaryEvent):
    """A summary part's text, whole."""

    type: Literal["response.reasoning_summary_text.done"]
    text: str


class ResponseFunctionCallArgumentsDeltaEvent(_InItemEvent):
    """A piece of a function call's arguments."""

    type: Literal["response.function_call_arguments.delta"]
    delta: str


class ResponseFunctionCallArgumentsDoneEvent(_InItemEvent):
    """A function call's arguments, whole, as JSON text."""

    type: Literal["response.function_call_arguments.done"]
    arguments: str
    name: str | None = None


class ResponseErrorEvent(_Event):
    """An error that ends the stream. Streams raise it and never deliver it."""

    type: Literal["error"]
    code: str | None = None
    message: str | None = None
    param: str | None = None
    doc_url: str | None = None
    provider: str | None = None
    suggestion: str | None = None


class UnknownStreamEvent(_Event):
    """An event of a kind that is not known here, or not in the form that is; its fields are attributes."""

    type: str = "unknown"

    @property
    def data(self) -> dict[str, Any]:
        """The event as it came."""
        return self.model_dump(exclude_unset=True)


_KnownEvent = (
    ResponseCreatedEvent
    | ResponseInProgressEvent
    | ResponseCompletedEvent
    | ResponseIncompleteEvent
    | ResponseFailedEvent
    | ResponseOutputItemAddedEvent
    | ResponseOutputItemDoneEvent
    | ResponseContentPartAddedEvent
    | ResponseContentPartDoneEvent
    | ResponseTextDeltaEvent
    | ResponseTextDoneEvent
    | ResponseReasoningSummaryPartAddedEvent
    | ResponseReasoningSummaryPartDoneEvent
    | ResponseReasoningSummaryTextDeltaEvent
    | ResponseReasoningSummaryTextDoneEvent
    | ResponseFunctionCallArgumentsDeltaEvent
    | ResponseFunctionCallArgumentsDoneEvent
    | ResponseErrorEvent
)
ResponseStreamEvent = _KnownEvent | UnknownStreamEvent

_BY_TYPE: Final[dict[str, type[Any]]] = {
    get_args(event.model_fields["type"].annotation)[0]: event for event in get_args(_KnownEvent)
}


def parse_event(event: Mapping[str, Any]) -> ResponseStreamEvent:
    """The typed event of a JSON object."""
    kind = event.get("type")
    model = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    if model is not None:
        with contextlib.suppress(ValidationError):  # a kind whose form has changed is still worth delivering
            return model.model_validate(event)  # type: ignore[no-any-return]
    number = event.get("sequence_number")
    return UnknownStreamEvent.model_validate(
        {
            **event,
            "type": kind if isinstance(kind, str) else "unknown",
            "sequence_number": number if isinstance(number, int) else None,
        }
    )
