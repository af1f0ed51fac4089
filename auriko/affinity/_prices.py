"""The rule by which a conversation leaves its cache: where another provider is cheaper even so.

`offers.json` is a snapshot of a directory: by model and provider the prices in USD per million tokens in, out, and in
from the cache, which is null where there is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple, cast

from auriko.affinity._last_turn import LastTurn
from auriko.models.providers import DirectoryResponse
from auriko.routing import split_strategy

_BY_COST: Final = frozenset({"cost", "cost-focus"})
_STANDARD: Final = "standard"
# Shorter prefixes are kept by no provider.
_FEWEST_CACHED: Final = 1024


class Offer(NamedTuple):
    """USD per million tokens."""

    tokens_in: float
    tokens_out: float
    cached: float | None


@lru_cache(maxsize=1)
def snapshot() -> dict[str, dict[str, Offer]]:
    """The offers that come with the package, by model and provider; aliases are models of their own."""
    text = files("auriko.affinity").joinpath("offers.json").read_text("utf-8")
    return {
        model: {provider: Offer(*prices) for provider, prices in offers.items()}
        for model, offers in json.loads(text).items()
    }


def offers_of_directory(directory: DirectoryResponse) -> dict[str, dict[str, Offer]]:
    """The offers of a directory in their standard tier, by model and provider; aliases are models of their own."""
    found: dict[str, dict[str, Offer]] = {}
    for model_id, model in directory.models.items():
        offers = {
            entry.provider: Offer(tier.input_price, tier.output_price, tier.cache_read_price)
            for entry in model.providers
            for tier in entry.tiers or ()
            if tier.name in {None, _STANDARD} and tier.input_price is not None and tier.output_price is not None
        }
        found |= dict.fromkeys((model_id, *(model.aliases or ())), offers)
    return found


def is_cheaper_elsewhere(last: LastTurn, body: Mapping[str, Any]) -> bool:
    """True where the next turn costs less at another provider without a cache than where the last one was, with it.

    Asked only where the strategy is one of cost, and false where a price is not known. The turn is taken to be as long
    as the last one: all that was sent then comes from the cache, its answer is new, and the next is as long.
    """
    gateway = cast("Mapping[str, Any]", body.get("gateway") or {})
    routing = cast("Mapping[str, Any]", gateway.get("routing") or {})
    asked = [str(name) for name in gateway.get("models") or [body.get("model")]]
    names = [split_strategy(name) for name in asked]
    strategies = {suffix or routing.get("optimize") or "cost-focus" for _, suffix in names}
    known = snapshot()
    here = known.get(last.model or "", {}).get(last.provider)
    if routing.get("weights") or not strategies <= _BY_COST or here is None:
        return False
    sent, answered = last.prompt_tokens, last.completion_tokens
    from_cache = sent if here.cached is not None and sent >= _FEWEST_CACHED else 0
    stay = (
        from_cache * (here.cached or 0) + (sent - from_cache + answered) * here.tokens_in + answered * here.tokens_out
    )
    only, never = routing.get("providers"), routing.get("exclude_providers") or ()
    others = [
        offer
        for name, _ in names
        for provider, offer in known.get(name, {}).items()
        if provider != last.provider and provider not in never and (only is None or provider in only)
    ]
    return any((sent + answered) * offer.tokens_in + answered * offer.tokens_out < stay for offer in others)
