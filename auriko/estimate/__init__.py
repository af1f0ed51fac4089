"""The cost of a prompt before it is sent: a low and a high price, and what they assume."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from operator import index
from typing import Any, Final, NamedTuple

from typing_extensions import Unpack

from auriko._display.money import usd_text
from auriko._display.table import html_table, text_table
from auriko._tokens import FEWEST_PER_ATTACHMENT, MOST_PER_ATTACHMENT, estimate_tokens, prompt_token_range
from auriko.candidates import Candidate, Candidates, CandidateSearch, Reason, Verdict
from auriko.models.providers import DirectoryResponse, PriceVariant, TierEntry
from auriko.types.model_params import CandidateParams

__all__ = ["CandidateCost", "CostEstimate", "CostEstimator", "estimate_tokens"]

_HEAD: Final = ("model", "provider", "tier", "low", "high")
_CONDITION: Final = re.compile(r"(>=?|<=?)\s*(\d+(?:\.\d+)?)\s*([km]?)", re.IGNORECASE)
_SCALE: Final = {"": 1, "k": 1_000, "m": 1_000_000}
_MILLION: Final = 1_000_000


class _Range(NamedTuple):
    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low:,}" if self.low == self.high else f"{self.low:,} to {self.high:,}"


@dataclass(frozen=True)
class CandidateCost:
    """The cost of a prompt at one candidate, in USD."""

    candidate: Candidate
    low_usd: float
    high_usd: float


@dataclass(frozen=True)
class CostEstimate:
    """The cost of a prompt in USD; printed, it is a table with its assumptions.

    Attributes:
        low_usd: The least, in USD, over the candidates; None where no candidate has a price.
        high_usd: The most, in USD.
        input_tokens: The least and the most tokens in.
        output_tokens: The least and the most tokens out that were assumed; the most is None where no limit is known.
        costs: Per candidate that may be chosen, the cheapest first.
        candidates: Everyone with a verdict, also those that are excluded.
        assumptions: What the numbers rest on, in words.
    """

    low_usd: float | None
    high_usd: float | None
    input_tokens: tuple[int, int]
    output_tokens: tuple[int, int | None]
    costs: tuple[CandidateCost, ...]
    candidates: Candidates
    assumptions: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(
            [text_table(_HEAD, self._rows()), "", self._sum(), *(f"- {said}" for said in self.assumptions)]
        )

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # in a terminal of IPython
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return html_table(_HEAD, self._rows(), [self._sum(), *self.assumptions])

    def _sum(self) -> str:
        if self.low_usd is not None and self.high_usd is not None:
            return f"{usd_text(self.low_usd)} to {usd_text(self.high_usd)}"
        if len(self.candidates.excluded) < len(self.candidates):
            return "No candidate has both a price and an output limit."
        reasons = dict.fromkeys(f"{c.model}: {reason.text}" for c in self.candidates for reason in c.reasons)
        return f"No candidate is left ({'; '.join(reasons) or 'nobody offers the model'})."

    def _rows(self) -> list[list[str]]:
        return [
            [c.candidate.model, c.candidate.provider, c.candidate.tier, *map(usd_text, (c.low_usd, c.high_usd))]
            for c in self.costs
        ]


class CostEstimator:
    """A question for a price, checked before anything is fetched; the arguments are those of `EstimateParams`.

    Raises:
        ValueError: The range of output tokens is none, or `CandidateSearch` refuses its part.
    """

    def __init__(
        self,
        *,
        messages: str | Iterable[Any],
        tools: Iterable[Mapping[str, Any]] | None = None,
        response_format: Mapping[str, Any] | None = None,
        max_completion_tokens: int | None = None,
        output_tokens: int | tuple[int, int] | None = None,
        n: int | None = None,
        **search: Unpack[CandidateParams],
    ) -> None:
        tools = list(tools or ())
        told = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        fewest, most, self._attachments = prompt_token_range(told, tools, response_format)
        self._tokens_in = _Range(fewest, most)
        self._expected = _expected(output_tokens)
        self._limit = max_completion_tokens
        self._n = n or 1
        implied = [name for name, value in (("tools", tools), ("response_format", response_format)) if value]
        search["params"] = {*(search.get("params") or ()), *implied}
        self._search = CandidateSearch(**search)

    def estimate(self, directory: DirectoryResponse, now: datetime) -> CostEstimate:
        """The cost of the prompt at every candidate that may be chosen, in USD.

        Args:
            directory: The public directory.
            now: The present, with its time zone, that shutdowns are compared with.
        """
        found = self._search.find(directory, now)
        candidates = Candidates(_fitted(candidate, self._tokens_in) for candidate in found)
        costs = [cost for candidate in candidates if (cost := self._cost(candidate)) is not None]
        mosts = [most for cost in costs if (most := self._out(cost.candidate)[1]) is not None]
        return CostEstimate(
            low_usd=min((cost.low_usd for cost in costs), default=None),
            high_usd=max((cost.high_usd for cost in costs), default=None),
            input_tokens=self._tokens_in,
            output_tokens=self._expected or (1, max(mosts, default=None)),
            costs=tuple(sorted(costs, key=lambda cost: (cost.low_usd, cost.high_usd))),
            candidates=candidates,
            assumptions=(*self._assumptions(), *_said_of_candidates(candidates, costs)),
        )

    def _out(self, candidate: Candidate) -> tuple[int, int | None]:
        """The least and the most tokens out; the most is None where nothing bounds it."""
        if self._expected is not None:
            return self._expected
        bounds = [bound for bound in (self._limit, candidate.entry.max_output_tokens) if bound is not None]
        return 1, min(bounds, default=None)

    def _cost(self, candidate: Candidate) -> CandidateCost | None:
        fewest, most = self._out(candidate)
        if candidate.verdict == "excluded" or most is None:
            return None
        low = _bound(candidate.prices, self._tokens_in.low, fewest * self._n, min, "cache_read")
        high = _bound(candidate.prices, self._tokens_in.high, most * self._n, max, "cache_write")
        return CandidateCost(candidate, low, high) if low is not None and high is not None else None

    def _assumptions(self) -> Iterator[str]:
        yield f"Input: {self._tokens_in} tokens, estimated offline to within 20 %."
        if self._attachments:
            each = _Range(FEWEST_PER_ATTACHMENT, MOST_PER_ATTACHMENT)
            yield f"Images and files: {self._attachments}, at {each} tokens each."
        answers = f", in each of {self._n} answers" if self._n > 1 else ""
        if self._expected is not None:
            yield f"Output: {self._expected} tokens, as expected by you{answers}."
        elif self._limit is not None:
            yield f"Output: {_Range(1, self._limit)} tokens, by max_completion_tokens{answers}."
        else:
            yield f"Output: from 1 token to all that a provider makes, since no limit was given{answers}."
        yield "Low: the provider's cache has the whole prompt, where it has a price. High: all of it is written to it."
        yield "Hosted tools, and fees on provider keys of your own, are not counted."


def _expected(output_tokens: int | tuple[int, int] | None) -> _Range | None:
    if output_tokens is None:
        return None
    given = (output_tokens, output_tokens) if isinstance(output_tokens, int) else output_tokens
    try:
        found = _Range(*map(index, given))
    except TypeError:
        found = None
    if found is None or not 0 <= found.low <= found.high:
        raise ValueError(f"output_tokens is a whole number or the least and the most, not {output_tokens!r}")
    return found


def _fitted(candidate: Candidate, tokens: _Range) -> Candidate:
    """The candidate with its verdict on the prompt's length."""
    window = candidate.entry.context_window
    if window is None or tokens.high <= window:
        return candidate
    reason = Reason("context_length_exceeded", f"the prompt has {tokens} tokens, its window {window:,}")
    surely = tokens.low > window or candidate.verdict == "excluded"
    verdict: Verdict = "excluded" if surely else "not decidable here"
    return replace(candidate, verdict=verdict, reasons=(*candidate.reasons, reason))


