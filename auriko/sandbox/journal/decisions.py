"""Decisions of the router as JSON."""

from __future__ import annotations

from auriko.sandbox.journal.records import CandidateRecord, DroppedRecord, SpeedRecord
from auriko.sandbox.router.candidates import Candidate
from auriko.sandbox.router.filters import Drop
from auriko.sandbox.router.scoring import Scored
from auriko.sandbox.router.speed import Speed


def candidate_record(scored: Scored) -> CandidateRecord:
    """A candidate that could serve the request."""
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
    """A candidate that could not."""
    return {
        "model": candidate.model.id,
        "provider": candidate.provider,
        "tier": candidate.tier.name,
        "engine": candidate.engine,
        "code": drop.code,
        "reason": drop.reason,
    }
