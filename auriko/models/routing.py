"""Routing metadata: who served a call and what it cost (API section 11.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from auriko._display.money import usd_text
from auriko.models._base import AurikoResponseModel, Informational, InformationalModel

if TYPE_CHECKING:  # imported where something is shown
    from auriko._display.card import Card
    from auriko.models.common import Usage

# No call costs more: an amount beyond it is broken, and unknown.
_MOST_USD: Final = 1e6
_Cost = Annotated[float, Field(ge=0, le=_MOST_USD)]
_NOT_WORTH_SAYING: Final = frozenset({None, "stop", "tool_calls", "completed"})


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
    """The bill of a call in USD, and what the provider's cache saved of it."""

    usd: _Cost | None = None
    cache_savings_percent: int | float | None = None
    cache_savings_usd: Annotated[float, Field(ge=-_MOST_USD, le=_MOST_USD)] | None = None
    hosted_tool_usd: _Cost | None = None


class StructuredWarning(AurikoResponseModel):
    """A note of what the gateway changed or ignored of a request; the set of types and codes is open."""

    type: str | None = None
    code: str | None = None
    message: str | None = None


class RoutingMetadata(InformationalModel):
    """The provider of a call, its speed and its cost. Any field may be missing, unknown ones are kept.

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
        from auriko._display.table import html_table, text_table

        cost = self.cost
        rows = [
            ("provider", self.provider),
            ("model", self.model_canonical),
            ("the provider's name of it", self.provider_model_id),
            ("strategy", self.routing_strategy),
            ("first token", _milliseconds(self.ttft_ms)),
            ("throughput", f"{self.throughput_tps:,.1f} tokens/s" if self.throughput_tps is not None else None),
            ("cost", cost_text(cost)),
            ("saved by the cache", usd_text(cost.cache_savings_usd) if cost and cost.cache_savings_usd else None),
            ("hosted tools", usd_text(cost.hosted_tool_usd) if cost and cost.hosted_tool_usd else None),
            *(("warning", f"{warning.code}: {warning.message}") for warning in self.warnings or ()),
        ]
        table = ("routing", ""), [(name, value) for name, value in rows if value]
        return {"text/plain": text_table(*table), "text/html": html_table(*table)}


def cost_text(cost: CostInfo | None) -> str:
    """The cost of a call in USD, for people; an unknown one is not 0."""
    return usd_text(cost.usd) if cost is not None and cost.usd is not None else "unknown cost"


def add_facts(card: Card, metadata: RoutingMetadata | None, usage: Usage | None, endings: Iterable[str | None]) -> None:
    """Adds who served a call, its cost, tokens and end to a card, and the gateway's warnings below."""
    card.facts(_facts(metadata, usage, endings))
    for warning in (metadata.warnings if metadata is not None else None) or ():
        card.facts([f"warning: {warning.message or warning.code or warning.type}"])


def _facts(metadata: RoutingMetadata | None, usage: Usage | None, endings: Iterable[str | None]) -> Iterator[str]:
    if metadata is not None:
        yield f"{metadata.model_canonical or 'an unknown model'} by {metadata.provider or 'an unknown provider'}"
        yield cost_text(metadata.cost)
    if usage is not None:
        yield f"{usage.prompt_tokens:,} tokens in, {usage.completion_tokens:,} out"
    if metadata is not None and metadata.ttft_ms is not None:
        yield f"first token after {_milliseconds(metadata.ttft_ms)}"
    for ending in endings:
        if ending not in _NOT_WORTH_SAYING:
            yield f"ended by {ending}"


def _milliseconds(value: float | None) -> str | None:
    return f"{value:,.0f} ms" if value is not None else None


def parse_routing_metadata(response: Any) -> RoutingMetadata | None:
    """The routing metadata of a reply of the openai package, or None where it is absent or broken."""
    extra = getattr(response, "model_extra", None)
    raw: Any = extra.get("routing_metadata") if isinstance(extra, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return RoutingMetadata.model_validate(raw) if isinstance(raw, dict) else None
