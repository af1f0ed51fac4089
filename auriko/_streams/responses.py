"""What a caller of the Responses API iterates over."""

from __future__ import annotations

from typing import cast

from auriko._streams.base import AsyncItemStream, ItemStream
from auriko._streams.responses_reader import ResponsesReader
from auriko.errors import APIResponseValidationError
from auriko.models.common import ResponseUsage
from auriko.models.response_events import ResponseStreamEvent
from auriko.models.responses import Response


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
        return _whole(self.completed_response)


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
        return _whole(self.completed_response)


def _whole(response: Response | None) -> Response:
    if response is None:
        raise APIResponseValidationError("The stream ended with an event that holds no response.")
    return response
