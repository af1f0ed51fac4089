"""Records that the sandbox shows as JSON: how each request was routed, and how the clients behaved."""

from __future__ import annotations

from typing_extensions import NotRequired, TypedDict


class SpeedRecord(TypedDict):
    """The speed of the latest calls of a similar length, by percentile."""

    calls: int
    ttft_ms: dict[str, float]
    throughput_tps: dict[str, float]


class OfferRecord(TypedDict):
    """A model at a provider in a tier, and the engine that answers there."""

    model: str
    provider: str
    tier: str
    engine: str


class CandidateRecord(OfferRecord):
    """One who could serve a request: the score of 0 to 1, the three that it is made of, and what they are made of.

    `ttft_ms` and `throughput_tps` are those of the percentiles that the request ranks with.
    """

    score: float
    parts: dict[str, float]
    expected_usd: float
    ttft_ms: float | None
    throughput_tps: float | None
    measured: SpeedRecord | None


class DroppedRecord(OfferRecord):
    """One who could not serve a request, and why."""

    code: str
    reason: str


class AttemptRecord(TypedDict):
    """One try; `failed` says why it was given up, the figures come with the end of the answer."""

    provider: str
    model: str
    failed: NotRequired[str]
    code: NotRequired[str]
    ttft_ms: NotRequired[float]
    throughput_tps: NotRequired[float]
    prompt_tokens: NotRequired[int]
    completion_tokens: NotRequired[int]
    cached_tokens: NotRequired[int]
    usd: NotRequired[float]


class DecisionRecord(TypedDict):
    """The routing of one request; `at` is in seconds since the epoch, candidates come in the order of being tried.

    `request_id` is the reply's X-Request-ID. Where nobody could serve the request there are no candidates.
    """

    id: str
    request_id: str
    at: float
    endpoint: str
    models: list[str]
    strategy: str
    reason: str
    candidates: list[CandidateRecord]
    dropped: list[DroppedRecord]
    attempts: list[AttemptRecord]


class Decisions(TypedDict):
    """The latest decisions, oldest first."""

    decisions: list[DecisionRecord]


class RetryAfter(TypedDict):
    """The number of retries that waited as long as `Retry-After` said, and of those that did not."""

    honoured: int
    ignored: int


class Report(TypedDict):
    """The clients' behaviour so far; replies are counted by status."""

    requests: int
    connections: int
    statuses: dict[str, int]
    retries: int
    retry_after: RetryAfter
