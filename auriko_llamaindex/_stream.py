"""The chunks of a stream as LlamaIndex responses that grow; pure, for both kinds of stream."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatResponse

from auriko import ChatCompletionChunk, RoutingMetadata, Usage
from auriko.models import Delta, StreamChoice
from auriko_llamaindex._answer import Answer
from auriko_llamaindex._from_wire import facts, log_probs, reasoning_tokens


class StreamedAnswer:
    """Turns chunks into responses: each holds the whole message so far, the last one usage and cost as well."""

    def __init__(self, *, single_call: bool = False) -> None:
        self._answer = Answer(single_call=single_call)
        self._raw: dict[str, Any] = {}
        self._raw_choices: list[dict[str, Any]] = []
        self._finished = False

    def add(self, chunk: ChatCompletionChunk) -> ChatResponse | None:
        """The response for a chunk, or None where it adds nothing to the first choice."""
        self._raw = raw = chunk.model_dump(mode="json", exclude_unset=True)
        for position, choice in enumerate(chunk.choices):
            if choice.index == 0:
                return self._response(choice, raw, position)
        return None

    def _response(self, choice: StreamChoice, raw: dict[str, Any], position: int) -> ChatResponse:
        if not self._finished:
            self._raw_choices = raw["choices"][position : position + 1]
            self._finished = choice.finish_reason is not None
        thinking = self._take(choice.delta)
        return ChatResponse(
            message=self._answer.message(),
            delta=choice.delta.content or "",
            raw=raw,
            logprobs=log_probs(choice.logprobs),
            # Where agents look for it.
            additional_kwargs={"thinking_delta": thinking} if thinking else {},
        )

    def end(self, usage: Usage | None, routing_metadata: RoutingMetadata | None) -> ChatResponse:
        """The last response of the stream: the whole message, usage, who answered and what it cost."""
        self._answer.count_reasoning(reasoning_tokens(usage))
        told = facts(usage, routing_metadata, self._answer.refusal)
        # Tracers read all of it from one place, which no single chunk is.
        raw = {**self._raw, "choices": self._raw_choices}
        if usage is not None:
            raw["usage"] = usage.model_dump(mode="json", exclude_unset=True)
        if routing_metadata is not None:
            raw["routing_metadata"] = told["routing_metadata"]
        return ChatResponse(message=self._answer.message(), delta="", raw=raw, additional_kwargs=told)

    def _take(self, delta: Delta) -> str | None:
        """Add a delta to the answer; the piece of readable reasoning in it comes back."""
        answer = self._answer
        # Some engines behind the gateway stream it under the other name.
        other = (delta.model_extra or {}).get("reasoning")
        thinking = delta.reasoning_content or (other if isinstance(other, str) else None)
        if thinking:
            answer.add_reasoning(thinking)
        if delta.reasoning_signature:
            answer.sign_reasoning(delta.reasoning_signature)
        if delta.reasoning_redacted_data:
            answer.add_reasoning_block({"type": "redacted", "data": delta.reasoning_redacted_data})
        if delta.content:
            answer.add_text(delta.content)
        if delta.refusal:
            answer.add_refusal(delta.refusal)
        for call in delta.tool_calls or ():
            answer.add_call(call.index, call)
        for image in delta.images or ():
            answer.add_image(image)
        return thinking
