"""The chunks of a stream as LangChain has them (API section 11.2).

LangChain joins the chunks of a message by adding them up: strings are concatenated, numbers summed.
So whatever describes the whole message (model, usage, cost) is on one chunk only, the last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessageChunk, ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.utils.json import parse_partial_json

from auriko.meaning.choice import FirstChoice
from auriko.meaning.message import TEXT_ONLY
from auriko.meaning.reasoning import ReasoningInPieces
from auriko.meaning.tool_calls import CallInPieces, CallsInPieces, ReadCall, read_calls
from auriko.models import ChatCompletionChunk, Delta, StreamChoice, ToolCallDelta, Usage
from auriko.routing import RoutingMetadata
from auriko_langchain._from_wire import image_block, logger
from auriko_langchain._keys import ANNOTATIONS, PROVIDER, REASONING, REASONING_CONTENT, REFUSAL, SIGNATURES
from auriko_langchain._reply import response_metadata, run_metadata, usage_metadata

# On every chunk, because it tells LangChain whose content blocks these are; adding it up leaves it as it is.
_PROVIDER = {"model_provider": PROVIDER}


class _Sent:
    """What of a tool call LangChain has been told: its id, and the beginning of its arguments."""

    __slots__ = ("arguments", "id")

    def __init__(self) -> None:
        self.id = False
        self.arguments = False


class ChunkReader:
    """Turns the chunks of one stream into LangChain's, one at a time."""

    def __init__(self) -> None:
        self._first = FirstChoice()
        self._calls = CallsInPieces()
        self._sent: list[_Sent] = []
        self._reasoning = ReasoningInPieces()
        self._images = 0
        self._model = ""
        self._facts: dict[str, Any] = {}

    def read(self, chunk: ChatCompletionChunk) -> ChatGenerationChunk | None:
        """The chunk's contribution to the message, or None where it has none."""
        if chunk.model:
            self._model = chunk.model
        choice = self._first.of(chunk)
        return None if choice is None else self._read_choice(chunk, choice)

    def last(
        self,
        usage: Usage | None,
        routing: RoutingMetadata | None,
        headers: Mapping[str, str],
    ) -> ChatGenerationChunk:
        """The chunk that ends the message: it alone says who answered, the tokens and the cost."""
        metadata = response_metadata(model=self._model, routing=routing, headers=headers, facts=self._facts)
        said = self._calls.said()
        calls = read_calls([call.whole() for call in said], self._facts.get("finish_reason"))
        signatures = {read.call.id: read.call.provider_signature for read in calls if read.call.provider_signature}
        message = AIMessageChunk(
            content="",
            additional_kwargs={SIGNATURES: signatures} if signatures else {},
            tool_call_chunks=[piece for pair in zip(said, calls, strict=True) if (piece := self._rest(*pair))],
            response_metadata=metadata,
            usage_metadata=usage_metadata(usage) if usage is not None else None,
            chunk_position="last",
        )
        info = {"finish_reason": self._facts.get("finish_reason"), **run_metadata(metadata)}
        return ChatGenerationChunk(message=message, generation_info=info)

    def _read_choice(self, chunk: ChatCompletionChunk, choice: StreamChoice) -> ChatGenerationChunk | None:
        if choice.finish_reason:
            self._note_finish(chunk, choice)
        delta = choice.delta
        if delta.model_fields_set <= TEXT_ONLY and choice.logprobs is None:
            if not delta.content:
                return None
            message = AIMessageChunk(content=delta.content, response_metadata=_PROVIDER)
            return ChatGenerationChunk(message=message)
        content: str | list[str | dict[Any, Any]] = delta.content or ""
        if delta.images:
            text: list[str | dict[Any, Any]] = [delta.content] if delta.content else []
            content = text + [self._image(image_block(image)) for image in delta.images]
        metadata = _PROVIDER if choice.logprobs is None else {**_PROVIDER, "logprobs": choice.logprobs}
        kept = self._kept(delta)
        calls = self._tool_calls(delta.tool_calls) if delta.tool_calls else []
        if not (content or kept or calls or metadata is not _PROVIDER):
            return None
        message = AIMessageChunk(
            content=content, additional_kwargs=kept, tool_call_chunks=calls, response_metadata=metadata
        )
        return ChatGenerationChunk(message=message)

    def _note_finish(self, chunk: ChatCompletionChunk, choice: StreamChoice) -> None:
        self._facts = {
            "id": chunk.id or None,
            "finish_reason": choice.finish_reason,
            "native_finish_reason": choice.native_finish_reason,
            "system_fingerprint": chunk.system_fingerprint,
            "service_tier": chunk.service_tier,
        }

    def _kept(self, delta: Delta) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        if pieces := self._reasoning.add(delta):
            kept[REASONING] = [{**piece.as_block(), "index": piece.block} for piece in pieces]
            if text := "".join(piece.text for piece in pieces):
                kept[REASONING_CONTENT] = text
        if delta.refusal:
            kept[REFUSAL] = delta.refusal
        annotations = (delta.model_extra or {}).get(ANNOTATIONS)
        if annotations and isinstance(annotations, list):
            kept[ANNOTATIONS] = annotations
        return kept

    def _image(self, block: dict[str, Any]) -> dict[str, Any]:
        self._images += 1
        return {**block, "index": f"lc_image_{self._images - 1}"}

    def _tool_calls(self, pieces: list[ToolCallDelta]) -> list[ToolCallChunk]:
        """What the pieces of a chunk add, each call once: LangChain takes two of one chunk for two calls."""
        added: dict[int, ToolCallChunk] = {}
        for piece in pieces:
            call, name, arguments = self._calls.add(piece)
            if call.position == len(self._sent):
                self._sent.append(_Sent())
            sent = self._sent[call.position]
            if not call.name:
                continue
            chunk = added.setdefault(call.position, _piece(call.position))
            chunk["name"] = (chunk["name"] or "") + name or None
            if call.id and not sent.id:
                chunk["id"], sent.id = call.id, True
            if not sent.arguments:
                # Whatever does not begin like an object may mean that there are no arguments, which the end shows.
                arguments = call.arguments
                sent.arguments = arguments.lstrip().startswith("{")
            if sent.arguments:
                chunk["args"] = (chunk["args"] or "") + arguments
        return list(added.values())

    def _rest(self, call: CallInPieces, read: ReadCall) -> ToolCallChunk | None:
        """What LangChain has still to be told of a call, so that it takes it for what it is."""
        sent, text = self._sent[call.position], call.arguments
        piece = _piece(call.position)
        if not sent.id:  # without an id no tool can answer it
            piece["id"] = read.call.id
        if read.problem is not None:
            logger.warning("The model's call of %s is not run: %s.", read.call.function.name, read.problem)
            piece["args"] = ("" if sent.arguments else text) + _unreadable_end(text)
        elif not sent.arguments and read.arguments:
            piece["args"] = json.dumps(read.arguments, ensure_ascii=False)
        return piece if piece["id"] or piece["args"] else None


def _piece(place: int) -> ToolCallChunk:
    return ToolCallChunk(type="tool_call_chunk", index=place, id=None, name=None, args="")


def _unreadable_end(text: str) -> str:
    """An end that keeps LangChain from completing the arguments of a call that must not be run.

    It completes whatever it can, `{"path": "/data` too, except where a bracket is closed that was not opened.
    """
    for end in ("", "]", "}", '"]', '"}', '""]'):
        try:
            if not isinstance(parse_partial_json(text + end) if text + end else {}, dict):
                return end
        except (ValueError, RecursionError):
            return end
    return '""}'
