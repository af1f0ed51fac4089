"""Routing options: the `gateway` object of a request (API sections 4 and 5)."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import (
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    model_validator,
)
from typing_extensions import Self

from auriko._signature import unknown_name
from auriko.models.routing import CostInfo, RoutingMetadata, StructuredWarning, parse_routing_metadata

__all__ = [
    "STRATEGIES",
    "CostInfo",
    "DataPolicy",
    "GatewayMetadata",
    "GatewayOptions",
    "GatewayWarning",
    "MetricPercentile",
    "Mode",
    "Optimize",
    "RoutingMetadata",
    "RoutingOptions",
    "Strategy",
    "StructuredWarning",
    "merge_gateway",
    "merge_gateway_extra_body",
    "parse_routing_metadata",
    "plain_options",
    "split_strategy",
    "unknown_name",
    "warn_of_changes",
]


class Optimize(str, Enum):
    """The strategies by which the gateway scores providers; the `-focus` ones look at little else."""

    COST = "cost"
    COST_FOCUS = "cost-focus"
    TTFT = "ttft"
    TTFT_FOCUS = "ttft-focus"
    TPS = "tps"
    TPS_FOCUS = "tps-focus"
    BALANCED = "balanced"


class Mode(str, Enum):
    """The modes for several models: scored together, or tried one after another."""

    POOL = "pool"
    FALLBACK = "fallback"


class DataPolicy(str, Enum):
    """The least that a provider must promise about the data it is sent."""

    NONE = "none"
    NO_TRAINING = "no_training"
    ZDR = "zdr"


class MetricPercentile(str, Enum):
    """The statistics of latency and throughput by which providers are ranked."""

    P50 = "p50"
    P95 = "p95"


def _value(choice: Any) -> Any:
    return choice.value if isinstance(choice, Enum) else choice


def _accepts(literal: Any) -> GetPydanticSchema:
    """A field typed as enum or literal, of which the plain value is kept."""
    return GetPydanticSchema(lambda _source, handler: handler(Annotated[literal, BeforeValidator(_value)]))


Strategy = Literal["cost", "cost-focus", "ttft", "ttft-focus", "tps", "tps-focus", "balanced"]
STRATEGIES: Final[frozenset[str]] = frozenset(get_args(Strategy))
_Mode = Literal["pool", "fallback"]
_DataPolicy = Literal["none", "no_training", "zdr"]
_Percentile = Literal["p50", "p95"]
_Weight = Annotated[float, Field(ge=0), AllowInfNan(allow_inf_nan=False)]


class _Options(BaseModel):
    """Options of a request: a typo or a wrong value is refused when they are made or changed."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _name_nearest_field(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            for name in value:  # pyright: ignore[reportUnknownVariableType]
                if name not in cls.model_fields:
                    raise ValueError(unknown_name(str(name), cls.model_fields, cls._what))  # pyright: ignore[reportUnknownArgumentType]
        return value  # pyright: ignore[reportUnknownVariableType]

    def __setattr__(self, name: str, value: Any) -> None:
        # pydantic alone would keep a value that the check of all options together refuses.
        self.model_validate({**{field: getattr(self, field) for field in self.model_fields_set}, name: value})
        super().__setattr__(name, value)

    _what: ClassVar[str]

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [(name, value) for name, value in super().__repr_args__() if value is not None]

    def to_dict(self) -> dict[str, Any]:
        """The options that were set, as they go over the wire."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True)


class RoutingOptions(_Options):
    """Options by which the gateway picks a provider; what is left out is the gateway's choice (API section 5).

    Attributes:
        optimize: The strategy that providers are scored by.
        weights: Scoring of your own instead of a strategy: `{"cost": 2, "ttft": 1, "throughput": 0}`.
        max_cost_per_1m: Ceiling on the mean of input and output price, in USD per million tokens.
        max_ttft_ms: Ceiling on the time to the first token, in milliseconds.
        min_throughput_tps: Floor on the throughput, in tokens per second.
        ttft_percentile: Which statistic of the time to first token counts.
        throughput_percentile: Which statistic of the throughput counts.
        providers: Only these providers.
        exclude_providers: None of these providers.
        prefer: A provider to prefer; a miss never fails the request.
        mode: `pool` scores all models together, `fallback` tries them in order.
        allow_fallbacks: Whether the next candidate is tried when a provider fails.
        max_fallback_attempts: The most such tries, 1 to 19.
        timeout_ms: The gateway's own timeout, in milliseconds.
        deadline_ms: The gateway's total time, in milliseconds; at least `timeout_ms`.
        data_policy: The least that a provider must promise about data.
        only_byok: Only the workspace's own provider keys.
        only_platform: Only the platform's keys.
        require_parameters: Only providers that take every optional parameter sent.
        tier: `priority` opts in to premium tiers.
    """

    optimize: Annotated[Strategy | Optimize, _accepts(Strategy)] | None = None
    weights: dict[Literal["cost", "ttft", "throughput"], _Weight] | None = None
    max_cost_per_1m: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_ttft_ms: int | None = Field(default=None, gt=0)
    min_throughput_tps: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    ttft_percentile: Annotated[_Percentile | MetricPercentile, _accepts(_Percentile)] | None = None
    throughput_percentile: Annotated[_Percentile | MetricPercentile, _accepts(_Percentile)] | None = None
    providers: list[str] | None = None
    exclude_providers: list[str] | None = None
    prefer: str | None = None
    mode: Annotated[_Mode | Mode, _accepts(_Mode)] | None = None
    allow_fallbacks: bool | None = None
    max_fallback_attempts: int | None = Field(default=None, ge=1, le=19)
    timeout_ms: int | None = Field(default=None, gt=0)
    deadline_ms: int | None = Field(default=None, gt=0)
    data_policy: Annotated[_DataPolicy | DataPolicy, _accepts(_DataPolicy)] | None = None
    only_byok: bool | None = None
    only_platform: bool | None = None
    require_parameters: bool | None = None
    tier: str | None = None

    _what = "routing option"

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.only_byok and self.only_platform:
            raise ValueError("only_byok and only_platform exclude each other")
        if self.weights is not None and not any(self.weights.values()):
            raise ValueError("at least one weight must be above 0")
        if self.timeout_ms and self.deadline_ms and self.deadline_ms < self.timeout_ms:
            raise ValueError("deadline_ms must be at least timeout_ms")
        return self

    @classmethod
    def cheapest(cls, **options: Any) -> Self:
        """Options that look at the price and little else, with any others: `cheapest(max_ttft_ms=800)`."""
        return cls.model_validate({"optimize": "cost-focus", **options})

    @classmethod
    def fastest(cls, **options: Any) -> Self:
        """Options for the shortest time to the first token, with any others."""
        return cls.model_validate({"optimize": "ttft-focus", **options})

    @classmethod
    def highest_throughput(cls, **options: Any) -> Self:
        """Options for the most tokens per second, with any others."""
        return cls.model_validate({"optimize": "tps-focus", **options})

    @classmethod
    def balanced(cls, **options: Any) -> Self:
        """Options that weigh price, latency and throughput alike, with any others."""
        return cls.model_validate({"optimize": "balanced", **options})

    @classmethod
    def in_order(cls, **options: Any) -> Self:
        """Options that try the models of `gateway.models` one after another, with any others."""
        return cls.model_validate({"mode": "fallback", **options})

    @classmethod
    def private(cls, **options: Any) -> Self:
        """Options for providers that keep neither prompts nor replies, with any others."""
        return cls.model_validate({"data_policy": "zdr", **options})

    def to_extra_body(self) -> dict[str, Any]:
        """The options as the openai package's `extra_body` takes them: `{"gateway": {"routing": ...}}`."""
        return {"gateway": {"routing": self.to_dict()}}


