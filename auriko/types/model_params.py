"""Arguments of `client.models.candidates` and `client.models.estimate_cost`, as typed dictionaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from typing_extensions import Required, TypedDict

from auriko.routing import RoutingOptions

Endpoint = Literal["chat_completions", "responses"]


class CandidateParams(TypedDict, total=False):
    """A request before it is made: its models, its routing, and the names of the optional parameters it will have."""

    models: Required[str | Sequence[str]]
    routing: RoutingOptions | Mapping[str, Any] | None
    params: Iterable[str] | None
    endpoint: Endpoint | None


class EstimateParams(CandidateParams, total=False):
    """A prompt and how much may come back.

    `messages` is a text or a list of messages. `output_tokens` is what is expected to come back, as a number or as
    the least and the most; without it, `max_completion_tokens` is the most, and without that the provider's own limit.
    """

    messages: Required[str | Iterable[Mapping[str, Any] | Any]]
    tools: Iterable[Mapping[str, Any]] | None
    response_format: Mapping[str, Any] | None
    max_completion_tokens: int | None
    output_tokens: int | tuple[int, int] | None
    n: int | None
