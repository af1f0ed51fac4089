"""One call of an LLM, sync or async, plain or streamed: all of it but the sending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse

from auriko import AsyncStream, ChatCompletion, ChatCompletionChunk, Stream
from auriko.routing import warn_of_changes
from auriko_llamaindex._from_wire import chat_response
from auriko_llamaindex._request import request_arguments
from auriko_llamaindex._stream import StreamedAnswer
from auriko_llamaindex._tracing import framework_span, on_framework_span

if TYPE_CHECKING:
    from auriko_llamaindex._settings import AurikoSettings


class Call:
    """A call from its arguments to its responses.

    Attributes:
        arguments: What the client's `create` is called with.
    """

    def __init__(
        self,
        settings: AurikoSettings,
        messages: Sequence[ChatMessage],
        kwargs: Mapping[str, Any],
        *,
        stream: bool = False,
    ) -> None:
        self.arguments = request_arguments(settings, messages, kwargs)
        if stream:
            # The gateway tells usage unasked; a proxy before it may not.
            self.arguments.setdefault("stream_options", {"include_usage": True})
        self._span = framework_span()
        # Some providers cannot be told to make one call only.
        self._single_call = self.arguments.get("parallel_tool_calls") is False
        several = (self.arguments.get("n") or 1) > 1
        self._answer = StreamedAnswer(single_call=self._single_call, several=several)

    def on_span(self) -> AbstractContextManager[None]:
        """The context for the client's call, which then writes on the span that tracing has made for this one."""
        return on_framework_span(self._span)

    def response(self, completion: ChatCompletion) -> ChatResponse:
        """The response for a whole reply."""
        warn_of_changes(completion.routing_metadata)
        return chat_response(completion, single_call=self._single_call)

    def item(self, chunk: ChatCompletionChunk) -> ChatResponse | None:
        """The response for a chunk, or None where it adds nothing to the answer."""
        return self._answer.add(chunk)

    def last_item(self, stream: Stream[Any] | AsyncStream[Any]) -> ChatResponse:
        """The response that ends a stream: the whole answer, usage, who answered and what it cost."""
        warn_of_changes(stream.routing_metadata)
        return self._answer.end(stream.usage, stream.routing_metadata)
