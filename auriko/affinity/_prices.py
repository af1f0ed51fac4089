"""The rule by which a conversation leaves its cache: where another provider is cheaper all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from auriko.routing import split_strategy
from auriko.spend._prices import Offer, snapshot

# Shorter prefixes are kept by no provider.
_FEWEST_CACHED: Final = 1024


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


def is_left_to_the_gateway(last: LastTurn, body: Mapping[str, Any]) -> bool:
    """True where nothing speaks for who has served the last turn: there is no cache, or it does not pay.

    False where the price there is not known, and where the gateway has chosen it again although it was left free.
    """
    here = snapshot().get(last.model or "", {}).get(last.provider)
    if here is None:
        return False
    return here.cached is None or (not last.was_free and _is_cheaper_elsewhere(here, last, body))


def _is_cheaper_elsewhere(here: Offer, last: LastTurn, body: Mapping[str, Any]) -> bool:
    """True where the turns to come cost less at another provider, the first of them without a cache, than here.

    As many are taken to come as there have been here, each as long as the last one: all that was sent then comes from
    the cache, its answer is new, and the next is as long.
    """
    gateway = cast("Mapping[str, Any]", body.get("gateway") or {})
    routing = cast("Mapping[str, Any]", gateway.get("routing") or {})
    only, never = routing.get("providers"), routing.get("exclude_providers") or ()
    asked = (split_strategy(str(name))[0] for name in gateway.get("models") or [body.get("model")])
    others = [
        offer
        for name in asked
        for provider, offer in snapshot().get(name, {}).items()
        if provider not in never and (only is None or provider in only)
    ]
    stay = last.turns * _usd(here, last, is_cached=True)
    return any(
        _usd(offer, last, is_cached=False) + (last.turns - 1) * _usd(offer, last, is_cached=True) < stay
        for offer in others
    )


def _usd(offer: Offer, last: LastTurn, *, is_cached: bool) -> float:
    """What a next turn costs that is as long as the last one, in millionths of a dollar."""
    sent, answered = last.prompt_tokens, last.completion_tokens
    from_cache = sent if is_cached and offer.cached is not None and sent >= _FEWEST_CACHED else 0
    new = sent - from_cache + answered
    return from_cache * (offer.cached or 0) + new * offer.tokens_in + answered * offer.tokens_out
