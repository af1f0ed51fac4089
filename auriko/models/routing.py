"""Who served a call and what it cost: `routing_metadata` (API section 11.1)."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import Field

from auriko.models._base import AurikoResponseModel, Informational, InformationalModel


class StructuredWarningType(str, Enum):
    """The kinds of warning known so far, to compare `StructuredWarning.type` with."""

    UNSUPPORTED_PARAMETER = "unsupported_parameter"
    UNSUPPORTED_FEATURE = "unsupported_feature"
    UNSUPPORTED_FIELD = "unsupported_field"
    IGNORED_EXTENSION = "ignored_extension"
    UNKNOWN_PROVIDER = "unknown_provider"
    BLOCKED_FIELD = "blocked_field"
    PROVIDER_TIMEOUT = "provider_timeout"


class CostInfo(InformationalModel):
    """What a call was billed, in USD, and what the provider's cache saved of it."""

    usd: float | None = Field(default=None, allow_inf_nan=False)
    cache_savings_percent: int | float | None = None
    cache_savings_usd: float | None = None
    hosted_tool_usd: float | None = None


class StructuredWarning(AurikoResponseModel):
    """What the gateway changed or ignored of a request; the set of types and codes is open."""

    type: str | None = None
    code: str | None = None
    message: str | None = None


class RoutingMetadata(InformationalModel):
    """Who served a call, how fast, and what it cost. Any field may be missing, unknown ones are kept.

    Attributes:
        provider: The provider that answered.
        provider_model_id: The provider's own name of the model.
        model_canonical: The gateway's name of the model.
        routing_strategy: The strategy in effect.
        ttft_ms: Time to the first token, in milliseconds.
        throughput_tps: Tokens per second.
        cost: What was billed.
        warnings: What was changed or ignored.
    """

    provider: str | None = None
    provider_model_id: str | None = None
    model_canonical: str | None = None
    routing_strategy: str | None = None
    ttft_ms: float | None = None
    throughput_tps: float | None = None
    cost: Informational[CostInfo] = None
    warnings: Informational[list[StructuredWarning]] = None

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from auriko._card import routing_bundle

        return routing_bundle(self)


def parse_routing_metadata(response: Any) -> RoutingMetadata | None:
    """The routing metadata of a reply of the openai package, or None where it is absent or broken."""
    extra = getattr(response, "model_extra", None)
    raw: Any = extra.get("routing_metadata") if isinstance(extra, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return RoutingMetadata.model_validate(raw) if isinstance(raw, dict) else None
