"""Why the first choice is the first, in a few words."""

from __future__ import annotations

from collections.abc import Sequence

from auriko.sandbox.router.scoring import Scored
from auriko.sandbox.wire.gateway import Routing

_BEST_AT = {"cost": "cheapest", "ttft": "quickest", "throughput": "fastest"}


def reason(order: Sequence[Scored], viable: int, strategy: str, routing: Routing) -> str:
    """What decided for the first in this order, out of so many who could serve the request."""
    first = order[0]
    if viable == 1:
        return "the only one that can serve it"
    if first.assessed.candidate.provider == routing.prefer:
        return f"preferred by the request, of {viable}"
    titles = [title for part, title in _BEST_AT.items() if getattr(first.parts, part) == 1.0]
    best = f"the best of {viable} by {strategy}" + (f": {' and '.join(titles)}" if titles else "")
    if routing.mode == "fallback":
        return f"{best}, as {first.assessed.candidate.model.id} goes first"
    return best
