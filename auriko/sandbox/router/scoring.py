"""Scores of viable candidates by a strategy, and the order in which they are tried.

A dimension's score is the best value among the candidates over the candidate's own (so 1 is the best, 0.5 half as
good), and the total is their weighted mean. What has not been measured scores 0: it cannot win by being unknown.

The choice is the best ranked one, so that tests can rely on it, unless something else picks. (The real gateway picks
with a bias to the top, see `pick_by_chance`.) Ties go to the cheaper, then to the order of the catalogue.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from auriko.sandbox.router.filters import Assessed
from auriko.sandbox.routing_options import Routing


class Shares(NamedTuple):
    """The weight of each dimension; they add up to 1."""

    cost: float
    ttft: float
    throughput: float


class Scored(NamedTuple):
    """A candidate with its score of 0 to 1 and the three that it is made of."""

    assessed: Assessed
    score: float
    parts: Shares


STRATEGY_SHARES = {
    "cost-focus": Shares(0.98, 0.01, 0.01),
    "cost": Shares(0.6, 0.2, 0.2),
    "ttft-focus": Shares(0.01, 0.98, 0.01),
    "ttft": Shares(0.2, 0.6, 0.2),
    "tps-focus": Shares(0.01, 0.01, 0.98),
    "tps": Shares(0.2, 0.2, 0.6),
    "balanced": Shares(1 / 3, 1 / 3, 1 / 3),
}
DEFAULT_STRATEGY = "cost-focus"


def shares_for(routing: Routing, strategy: str) -> Shares:
    """The weight of each dimension under this strategy."""
    weights = routing.weights
    if weights is None:
        return STRATEGY_SHARES[strategy]
    total = weights.cost + weights.ttft + weights.throughput
    return Shares(weights.cost / total, weights.ttft / total, weights.throughput / total)


def score(viable: Sequence[Assessed], shares: Shares) -> list[Scored]:
    """Each candidate's score, in the order given."""
    cheapest = min(each.expected_usd for each in viable)
    quickest = min((each.ttft_ms for each in viable if each.ttft_ms is not None), default=0.0)
    fastest = max((each.throughput_tps for each in viable if each.throughput_tps is not None), default=0.0)

    def scored(each: Assessed) -> Scored:
        parts = Shares(
            _ratio(cheapest, each.expected_usd),
            0.0 if each.ttft_ms is None else _ratio(quickest, each.ttft_ms),
            0.0 if each.throughput_tps is None else _ratio(each.throughput_tps, fastest),
        )
        return Scored(each, sum(share * part for share, part in zip(shares, parts, strict=True)), parts)

    return [scored(each) for each in viable]


def _ratio(smaller: float, larger: float) -> float:
    return smaller / larger if larger > 0 else 1.0


Pick = Callable[[Sequence[Scored]], Scored]
"""Picks the first choice, of rivals in the order of their scores."""


def pick_by_chance(margin: float, chance: Callable[[], float]) -> Pick:
    """Picks the first choice by chance, with a bias to the top: the probability is that of the score squared.

    By price alone that is the inverse square of the price, which is what gateways usually do.

    Args:
        margin: The share of the best score that one may lack and still be picked.
        chance: Gives a number of 0 to less than 1.

    Raises:
        ValueError: The margin is no share.
    """
    if not 0 <= margin <= 1:
        raise ValueError(f"load_balance is a share between 0 and 1, not {margin}")

    def pick(rivals: Sequence[Scored]) -> Scored:
        near = [each for each in rivals if each.score >= rivals[0].score * (1 - margin)]
        if not margin or len(near) == 1:
            return rivals[0]
        sums = list(accumulate(each.score**2 or 1.0 for each in near))
        return near[bisect(sums, chance() * sums[-1], hi=len(near) - 1)]

    return pick


def ranked(scored: Sequence[Scored], routing: Routing, pick: Pick) -> list[Scored]:
    """Candidates from first to last choice, no more than may be tried.

    A preferred provider goes first. In fallback mode all providers of the first model go before those of the second.
    The rivals that are left then are what `pick` has the choice of.
    """

    def key(each: Scored) -> tuple[int, bool, float, float]:
        candidate = each.assessed.candidate
        rank = candidate.rank if routing.mode == "fallback" else 0
        return rank, candidate.provider != routing.prefer, -each.score, each.assessed.expected_usd

    order = sorted(scored, key=key)
    first = pick([each for each in order if key(each)[:2] == key(order[0])[:2]])
    order.sort(key=lambda each: each is not first)
    if not routing.allow_fallbacks:
        return order[:1]
    if routing.max_fallback_attempts is not None:
        return order[: 1 + routing.max_fallback_attempts]
    return order
