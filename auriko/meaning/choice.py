"""The choices of an answer: which is read where one is wanted, and what cuts one off (API section 11.1)."""

from __future__ import annotations

from typing import Final

from auriko.models.chat import ChatCompletionChunk, StreamChoice

_CUT: Final = {"length": "at its limit of tokens", "content_filter": "by a content filter"}


def cut(finish_reason: str | None) -> str | None:
    """What cut an answer off, in words that name the finish reason; None where it came to its own end."""
    by = _CUT.get(finish_reason or "")
    return f"the answer was cut {by} (finish_reason {finish_reason!r})" if by else None


class FirstChoice:
    """The choice of a stream that is the answer where one is wanted; whatever its number, if it is the only one.

    Args:
        of_several: Whether more than one was asked for: then it is that of number 0.
    """

    def __init__(self, *, of_several: bool = False) -> None:
        self._index = 0 if of_several else None

    def of(self, chunk: ChatCompletionChunk) -> StreamChoice | None:
        """What a chunk adds to it, or None."""
        choices = chunk.choices
        if self._index is None:
            self._index = choices[0].index if choices else None
        for choice in choices:
            if choice.index == self._index:
                return choice
        return None
