"""Catalogues as plain data, read into `Catalog`.

The shape: `providers` maps an id to what `Provider` says of it. `models` maps a canonical id to the model's own
facts (names, context window, capabilities, modalities, endpoints) and its `offers`, by provider id; an offer holds
`tiers` by name (prices in USD per million tokens) and may restate any of the model's facts where it differs.

The names of the catalogue that comes along are those of the API's documentation, so that code written against it
runs here; the prices are invented, in the proportions of real ones. What answers is an engine on this machine, and
every reply says which. The cheaper host of a model is the slower one, and its maker quicker and dearer, so that
strategies have something to choose between; the small language model is the cheapest only where it can best stand in.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from auriko.sandbox.catalog import Catalog, LongContext, Model, Offer, Price, Provider, Tier

Capability = Literal[
    "streaming",
    "non_streaming",
    "tools",
    "tool_choice_required",
    "json_mode",
    "structured_output",
    "tools_with_structured_output",
    "vision",
    "reasoning",
    "reasoning_off",
]
Modality = Literal["text", "image", "file", "audio"]
Endpoint = Literal["chat_completions", "responses"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ProviderEntry(_Strict):
    display_name: str
    engine: str
    data_policy: Literal["none", "no_training", "zdr"]
    params: frozenset[str]
    dialect: Literal["openai", "anthropic", "google"] = "openai"
    platform: bool = True
    signs_tool_calls: bool = False
    cache_min_tokens: int = Field(default=1024, ge=1)


class _TierEntry(_Strict):
    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_read: float | None = Field(default=None, ge=0)
    cache_write: float | None = Field(default=None, ge=0)
    engine: str | None = None
    long_context: LongContext | None = None

    def tier(self, name: str) -> Tier:
        price = Price(self.input, self.output, self.cache_read, self.cache_write)
        return Tier(name, price, self.engine, self.long_context)


class _OfferEntry(_Strict):
    tiers: dict[str, _TierEntry] = Field(min_length=1)
    context_window: int | None = Field(default=None, ge=1)
    max_output_tokens: int | None = Field(default=None, ge=1)
    capabilities: frozenset[Capability] | None = None
    input_modalities: tuple[Modality, ...] | None = None
    output_modalities: tuple[Modality, ...] | None = None
    endpoints: tuple[Endpoint, ...] | None = None


class _ModelEntry(_Strict):
    display_name: str
    author: str
    family: str
    aliases: tuple[str, ...] = ()
    context_window: int = Field(ge=1)
    max_output_tokens: int = Field(ge=1)
    capabilities: frozenset[Capability]
    input_modalities: tuple[Modality, ...] = ("text",)
    output_modalities: tuple[Modality, ...] = ("text",)
    endpoints: tuple[Endpoint, ...] = ("chat_completions",)
    offers: dict[str, _OfferEntry] = Field(min_length=1)

    def offer(self, provider: Provider, entry: _OfferEntry) -> Offer:
        return Offer(
            provider=provider,
            tiers=tuple(tier.tier(name) for name, tier in entry.tiers.items()),
            context_window=entry.context_window or self.context_window,
            max_output_tokens=entry.max_output_tokens or self.max_output_tokens,
            capabilities=entry.capabilities or self.capabilities,
            input_modalities=entry.input_modalities or self.input_modalities,
            output_modalities=entry.output_modalities or self.output_modalities,
            endpoints=entry.endpoints or self.endpoints,
        )


class _File(_Strict):
    providers: dict[str, _ProviderEntry]
    models: dict[str, _ModelEntry]


def read_catalog(data: Mapping[str, Any] | str | bytes) -> Catalog:
    """The catalogue that this data describes.

    Args:
        data: The shape above, as a mapping or as JSON.

    Raises:
        ValueError: The data has another shape, or an offer names a provider that is not there.
    """
    file = _File.model_validate_json(data) if isinstance(data, str | bytes) else _File.model_validate(data)
    providers = {name: Provider(id=name, **dict(entry)) for name, entry in file.providers.items()}
    models: list[Model] = []
    for model_id, model in file.models.items():
        unknown = model.offers.keys() - providers.keys()
        if unknown:
            raise ValueError(f"{model_id} is offered by unknown providers: {', '.join(sorted(unknown))}")
        offers = tuple(model.offer(providers[name], entry) for name, entry in model.offers.items())
        models.append(Model(model_id, model.family, model.display_name, model.author, model.aliases, offers))
    return Catalog(models)


@cache
def default_catalog() -> Catalog:
    """The catalogue that comes with the sandbox."""
    return read_catalog(resources.files("auriko.sandbox").joinpath("catalog.json").read_bytes())
