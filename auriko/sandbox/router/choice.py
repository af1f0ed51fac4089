"""The order in which candidates are tried.

The choice is always the best ranked one. (The real gateway picks with a bias to the top; here the same measurements
give the same choice, so that tests can rely on it.) Ties go to the cheaper, then to the order of the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence

from auriko.sandbox.router.scoring import Scored
from auriko.sandbox.routing_options import Routing


def ranked(scored: Sequence[Scored], routing: Routing) -> list[Scored]:
    """Candidates from first to last choice, no more than may be tried.

    A preferred provider goes first. In fallback mode all providers of the first model go before those of the second.
    """

    def key(each: Scored) -> tuple[int, bool, float, float]:
        candidate = each.assessed.candidate
        rank = candidate.rank if routing.mode == "fallback" else 0
        return rank, candidate.provider != routing.prefer, -each.score, each.assessed.expected_usd

    order = sorted(scored, key=key)
    if not routing.allow_fallbacks:
        return order[:1]
    if routing.max_fallback_attempts is not None:
        return order[: 1 + routing.max_fallback_attempts]
    return order