def _bound(prices: TierEntry, tokens_in: int, tokens_out: int, better: Any, cache: str) -> float | None:
    """USD of so many tokens, with the better or worse of the plain and the cache's price."""
    price_in, price_out = _price(prices, "input", tokens_in), _price(prices, "output", tokens_in)
    if price_in is None or price_out is None:
        return None
    cache_price = _price(prices, cache, tokens_in)
    best: float = better(price_in, price_in if cache_price is None else cache_price)
    return (tokens_in * best + tokens_out * price_out) / _MILLION


def _price(prices: TierEntry, role: str, prompt_tokens: int) -> float | None:
    """The price in a role for a prompt of this length, in USD per million tokens."""
    price: float | None = getattr(prices, f"{role}_price")
    for variant in prices.price_variants or ():
        if variant.role == role and variant.price is not None and _holds(variant, prompt_tokens):
            price = variant.price
    return price


def _holds(variant: PriceVariant, prompt_tokens: int) -> bool:
    condition = _context_condition(variant)
    if condition is None:
        return False
    sign, number, scale = condition
    bound = float(number) * _SCALE[scale.lower()]
    return {
        ">": prompt_tokens > bound,
        ">=": prompt_tokens >= bound,
        "<": prompt_tokens < bound,
        "<=": prompt_tokens <= bound,
    }[sign]


def _context_condition(variant: PriceVariant) -> tuple[str, str, str] | None:
    """The sign, number and scale of a condition on the prompt's length alone, or None for any other."""
    constraints = variant.constraints or {}
    match = _CONDITION.fullmatch(constraints.get("context", "").strip()) if len(constraints) == 1 else None
    return (match[1], match[2], match[3]) if match is not None else None


def _said_of_candidates(candidates: Candidates, costs: list[CandidateCost]) -> Iterator[str]:
    if candidates.undecided:
        yield f"Counted although not decidable here: {len(candidates.undecided)} candidates."
    unpriced = len(candidates) - len(candidates.excluded) - len(costs)
    if unpriced:
        yield f"Left out for want of a price or an output limit: {unpriced} candidates."
    if any(
        _context_condition(variant) is None for cost in costs for variant in cost.candidate.prices.price_variants or ()
    ):
        yield "Prices under conditions other than the prompt's length are not counted."
