"""Records that the sandbox shows as JSON: errors, how each request was routed, and how the clients behaved."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema
from typing_extensions import NotRequired, TypedDict

from auriko.errors import CODES


class ErrorFields(TypedDict):
    """An error (API section 12.1)."""

    message: Annotated[str, Field(min_length=1)]
    type: Annotated[str, WithJsonSchema({"enum": sorted({info.type for info in CODES.values()})})]
    code: Annotated[str, WithJsonSchema({"enum": sorted(CODES)})]
    param: str | None
    doc_url: str
    provider: str | None
    suggestion: NotRequired[str]


class ErrorEnvelope(TypedDict):
    """The body of an error reply, and of an error event inside a chat completion's stream."""

    error: ErrorFields


class SpeedRecord(TypedDict):
    """The speed of the latest calls of a similar length, by percentile."""

    calls: int
    ttft_ms: dict[str, float]
    throughput_tps: dict[str, float]


class CandidateRecord(TypedDict):
    """One who could serve a request: the score of 0 to 1, the three that it is made of, and what they are made of.

    `ttft_ms` and `throughput_tps` are those of the percentiles that the request ranks with.
    """

    model: str
    provider: str
    tier: str
    engine: str
    score: float
    parts: dict[str, float]
    expected_usd: float
    ttft_ms: float | None
    throughput_tps: float | None
    measured: SpeedRecord | None


class DroppedRecord(TypedDict):
    """One who could not serve a request, and why."""

    model: str
    provider: str
    tier: str
    engine: str
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


class Spend(TypedDict):
    """The attempts at one provider, how they ended, and what it was paid."""

    tried: int
    answered: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    usd: float
