"""Prices of models, in USD per million tokens in and out, from the gateway's directory (API section 11.6).

`prices.json` is a snapshot of a directory, so that what a call will cost is estimated without asking anybody. Of a
model that several providers offer it has the dearest, since the gateway may choose that one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

from auriko.models.providers import DirectoryModel, DirectoryResponse, TierEntry
from auriko.routing import split_strategy

_STANDARD: Final = "standard"


class Prices(NamedTuple):
    """USD per million tokens."""

    tokens_in: float
    tokens_out: float


@lru_cache(maxsize=1)
def snapshot() -> dict[str, Prices]:
    """The prices that come with the package, by id and alias."""
    text = files("auriko.spend").joinpath("prices.json").read_text("utf-8")
    return {name: Prices(*prices) for name, prices in json.loads(text).items()}


@lru_cache(maxsize=256)
def prices_of(models: str) -> tuple[Prices, bool]:
    """The dearest prices of those models that the snapshot has, and True; where it has none, of all, and False.

    Args:
        models: The models, with commas between them.
    """
    known = snapshot()
    found = [prices for model in models.split(",") if (prices := known.get(split_strategy(model)[0])) is not None]
    return _dearest(found or list(known.values())), bool(found)


def prices_of_directory(directory: DirectoryResponse) -> dict[str, Prices]:
    """The prices of all models of a directory that have some, by id and alias."""
    found = {model_id: (model, _model_prices(model)) for model_id, model in directory.models.items()}
    return {
        name: prices
        for model_id, (model, prices) in found.items()
        if prices is not None
        for name in (model_id, *(model.aliases or ()))
    }


def _model_prices(model: DirectoryModel) -> Prices | None:
    tiers = [tier for offer in model.providers for tier in offer.tiers or ()]
    # Other tiers are asked for by name, and rarely.
    standard = [tier for tier in tiers if tier.name in {None, _STANDARD}] or tiers
    known = [prices for tier in standard if (prices := _tier_prices(tier)) is not None]
    return _dearest(known) if known else None


def _tier_prices(tier: TierEntry) -> Prices | None:
    if tier.input_price is None or tier.output_price is None:
        return None
    return Prices(max(tier.input_price, tier.cache_write_price or 0.0), tier.output_price)


def _dearest(prices: Sequence[Prices]) -> Prices:
    return Prices(max(each.tokens_in for each in prices), max(each.tokens_out for each in prices))
