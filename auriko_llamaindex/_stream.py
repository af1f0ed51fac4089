"""The chunks of a stream as LlamaIndex responses that grow; pure, for both kinds of stream."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ThinkingBlock

from auriko import ChatCompletionChunk, RoutingMetadata, Usage
from auriko.meaning.choice import FirstChoice
from auriko.meaning.message import MessageInPieces
from auriko.meaning.reasoning import ReasoningPiece
from auriko.models import StreamChoice
from auriko_llamaindex._from_wire import facts, log_probs, reasoning_tokens
from auriko_llamaindex._message import chat_message, message_of, plain_call, thinking_block


class GrowingResponse(ChatResponse):
    """A response of a stream that is not over: its tool calls may be without their end."""


class StreamedAnswer:
    """Turns chunks into responses: each holds the whole message so far, the last one usage and cost as well."""

    def __init__(self, *, single_call: bool = False, several: bool = False) -> None:
        self._single_call = single_call
        self._first = FirstChoice(of_several=several)
        self._said = MessageInPieces()
        self._thinking: list[ThinkingBlock] = []
        self._raw: dict[str, Any] = {}
        self._raw_choices: list[dict[str, Any]] = []
        self._finished = False

    def add(self, chunk: ChatCompletionChunk) -> ChatResponse | None:
        """The response for a chunk, or None where it adds nothing to the first choice."""
        self._raw = raw = chunk.model_dump(mode="json", exclude_unset=True)
        choice = self._first.of(chunk)
        return None if choice is None else self._response(choice, raw, chunk.choices.index(choice))

    def _response(self, choice: StreamChoice, raw: dict[str, Any], position: int) -> ChatResponse:
        if not self._finished:
            self._raw_choices = raw["choices"][position : position + 1]
            self._finished = bool(choice.finish_reason)
        pieces = self._said.add(choice.delta)
        thinking = ""
        for piece in pieces:
            self._think(piece)
            thinking += piece.text
        return GrowingResponse(
            message=self._message(),
            delta=choice.delta.content or "",
            raw=raw,
            logprobs=log_probs(choice.logprobs),
            # Where agents look for it.
            additional_kwargs={"thinking_delta": thinking} if thinking else {},
        )

    def end(self, usage: Usage | None, routing_metadata: RoutingMetadata | None) -> ChatResponse:
        """The last response of the stream: the whole message, usage, who answered and what it cost."""
        said = self._said.whole()
        told = facts(usage, routing_metadata, said.refusal)
        # Tracers read all of it from one place, which no single chunk is.
        raw = {**self._raw, "choices": self._raw_choices}
        if usage is not None:
            raw["usage"] = usage.model_dump(mode="json", exclude_unset=True)
        if routing_metadata is not None:
            raw["routing_metadata"] = told["routing_metadata"]
        message = chat_message(said, single_call=self._single_call, reasoning_tokens=reasoning_tokens(usage))
        return ChatResponse(message=message, delta="", raw=raw, additional_kwargs=told)

    def _message(self) -> ChatMessage:
        """The message so far, in objects that later chunks do not change."""
        said = self._said
        calls = said.calls.said()
        if not calls:
            return message_of(self._thinking, said.content, (), said.images)
        told = calls[: 1 if self._single_call else None]
        plain = [plain_call(call.known_id(), call.name, call.arguments, call.signature) for call in told]
        return message_of(self._thinking, said.content, plain, said.images)

    def _think(self, piece: ReasoningPiece) -> None:
        block = thinking_block(piece.as_block())
        if piece.block == len(self._thinking):
            self._thinking.append(block)
        else:
            before = self._thinking[piece.block].content or ""
            self._thinking[piece.block] = block.model_copy(update={"content": before + (block.content or "")})
