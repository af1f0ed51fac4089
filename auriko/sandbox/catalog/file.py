"""Catalogues as plain data, read into `Catalog`.

The shape: `providers` maps an id to what `Provider` says of it. `models` maps a canonical id to the model's own
facts (names, context window, capabilities, modalities, endpoints) and its `offers`, by provider id; an offer holds
`tiers` by name (prices in USD per million tokens), or the `price` of its only one, and may restate any of the
model's facts where it differs. A provider with a `base_url` is an upstream: its offers say what it calls the model
(`upstream_model`, if not the same), and its `price` is that of every offer without one.

The names of the catalogue that comes along are those of the API's documentation, so that code written against it
runs here; the prices are invented, in the proportions of real ones. What answers is an engine on this machine, and
every reply says which. The cheaper host of a model is the slower one, and its maker quicker and dearer, so that
strategies have something to choose between; the small language model is the cheapest only where it can best stand in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal, get_args

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pydantic_core import from_json

from auriko.sandbox.addresses import check_address, is_loopback
from auriko.sandbox.catalog.model import (
    EFFORTS,
    Catalog,
    Effort,
    Model,
    Offer,
    Provider,
    Tier,
)
from auriko.sandbox.engines.json_types import is_object

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
Endpoint = Literal["chat_completions", "responses", "batch"]

# What servers of the OpenAI API can commonly do.
UPSTREAM_CAPABILITIES: frozenset[Capability] = frozenset(get_args(Capability)) - {
    "vision",
    "reasoning",
    "reasoning_off",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Provider(Provider):
    base_url: Annotated[str, AfterValidator(check_address)] | None = None

    def default_price(self) -> Tier | None:
        """The price of an offer that has none of its own; what runs on this machine costs nothing."""
        if self.price is None and self.base_url is not None and is_loopback(httpx.URL(self.base_url).host):
            return Tier(input=0, output=0)
        return self.price


class _Facts(_Strict):
    context_window: int = Field(default=131_072, ge=1)
    max_output_tokens: int = Field(default=131_072, ge=1)
    capabilities: frozenset[Capability] = UPSTREAM_CAPABILITIES
    input_modalities: tuple[Modality, ...] = ("text",)
    output_modalities: tuple[Modality, ...] = ("text",)
    endpoints: tuple[Endpoint, ...] = ("chat_completions",)


class _OfferEntry(_Facts):
    tiers: dict[str, Tier] = Field(default_factory=dict)
    price: Tier | None = None
    upstream_model: str | None = None


class _ModelEntry(_Facts):
    display_name: str | None = None
    author: str = "unknown"
    family: str | None = None
    aliases: tuple[str, ...] = ()
    efforts: tuple[Effort, ...] = EFFORTS
    effort_with_tools: bool = True
    offers: dict[str, _OfferEntry] = Field(min_length=1)

    def offer(self, model: str, provider: _Provider, entry: _OfferEntry) -> Offer:
        price = entry.price or provider.default_price()
        tiers = entry.tiers or ({"standard": price} if price is not None else {})
        if not tiers:
            raise ValueError(
                f"{model} by {provider.id} has no price, and may cost money: give it one, in USD per million tokens "
                f"(providers.{provider.id}.price = {{ input = 0.5, output = 1.5 }})"
            )
        facts = {name: getattr(entry if name in entry.model_fields_set else self, name) for name in _Facts.model_fields}
        return Offer(
            provider=provider,
            tiers=tuple(replace(tier, name=name) for name, tier in tiers.items()),
            upstream_model=None if provider.base_url is None else entry.upstream_model or model,
            efforts=self.efforts,
            effort_with_tools=self.effort_with_tools,
            **facts,
        )


class _File(_Strict):
    providers: dict[str, _Provider]
    models: dict[str, _ModelEntry]

    @field_validator("providers", mode="before")
    @classmethod
    def _named(cls, entries: Any) -> Any:
        if not is_object(entries):
            return entries
        named = {name: {"display_name": name, "id": name} for name in entries}
        return {name: named[name] | entry if is_object(entry) else entry for name, entry in entries.items()}


def read_catalog(data: Mapping[str, Any] | str | bytes) -> Catalog:
    """The catalogue that this data describes.

    Args:
        data: The shape above, as a mapping or as JSON.

    Raises:
        ValueError: The data has another shape, or an offer names a provider that is not there.
    """
    file = _File.model_validate_json(data) if isinstance(data, str | bytes) else _File.model_validate(data)
    models: list[Model] = []
    for model_id, model in file.models.items():
        unknown = model.offers.keys() - file.providers.keys()
        if unknown:
            raise ValueError(f"{model_id} is offered by unknown providers: {', '.join(sorted(unknown))}")
        offers = tuple(model.offer(model_id, file.providers[name], entry) for name, entry in model.offers.items())
        family, display_name = model.family or model_id, model.display_name or model_id
        models.append(Model(model_id, family, display_name, model.author, model.aliases, offers))
    return Catalog(models)


def read_providers(data: Mapping[str, Any]) -> Mapping[str, Provider]:
    """The providers of a catalogue, by id.

    Raises:
        ValueError: The data has another shape.
    """
    return _File.model_validate({"providers": dict(data), "models": {}}).providers


@cache
def default_catalog() -> Catalog:
    """The catalogue that comes with the sandbox."""
    return read_catalog(default_data())


def default_data() -> dict[str, Any]:
    """The default catalogue as data."""
    data: dict[str, Any] = from_json(resources.files("auriko.sandbox.catalog").joinpath("catalog.json").read_bytes())
    return data
