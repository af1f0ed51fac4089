"""From a request to the candidates in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from auriko.routing import split_strategy
from auriko.sandbox.catalog.model import Catalog
from auriko.sandbox.journal.records import CandidateRecord, DroppedRecord, SpeedRecord
from auriko.sandbox.request import Inference
from auriko.sandbox.router.candidates import Candidate, candidates, find_models
from auriko.sandbox.router.choice import ranked
from auriko.sandbox.router.filters import Assessed, Drop, Dropped, filter_candidates
from auriko.sandbox.router.measurements import Speed
from auriko.sandbox.router.reason import reason
from auriko.sandbox.router.scoring import Scored, score, shares_for, strategy_in_effect


@dataclass(frozen=True, slots=True)
class Decision:
    """Whom to try, in order, and why.

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
    request: Inference,
    catalog: Catalog,
    own_keys: Collection[str],
    prompt_tokens: int,
    assess: Callable[[Candidate], Assessed],
) -> Decision:
    """Who is tried for this request.

    `assess` says what is known of a candidate's cost and speed for it; `own_keys` are the ids of the providers for
    which the caller has a key of its own.

    Raises:
        GatewayError: The model is unknown.
        NobodyError: Nobody can serve the request.
    """
    models = find_models(catalog, request.models)
    assessed = [assess(candidate) for candidate in candidates(models, own_keys)]
    viable, dropped = filter_candidates(assessed, request, prompt_tokens)
    strategy = strategy_of(request)
    scored = score(viable, shares_for(request.routing, strategy))
    order = ranked(scored, request.routing)
    return Decision(strategy, reason(order[0], scored, strategy, request.routing), order, dropped)


def strategy_of(request: Inference) -> str:
    """The strategy by which this request is routed."""
    suffix = next((s for name in request.models if (s := split_strategy(name)[1])), None)
    return strategy_in_effect(request.routing, suffix)


def candidate_record(scored: Scored) -> CandidateRecord:
    """One who could serve the request, as JSON."""
    assessed = scored.assessed
    candidate = assessed.candidate
    return {
        "model": candidate.model.id,
        "provider": candidate.provider,
        "tier": candidate.tier.name,
        "engine": candidate.engine,
        "score": scored.score,
        "parts": scored.parts._asdict(),
        "expected_usd": assessed.expected_usd,
        "ttft_ms": assessed.ttft_ms,
        "throughput_tps": assessed.throughput_tps,
        "measured": None if assessed.speed is None else _speed_record(assessed.speed),
    }


def _speed_record(speed: Speed) -> SpeedRecord:
    return {
        "calls": len(speed.samples),
        "ttft_ms": {"p50": speed.ttft_ms("p50"), "p95": speed.ttft_ms("p95")},
        "throughput_tps": {"p50": speed.throughput_tps("p50"), "p95": speed.throughput_tps("p95")},
    }


def dropped_record(candidate: Candidate, drop: Drop) -> DroppedRecord:
    """One who cannot, as JSON."""
    return {
        "model": candidate.model.id,
        "provider": candidate.provider,
        "tier": candidate.tier.name,
        "engine": candidate.engine,
        "code": drop.code,
        "reason": drop.reason,
    }
