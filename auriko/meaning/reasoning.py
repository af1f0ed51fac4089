"""Reasoning: blocks with their signatures, which go back unchanged on the next turn (API section 8.2)."""

from __future__ import annotations

from typing import Any, NamedTuple

from auriko.models.chat import ChoiceMessage, Delta, RedactedReasoningBlock, ThinkingReasoningBlock


class ReasoningPiece(NamedTuple):
    """What a chunk adds to a block of reasoning.

    Attributes:
        block: The number of the block, from 0.
        text: The addition to its readable text.
        signature: The signature that closes it, or None.
        redacted: What only the provider can read, of a block without text; or None.
    """

    block: int
    text: str = ""
    signature: str | None = None
    redacted: str | None = None

    def as_block(self) -> dict[str, Any]:
        """The block of the wire that this piece alone would be."""
        if self.redacted is not None:
            return {"type": "redacted", "data": self.redacted}
        block = {"type": "thinking", "thinking": self.text}
        return block if self.signature is None else {**block, "signature": self.signature}


class ReasoningInPieces:
    """The blocks of a stream: a signature closes the one that is open, and redacted data is a block of its own."""

    def __init__(self) -> None:
        self._done: list[ThinkingReasoningBlock | RedactedReasoningBlock] = []
        self._open: list[str] | None = None

    def add(self, delta: Delta) -> list[ReasoningPiece]:
        """What a delta adds, at most a piece of readable reasoning and a redacted block."""
        added: list[ReasoningPiece] = []
        text = reasoning_text(delta)
        if text or delta.reasoning_signature:
            added.append(ReasoningPiece(len(self._done), text, delta.reasoning_signature or None))
            if self._open is None:
                self._open = []
            self._open.append(text)
        if delta.reasoning_signature:
            self._close(delta.reasoning_signature)
        if delta.reasoning_redacted_data:
            self._close(None)
            added.append(ReasoningPiece(len(self._done), redacted=delta.reasoning_redacted_data))
            self._done.append(RedactedReasoningBlock(type="redacted", data=delta.reasoning_redacted_data))
        return added

    def blocks(self) -> list[ThinkingReasoningBlock | RedactedReasoningBlock]:
        """The blocks so far."""
        return list(self._done) if self._open is None else [*self._done, self._thinking(self._open, None)]

    def _close(self, signature: str | None) -> None:
        if self._open is not None:
            self._done.append(self._thinking(self._open, signature))
            self._open = None

    @staticmethod
    def _thinking(pieces: list[str], signature: str | None) -> ThinkingReasoningBlock:
        return ThinkingReasoningBlock(type="thinking", thinking="".join(pieces), signature=signature)


def reasoning_text(delta: Delta) -> str:
    """The readable reasoning of a delta, under either of the names that servers have for it; often empty."""
    if delta.reasoning_content:
        return delta.reasoning_content
    other = (delta.__pydantic_extra__ or {}).get("reasoning")
    return other if isinstance(other, str) else ""


def reasoning_blocks(message: ChoiceMessage) -> list[dict[str, Any]]:
    """The reasoning of a whole message as blocks of the wire; readable text that came without blocks is one."""
    if message.reasoning:
        return [
            block if isinstance(block, dict) else block.model_dump(mode="json", exclude_none=True)
            for block in message.reasoning
        ]
    text = message.reasoning_content
    return [{"type": "thinking", "thinking": text}] if text else []
