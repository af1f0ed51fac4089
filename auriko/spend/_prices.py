"""Prices of models, in USD per million tokens in and out, from the gateway's directory (API section 11.6).

`prices.json` is a snapshot of a directory, so that what a call will cost is estimated without asking anybody. Of a
model that several providers offer it has the dearest, since the gateway may choose that one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from auriko.routing import split_strategy


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
    return dearest(found or list(known.values())), bool(found)


def dearest(prices: Sequence[Prices]) -> Prices:
    """The highest price of each kind."""
    return Prices(max(each.tokens_in for each in prices), max(each.tokens_out for each in prices))
