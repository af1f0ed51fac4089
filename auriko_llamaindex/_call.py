"""One call of an LLM, sync or async, plain or streamed: all of it but the sending."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse

from auriko import AsyncStream, ChatCompletion, ChatCompletionChunk, Stream
from auriko.call_arguments import gateway_of, merge_arguments
from auriko.routing import warn_of_changes
from auriko_llamaindex._from_wire import chat_response
from auriko_llamaindex._stream import StreamedAnswer
from auriko_llamaindex._to_wire import to_wire
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


def request_arguments(
    settings: AurikoSettings, messages: Sequence[ChatMessage], call: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of `create`: any that it has, and also `models`, `routing` and `gateway_metadata`.

    They are merged as `auriko.call_arguments` says, the LLM's `additional_kwargs` over its fields, and the call's over
    both.

    Raises:
        ValueError: A message cannot be sent, or the call says a thing twice.
        TypeError: `stream` is asked for.
    """
    if "stream" in call or "stream" in settings.additional_kwargs:
        raise TypeError("stream is no argument of a call: use stream_chat or stream_complete")
    fields: dict[str, Any] = {
        "model": settings.model,
        "temperature": settings.temperature,
        "reasoning_effort": settings.reasoning_effort,
        "max_completion_tokens": settings.max_tokens,
        "extensions": settings.extensions,
        "extra_body": settings.extra_body,
    }
    named = {"models": settings.models, "routing": settings.routing, "gateway_metadata": settings.gateway_metadata}
    arguments = merge_arguments(fields, gateway_of(named), settings.additional_kwargs)
    arguments = merge_arguments(arguments, arguments.pop("gateway"), call)
    sent = to_wire(messages, send_reasoning=settings.send_reasoning)
    conversation = arguments.pop("conversation", settings.conversation)
    if conversation is True:
        conversation = _beginning(sent)
    return {"messages": sent, **arguments, **({"conversation": conversation} if conversation else {})}


def _beginning(messages: Sequence[Mapping[str, Any]]) -> str:
    """A name of the conversation that begins so: memories do not tell theirs, and what begins alike shares a cache."""
    first = next((index for index, message in enumerate(messages) if message["role"] == "user"), 0)
    text = json.dumps(messages[: first + 1], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
