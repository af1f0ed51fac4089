"""Who served the last turn of a conversation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LastTurn:
    """Who served the last turn of a conversation.

    Attributes:
        provider: The provider.
        model: The model, by its canonical id; or None.
        prompt_tokens: The tokens that were sent.
        completion_tokens: The tokens that came back.
        expires_at: Until when the provider's cache holds them, on the monotonic clock.
        was_free: Whether the gateway chose it although a better price elsewhere had been left to it.
    """

    provider: str
    model: str | None
    prompt_tokens: int
    completion_tokens: int
    expires_at: float
    was_free: bool = False
