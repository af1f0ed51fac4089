"""The chunks of a stream as LangChain has them (API section 11.2).

LangChain joins the chunks of a message by adding them up: strings are concatenated, numbers summed.
So whatever describes the whole message (model, usage, cost) is on one chunk only, the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessageChunk, ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk

from auriko.models import ChatCompletionChunk, Delta, StreamChoice, ToolCallDelta, Usage
from auriko.models.chat import new_call_id
from auriko.routing import RoutingMetadata
from auriko_langchain._from_wire import image_block
from auriko_langchain._keys import ANNOTATIONS, PROVIDER, REASONING, REASONING_CONTENT, REFUSAL, SIGNATURES
from auriko_langchain._reply import response_metadata, run_metadata, usage_metadata

# On every chunk, because it tells LangChain whose content blocks these are; adding it up leaves it as it is.
_PROVIDER = {"model_provider": PROVIDER}
_TEXT_ONLY = frozenset({"role", "content"})


class _Call:
    """A tool call whose pieces arrive; `index` is LangChain's, which never repeats within a message."""

    __slots__ = ("id", "index", "name", "signature")

    def __init__(self, index: int) -> None:
        self.index = index
        self.id: str | None = None
        self.name = ""
        self.signature: str | None = None


class ChunkReader:
    """Turns the chunks of one stream into LangChain's, one at a time."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._call_at: dict[int, _Call] = {}
        self._reasoning_index = 0
        self._reasoning_open = False
        self._images = 0
        self._model = ""
        self._facts: dict[str, Any] = {}

    def read(self, chunk: ChatCompletionChunk) -> ChatGenerationChunk | None:
        """The chunk's contribution to the message, or None where it has none."""
        if chunk.model:
            self._model = chunk.model
        for choice in chunk.choices:
            if choice.index == 0:
                return self._read_choice(chunk, choice)
        return None

    def last(
        self,
        usage: Usage | None,
        routing: RoutingMetadata | None,
        headers: Mapping[str, str] | None,
    ) -> ChatGenerationChunk:
        """The chunk that ends the message: it alone says who answered, the tokens and the cost."""
        metadata = response_metadata(model=self._model, routing=routing, headers=headers, facts=self._facts)
        signatures = {call.id: call.signature for call in self._calls if call.signature}
        message = AIMessageChunk(
            content="",
            additional_kwargs={SIGNATURES: signatures} if signatures else {},
            tool_call_chunks=[_piece(call, "", call.id) for call in self._calls if self._named(call)],
            response_metadata=metadata,
            usage_metadata=usage_metadata(usage) if usage is not None else None,
            chunk_position="last",
        )
        info = {"finish_reason": self._facts.get("finish_reason"), **run_metadata(metadata)}
        return ChatGenerationChunk(message=message, generation_info=info)

    def _read_choice(self, chunk: ChatCompletionChunk, choice: StreamChoice) -> ChatGenerationChunk | None:
        if choice.finish_reason is not None:
            self._note_finish(chunk, choice)
        delta = choice.delta
        if delta.model_fields_set <= _TEXT_ONLY and choice.logprobs is None:
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
        calls = [self._tool_call(piece) for piece in delta.tool_calls or ()]
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
        blocks: list[dict[str, Any]] = []
        if delta.reasoning_content:
            kept[REASONING_CONTENT] = delta.reasoning_content
        if delta.reasoning_content or delta.reasoning_signature:
            thinking = {"type": "thinking", "thinking": delta.reasoning_content or ""}
            blocks.append({**thinking, "index": self._reasoning_index})
            self._reasoning_open = True
        if delta.reasoning_signature:
            blocks[0]["signature"] = delta.reasoning_signature
            self._next_reasoning()
        if delta.reasoning_redacted_data:
            if self._reasoning_open:
                self._next_reasoning()
            redacted = {"type": "redacted", "data": delta.reasoning_redacted_data}
            blocks.append({**redacted, "index": self._reasoning_index})
            self._next_reasoning()
        if blocks:
            kept[REASONING] = blocks
        if delta.refusal:
            kept[REFUSAL] = delta.refusal
        annotations = (delta.model_extra or {}).get(ANNOTATIONS)
        if annotations:
            kept[ANNOTATIONS] = annotations
        return kept

    def _next_reasoning(self) -> None:
        self._reasoning_index += 1
        self._reasoning_open = False

    def _image(self, block: dict[str, Any]) -> dict[str, Any]:
        self._images += 1
        return {**block, "index": f"lc_image_{self._images - 1}"}

    def _tool_call(self, piece: ToolCallDelta) -> ToolCallChunk:
        call = self._call_at.get(piece.index)
        if call is None or (piece.id and call.id and piece.id != call.id):
            # Some providers give every parallel call the same index; a new id is a new call.
            call = _Call(len(self._calls))
            self._calls.append(call)
            self._call_at[piece.index] = call
        call.id = call.id or piece.id
        call.signature = piece.provider_signature or call.signature
        function = piece.function
        name = (function.name if function is not None else None) or ""
        # Repeated on every piece by some providers; LangChain would concatenate it.
        fresh_name = name if name != call.name else ""
        call.name += fresh_name
        arguments = (function.arguments if function is not None else None) or ""
        return _piece(call, arguments, piece.id, fresh_name)

    def _named(self, call: _Call) -> bool:
        """True if a call that came without an id had to be given one, without which no tool can answer it."""
        if call.id:
            return False
        call.id = new_call_id()
        return True


def _piece(call: _Call, arguments: str, call_id: str | None, name: str = "") -> ToolCallChunk:
    return ToolCallChunk(
        type="tool_call_chunk", index=call.index, id=call_id or None, name=name or None, args=arguments
    )
