"""Models and providers (API section 11.6)."""

from __future__ import annotations

from pydantic import Field

from auriko.models._base import AurikoResponseModel, Informational, InformationalModel, Reply


class ProviderInfo(AurikoResponseModel):
    """A provider that the gateway routes to."""

    id: str
    display_name: str | None = None
    description: str | None = None
    icon: str | None = None
    data_policy: str | None = None


class ProviderList(Reply):
    """All providers (GET /v1/registry/providers)."""

    providers: list[ProviderInfo]
    count: int | None = None


class PriceVariant(InformationalModel):
    """A price that holds under conditions, in USD per million tokens."""

    role: str | None = None
    price: float | None = None
    constraints: Informational[dict[str, str]] = None
    description: str | None = None


class TierEntry(InformationalModel):
    """Prices of one service tier, in USD per million tokens."""

    name: str | None = None
    input_price: float | None = None
    output_price: float | None = None
    cache_read_price: float | None = None
    cache_write_price: float | None = None
    latency_hint: str | None = None
    price_variants: Informational[list[PriceVariant]] = None


class ProviderEntry(InformationalModel):
    """One provider's offer of a model."""

    provider: str = ""
    provider_model_id: str = ""
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: dict[str, bool] | None = None
    input_modalities: list[str] | None = None
    output_modalities: list[str] | None = None
    tools: list[str] | None = None
    tiers: Informational[list[TierEntry]] = None
    updated_at: str | None = None
    data_policy: str | None = None
    accepted_params: list[str] | None = None
    supported_parameters: list[str] | None = None
    supported_endpoints: list[str] | None = None
    shutdown_at: str | None = None


class DirectoryModel(InformationalModel):
    """A model of the catalogue with every provider's offer of it."""

    family: str | None = None
    display_name: str | None = None
    author: str | None = None
    aliases: list[str] | None = None
    supported_parameters: list[str] | None = None
    providers: list[ProviderEntry] = Field(default_factory=list[ProviderEntry])


class DirectoryResponse(Reply):
    """The whole catalogue by canonical model id, with prices (GET /v1/directory/models)."""

    models: dict[str, DirectoryModel]
    generated_at: str | None = None


class CanonicalModel(InformationalModel):
    """A model of the registry."""

    id: str = ""
    family: str | None = None
    display_name: str | None = None
    author: str | None = None
    capabilities: dict[str, bool] | None = None
    input_modalities: list[str] | None = None
    output_modalities: list[str] | None = None
    providers: list[str] | None = None
    has_free_provider: bool | None = None


class ModelsListResponse(Reply):
    """The canonical models (GET /v1/registry/models)."""

    models: list[CanonicalModel]
    count: int | None = None
    playground_defaults: Informational[list[str]] = None


class ModelProvider(InformationalModel):
    """A provider of a callable model; prices in USD per million tokens."""

    name: str | None = None
    input_price: float | None = None
    output_price: float | None = None
    data_policy: str | None = None


class Model(Reply):
    """A model that the key in use can call."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = "auriko"
    context_window: int | None = None
    supported_endpoints: Informational[list[str]] = None
    providers: Informational[list[ModelProvider]] = None


class ModelList(Reply):
    """The models that the key in use can call (GET /v1/models)."""

    object: str = "list"
    data: list[Model]
    catalog_version: str | None = None
    catalog_age_seconds: float | None = None
