"""Load balancing: calls are spread over those who are about as good as the best."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate

from auriko.sandbox.router.scoring import Pick, Scored


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
