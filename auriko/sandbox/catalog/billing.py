"""The cost of a call: the catalogue's price times the tokens, less what the prompt cache saves."""

from __future__ import annotations

from dataclasses import dataclass

from auriko.sandbox.catalog.model import Price, Tier

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens of one call.

    `cached`, `written` and `audio` are part of `prompt`, `reasoning` and `image` of `completion`.
    """

    prompt: int
    completion: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0
    image: int = 0
    audio: int = 0


@dataclass(frozen=True, slots=True)
class Bill:
    """USD of one call, and USD that the prompt cache saved."""

    usd: float
    saved_usd: float

    @property
    def saved_percent(self) -> int:
        """The saving of the cache, in percent of what the call would have cost without it."""
        whole = self.usd + self.saved_usd
        return round(100 * self.saved_usd / whole) if whole > 0 else 0


def bill(tier: Tier, counts: TokenCounts) -> Bill:
    """The cost of these tokens in this tier."""
    price = price_for(tier, counts.prompt)
    read_price = price.input if price.cache_read is None else price.cache_read
    write_price = price.input if price.cache_write is None else price.cache_write
    plain = counts.prompt - counts.cached - counts.written
    usd = (
        plain * price.input
        + counts.cached * read_price
        + counts.written * write_price
        + counts.completion * price.output
    ) / _MILLION
    return Bill(round(usd, 12), round(counts.cached * (price.input - read_price) / _MILLION, 12))


def price_for(tier: Tier, prompt_tokens: int) -> Price:
    """The tier's price for a prompt of this length."""
    long_context = tier.long_context
    return tier if long_context is None or prompt_tokens <= long_context.above_tokens else long_price(tier)


def long_price(tier: Tier) -> Price:
    """The prices for prompts above the tier's length; its cache's prices rise as that of input does."""
    long_context = tier.long_context
    if long_context is None:
        return tier
    factor = long_context.input / tier.input if tier.input else 1.0

    def risen(usd: float | None) -> float | None:
        return None if usd is None else usd * factor

    return Price(long_context.input, long_context.output, risen(tier.cache_read), risen(tier.cache_write))
