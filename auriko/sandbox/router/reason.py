"""Why the first choice is the first, in a few words."""

from __future__ import annotations

from collections.abc import Sequence

from auriko.sandbox.router.scoring import Scored
from auriko.sandbox.routing_options import Routing

_BEST_AT = {"cost": "cheapest", "ttft": "quickest", "throughput": "fastest"}


def reason(first: Scored, scored: Sequence[Scored], strategy: str, routing: Routing) -> str:
    """What decided for the first choice, out of those who could serve the request."""
    candidate = first.assessed.candidate
    if len(scored) == 1:
        return "the only one that can serve it"
    if candidate.provider == routing.prefer:
        return f"preferred by the request, of {len(scored)}"
    rivals = scored
    goes_first = ""
    if routing.mode == "fallback":
        rivals = [each for each in scored if each.assessed.candidate.rank == candidate.rank]
        goes_first = f" for {candidate.model.id}, which goes first"
    titles = [title for part, title in _BEST_AT.items() if getattr(first.parts, part) == 1.0]
    return f"the best of {len(rivals)} by {strategy}{goes_first}" + (f": {', '.join(titles)}" if titles else "")
