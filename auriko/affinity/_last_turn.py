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
        turns: How many turns in a row they have served, this one among them.
        expires_at: Until when the provider's cache holds them, on the monotonic clock.
        was_free: Whether the gateway chose it although a better price elsewhere had been left to it.
    """

    provider: str
    model: str | None
    prompt_tokens: int
    completion_tokens: int
    turns: int
    expires_at: float
    was_free: bool = False

    def is_of(self, provider: str | None, model: str | None) -> bool:
        """True if that provider and model have served it."""
        return (self.provider, self.model) == (provider, model)
