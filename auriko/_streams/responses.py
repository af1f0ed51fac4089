"""A streamed response: its events as typed items, the rules for its end, and the streams (API section 11.5)."""

from __future__ import annotations

from typing import Any, Final, cast

from auriko._rules.reader import StreamReader
from auriko._streams.base import AsyncItemStream, ItemStream
from auriko.errors import APIResponseValidationError, APIStatusError
from auriko.errors._mapping import error_from_event
from auriko.models._base import came_with
from auriko.models.common import ResponseUsage
from auriko.models.response_events import ResponseStreamEvent, ResponseTextDeltaEvent, parse_event
from auriko.models.responses import Response
from auriko.response_headers import ResponseHeaders

_COMPLETE: Final = frozenset({"response.completed", "response.incomplete"})


class ResponsesReader(StreamReader[ResponseStreamEvent, ResponseUsage]):
    """A streamed response: over at its terminal event.

    Attributes:
        completed_response: The whole response, from the terminal event.
    """

    def __init__(self, headers: ResponseHeaders) -> None:
        super().__init__(headers)
        self.completed_response: Response | None = None

    @staticmethod
    def text(item: ResponseStreamEvent) -> str:
        """The text that the event adds to the response."""
        return item.delta if isinstance(item, ResponseTextDeltaEvent) else ""

    def _handle(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.failure = self._interrupted("The stream said [DONE] before the response was complete.")
            return
        loaded = self._load(data)
        if loaded is None:
            return
        kind = str(loaded.get("type"))
        if kind == "error":
            # Its `type` is the event's, and not that of the error.
            error = {name: value for name, value in loaded.items() if name != "type"}
            self.failure = error_from_event(error, self.headers)
            return
        event = parse_event(loaded)
        whole: Any = getattr(event, "response", None)
        if isinstance(whole, Response):
            self._note(whole, last=kind in _COMPLETE or kind == "response.failed")
        if kind == "response.failed":
            self.failure = self._failed(loaded.get("response"))
            return
        self.complete = kind in _COMPLETE
        self.received += 1
        self.ready.append(event)

    def _note(self, response: Response, *, last: bool) -> None:
        self.usage = response.usage or self.usage
        self.routing_metadata = response.routing_metadata or self.routing_metadata
        if last:
            came_with(response, self.headers)
            self.completed_response = response

    def _failed(self, response: Any) -> APIStatusError:
        said: Any = cast("dict[str, Any]", response).get("error") if isinstance(response, dict) else None
        envelope = {"error": said or {"message": "The response failed without a reason."}}
        return error_from_event(envelope, self.headers)

    def _may_end(self) -> bool:
        return False


class ResponseStream(ItemStream[ResponseStreamEvent, ResponseUsage]):
    """The events of a response. Use it in a `with` block, or read it to its end."""

    reader = ResponsesReader

    @property
    def completed_response(self) -> Response | None:
        """The whole response; known once the terminal event has been read, also if the response failed."""
        return cast("ResponsesReader", self._reader).completed_response

    def collect(self) -> Response:
        """The whole response, after reading what is left of the stream."""
        if not self._ended:
            for _ in self:
                pass
        return whole_response(self.completed_response)


class AsyncResponseStream(AsyncItemStream[ResponseStreamEvent, ResponseUsage]):
    """The events of a response. Use it in an `async with` block, or read it to its end."""

    reader = ResponsesReader

    @property
    def completed_response(self) -> Response | None:
        """The whole response; known once the terminal event has been read, also if the response failed."""
        return cast("ResponsesReader", self._reader).completed_response

    async def collect(self) -> Response:
        """The whole response, after reading what is left of the stream."""
        if not self._ended:
            async for _ in self:
                pass
        return whole_response(self.completed_response)


def whole_response(response: Response | None) -> Response:
    """The response that a stream ended with.

    Raises:
        APIResponseValidationError: Its last event has none.
    """
    if response is None:
        raise APIResponseValidationError("The stream ended with an event that holds no response.")
    return response