class GatewayMetadata(_Options):
    """Labels of a request, for the workspace's own reports (API section 4)."""

    tags: list[str] | None = None
    user_id: str | None = None
    trace_id: str | None = None
    custom_fields: dict[str, str] | None = None

    _what = "gateway.metadata field (other labels go under custom_fields)"


class GatewayOptions(_Options):
    """The `gateway` object of a request: candidate models, routing and labels (API section 4).

    Attributes:
        models: 1 to 10 candidate models; they replace `model`.
        routing: How to choose among the providers.
        metadata: Labels of the request.
    """

    models: list[str] | None = Field(default=None, min_length=1, max_length=10)
    routing: RoutingOptions | None = None
    metadata: GatewayMetadata | None = None

    _what = "gateway field"

    def to_extra_body(self) -> dict[str, Any]:
        """The object as the openai package's `extra_body` takes it: `{"gateway": {...}}`."""
        return {"gateway": self.to_dict()}


class GatewayWarning(UserWarning):
    """The gateway changed or ignored a part of the request; the reply is complete."""


def warn_of_changes(metadata: RoutingMetadata | None) -> None:
    """Warns of each part of a request that the gateway changed or ignored, by a `GatewayWarning`."""
    for warning in (metadata.warnings if metadata is not None else None) or ():
        text = f"The gateway says: {warning.message or warning.code or warning.type}"
        # A filter that makes errors of warnings must not lose an answer that has been paid for.
        with contextlib.suppress(GatewayWarning):
            warnings.warn(text, GatewayWarning, stacklevel=3)


def split_strategy(model: str) -> tuple[str, str | None]:
    """A model's name without a strategy after it, and the strategy: `("gpt-4o", "ttft")` for `gpt-4o:ttft`.

    A suffix counts only where the name has exactly one colon, so `ft:gpt-4o:org:name` stays whole (API section 6).
    """
    name, _, suffix = model.partition(":")
    return (name, suffix) if suffix in STRATEGIES else (model, None)


def merge_gateway(
    base: GatewayOptions | Mapping[str, Any] | None, override: GatewayOptions | Mapping[str, Any] | None
) -> dict[str, Any]:
    """A `gateway` object in which every value of `override` wins, and what it does not name stays.

    Neither argument is changed.
    """
    return _merged(dict(plain_options(base) or {}), dict(plain_options(override) or {}))


def merge_gateway_extra_body(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Both bodies in one, the overlay's fields winning; what is inside `gateway` is merged key by key."""
    merged = {**base, **overlay}
    gateways = base.get("gateway"), overlay.get("gateway")
    if all(isinstance(gateway, (Mapping, GatewayOptions)) for gateway in gateways):
        merged["gateway"] = merge_gateway(*gateways)
    return merged


def plain_options(value: Any) -> Any:
    """Options as a dictionary of those that are set; anything else as it is."""
    return value.to_dict() if isinstance(value, _Options) else value


def _merged(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in override.items():
        old, new = plain_options(result.get(name)), plain_options(value)
        both = isinstance(old, Mapping) and isinstance(new, Mapping)
        result[name] = _merged(old, new) if both else new  # pyright: ignore[reportUnknownArgumentType]
    return result
