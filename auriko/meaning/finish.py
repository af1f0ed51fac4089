"""The reasons for the end of an answer, of which some mean that it is not whole (API section 11.1)."""

from __future__ import annotations

from typing import Final

_CUT: Final = {"length": "at its limit of tokens", "content_filter": "by a content filter"}


def cut(finish_reason: str | None) -> str | None:
    """What cut an answer off, in words that name the finish reason; None where it came to its own end."""
    by = _CUT.get(finish_reason or "")
    return f"the answer was cut {by} (finish_reason {finish_reason!r})" if by else None
