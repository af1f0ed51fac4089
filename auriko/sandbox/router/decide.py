"""From a request to the candidates in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from auriko.routing import split_strategy
from auriko.sandbox.catalog.model import Catalog
from auriko.sandbox.request import InferenceRequest
from auriko.sandbox.router.candidates import Candidate, candidates, find_model
from auriko.sandbox.router.filters import Assessed, Dropped, filter_candidates
from auriko.sandbox.router.scoring import DEFAULT_STRATEGY, Pick, Scored, ranked, score, shares_for
from auriko.sandbox.routing_options import Routing

_BEST_AT = {"cost": "cheapest", "ttft": "quickest", "throughput": "fastest"}


@dataclass(frozen=True, slots=True)
class Decision:
    """The candidates to try, in order, and why.

    Attributes:
        reason: Why the first choice is the first, in a few words.
        order: At least one candidate, the first choice first.
        dropped: Those that cannot serve the request, each with the reason.
    """

    strategy: str
    reason: str
    order: Sequence[Scored]
    dropped: Dropped


def decide(
    request: InferenceRequest,
    catalog: Catalog,
    own_keys: Collection[str],
    prompt_tokens: int,
    assess: Callable[[Candidate], Assessed],
    pick: Pick,
) -> Decision:
    """The decision who is tried for this request.

    `assess` says what is known of a candidate's cost and speed for it; `own_keys` are the ids of the providers for
    which the caller has a key of its own; `pick` has the choice of the rivals for the first place.

    Raises:
        GatewayError: The model is unknown.
        NoCandidateError: Nobody can serve the request.
    """
    param = "model" if len(request.models) == 1 else "gateway.models"
    models = list({(model := find_model(catalog, name, param)).id: model for name in request.models}.values())
    assessed = [assess(candidate) for candidate in candidates(models, own_keys)]
    viable, dropped = filter_candidates(assessed, request, prompt_tokens)
    strategy = strategy_of(request)
    scored = score(viable, shares_for(request.routing, strategy))
    order = ranked(scored, request.routing, pick)
    return Decision(strategy, _reason(order[0], scored, strategy, request.routing), order, dropped)


def strategy_of(request: InferenceRequest) -> str:
    """The strategy's name: weights go before a suffix of a model's name, and that before `optimize`."""
    if request.routing.weights is not None:
        return "custom"
    suffix = next((s for name in request.models if (s := split_strategy(name)[1])), None)
    return suffix or request.routing.optimize or DEFAULT_STRATEGY


def _reason(first: Scored, scored: Sequence[Scored], strategy: str, routing: Routing) -> str:
    """The reason why the first choice is the first, in a few words."""
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
    if first.score < max(each.score for each in rivals):
        return f"picked among those about as good as the best of {len(rivals)} by {strategy}{goes_first}"
    titles = [title for part, title in _BEST_AT.items() if getattr(first.parts, part) == 1.0]
    return f"the best of {len(rivals)} by {strategy}{goes_first}" + (f": {', '.join(titles)}" if titles else "")
