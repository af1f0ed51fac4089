"""The message of a streamed answer, put together from its deltas (API sections 8.2 and 11.2)."""

from __future__ import annotations

from typing import Any, Final

from auriko.meaning.reasoning import ReasoningInPieces, ReasoningPiece
from auriko.meaning.tool_calls import CallsInPieces
from auriko.models.chat import ChoiceMessage, Delta, GeneratedImage

_PUT_TOGETHER: Final = (
    "role",
    "content",
    "refusal",
    "tool_calls",
    "images",
    "reasoning_content",
    "reasoning_signature",
    "reasoning_redacted_data",
)
TEXT_ONLY: Final = frozenset({"role", "content"})
"""The fields of a delta that has text and nothing else, as almost all have."""
_REST: Final = tuple(name for name in Delta.model_fields if name not in _PUT_TOGETHER)


class MessageInPieces:
    """A message, as far as it has come.

    Attributes:
        reasoning: Its blocks of reasoning.
        calls: Its tool calls.
        images: Its images.
    """

    def __init__(self) -> None:
        self.reasoning = ReasoningInPieces()
        self.calls = CallsInPieces()
        self.images: list[GeneratedImage] = []
        self._role = ""
        self._content: list[str] = []
        self._refusal: list[str] = []
        self._rest: dict[str, Any] = {}

    @property
    def content(self) -> str | None:
        """The text so far, or None."""
        return _joined(self._content)

    @property
    def refusal(self) -> str | None:
        """The refusal so far, or None."""
        return _joined(self._refusal)

    def add(self, delta: Delta) -> list[ReasoningPiece]:
        """Takes the next delta; what it adds to the reasoning comes back."""
        if delta.role:
            self._role = delta.role
        if delta.content:
            self._content.append(delta.content)
        if delta.__pydantic_fields_set__ <= TEXT_ONLY:
            return []
        if delta.refusal:
            self._refusal.append(delta.refusal)
        for call in delta.tool_calls or ():
            self.calls.add(call)
        self.images += delta.images or ()
        rest = {name: value for name in _REST if (value := getattr(delta, name)) is not None}
        if extra := delta.__pydantic_extra__:
            rest |= {name: value for name, value in extra.items() if name != "reasoning" or not isinstance(value, str)}
        if rest:
            self._rest = joined_lists(self._rest, rest)
        return self.reasoning.add(delta)

    def whole(self) -> ChoiceMessage:
        """The message as a plain reply would have it."""
        blocks = self.reasoning.blocks()
        thought = "".join(getattr(block, "thinking", "") for block in blocks)
        annotations = self._rest.get("annotations")
        return ChoiceMessage.model_validate(
            {
                **self._rest,
                **({"role": self._role} if self._role else {}),
                "content": self.content,
                "refusal": self.refusal,
                "tool_calls": [call.whole() for call in self.calls.said()] or None,
                "reasoning": blocks or None,
                "reasoning_content": thought or None,
                "images": list(self.images) or None,
                "annotations": annotations if isinstance(annotations, list) else None,
            }
        )


def joined_lists(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Both, with lists of one name joined."""
    joined = dict(old)
    for name, value in new.items():
        before: Any = joined.get(name)
        joined[name] = before + value if isinstance(before, list) and isinstance(value, list) else value
    return joined


def _joined(pieces: list[str]) -> str | None:
    if len(pieces) > 1:
        pieces[:] = ["".join(pieces)]
    return pieces[0] if pieces else None
