"""The `gateway` object of a request, with its 20 routing options (API sections 4 and 5)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from typing_extensions import Self

from auriko.routing import Strategy
from auriko.sandbox.catalog.model import DataPolicy
from auriko.sandbox.engines.json_types import is_object
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.wire.base import WireModel

Percentile = Literal["p50", "p95"]

_Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Milliseconds = Annotated[int, Field(gt=0)]


class Weights(WireModel):
    """The weights of the dimensions; at least one is above zero."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cost": 2.0, "ttft": 1.0}]})

    cost: _Weight = 0.0
    ttft: _Weight = 0.0
    throughput: _Weight = 0.0

    @model_validator(mode="after")
    def _some_weight(self) -> Weights:
        if not (self.cost or self.ttft or self.throughput):
            raise ValueError("at least one of cost, ttft and throughput must be above 0")
        return self


def _without_nulls(schema: dict[str, Any]) -> None:
    """Let the schema refuse nulls, as the API does: options that are not set are left out."""
    for option in schema["properties"].values():
        option.pop("default", None)
        if "anyOf" in option:
            option["anyOf"] = [each for each in option["anyOf"] if each != {"type": "null"}]


class Routing(WireModel):
    """The options by which a provider is chosen for one request."""

    model_config = ConfigDict(json_schema_extra=_without_nulls)

    optimize: Strategy | None = None
    weights: Weights | None = None
    max_cost_per_1m: _Positive | None = None
    max_ttft_ms: _Milliseconds | None = None
    min_throughput_tps: _Positive | None = None
    ttft_percentile: Percentile = "p50"
    throughput_percentile: Percentile = "p50"
    providers: list[str] | None = None
    exclude_providers: list[str] = Field(default_factory=list)
    prefer: str | None = None
    mode: Literal["pool", "fallback"] = "pool"
    allow_fallbacks: bool = True
    max_fallback_attempts: int | None = Field(default=None, ge=1, le=19)
    timeout_ms: _Milliseconds | None = None
    deadline_ms: _Milliseconds | None = None
    data_policy: DataPolicy = "none"
    only_byok: bool = False
    only_platform: bool = False
    require_parameters: bool = False
    tier: Literal["priority"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, data: Any) -> Any:
        null = next((name for name, value in data.items() if value is None), None) if is_object(data) else None
        if null is not None:
            raise GatewayError(
                "invalid_parameter_value",
                f"gateway.routing.{null} is null.",
                param=f"gateway.routing.{null}",
                suggestion="Leave options out that are not set.",
            )
        return data

    @model_validator(mode="after")
    def _not_both(self) -> Routing:
        if self.only_byok and self.only_platform:
            raise ValueError("only_byok and only_platform cannot both be true")
        if self.deadline_ms and self.timeout_ms and self.deadline_ms < self.timeout_ms:
            raise ValueError("deadline_ms must not be less than timeout_ms")
        return self


class Labels(WireModel):
    """The labels of a request; they change nothing."""

    tags: list[str] = Field(default_factory=list)
    user_id: str | None = None
    trace_id: str | None = None
    custom_fields: dict[str, str] = Field(default_factory=dict)


class Gateway(WireModel):
    """Candidate models, routing and labels."""

    models: list[str] | None = Field(default=None, min_length=1, max_length=10)
    routing: Routing = Field(default_factory=Routing)
    metadata: Labels = Field(default_factory=Labels)


class RoutedRequest(WireModel):
    """The fields that chat completions and responses have in common."""

    model: str | None = None
    gateway: Gateway = Field(default_factory=Gateway)
    extensions: dict[str, dict[str, Any]] = Field(default_factory=dict)
    stream: bool | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    parallel_tool_calls: bool | None = None
    user: str | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if self.model is None and self.gateway.models is None:
            raise GatewayError(
                "missing_required_parameter", "Name a model, or several in gateway.models.", param="model"
            )
        if self.model is not None and self.gateway.models is not None:
            raise GatewayError(
                "invalid_request", "model and gateway.models exclude each other; send one.", param="gateway.models"
            )
        if "thinking" in self.extensions:
            raise GatewayError(
                "invalid_parameter_value",
                "extensions.thinking is not supported.",
                param="extensions.thinking",
                suggestion="Set reasoning_effort.",
            )
        return self

    @property
    def candidates(self) -> list[str]:
        """Names of the models that may answer, as they were sent."""
        return self.gateway.models or [self.model or ""]
