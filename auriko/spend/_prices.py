"""Prices of models from the gateway's directory (API section 11.6).

`offers.json` is a snapshot of a directory, so that what a call will cost is estimated without asking anybody: by model
and provider what an `Offer` says, which is null where there is no cache.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from auriko.routing import split_strategy


class Offer(NamedTuple):
    """USD per million tokens.

    Attributes:
        tokens_in: For what is sent.
        tokens_out: For what is answered.
        cached: For what is sent and comes from the cache.
        written: For what is sent and written to the cache.
    """

    tokens_in: float
    tokens_out: float
    cached: float | None = None
    written: float | None = None


@lru_cache(maxsize=1)
def snapshot() -> dict[str, dict[str, Offer]]:
    """The offers that come with the package, by model and provider; aliases are models of their own."""
    text = files("auriko.spend").joinpath("offers.json").read_text("utf-8")
    return {
        model: {provider: Offer(*prices) for provider, prices in offers.items()}
        for model, offers in json.loads(text).items()
    }


@lru_cache(maxsize=256)
def dearest_offer(models: str) -> tuple[Offer, bool]:
    """The dearest prices of those models that the snapshot has, and True; where it has none, of all, and False.

    The models have commas between them. The gateway may choose any of them, and any provider.
    """
    known = snapshot()
    found = [offer for model in models.split(",") for offer in known.get(split_strategy(model)[0], {}).values()]
    return _dearest(found or [offer for offers in known.values() for offer in offers.values()]), bool(found)


def _dearest(offers: Sequence[Offer]) -> Offer:
    """The highest price of each kind."""
    return Offer(
        max(max(each.tokens_in, each.written or 0.0) for each in offers), max(each.tokens_out for each in offers)
    )
