"""Lists of models and providers (API section 11.6)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from auriko.sandbox.catalog.billing import long_price
from auriko.sandbox.catalog.model import CHAT, Catalog, Model, Offer, Provider, Tier

_CREATED = 1_767_225_600  # the catalogue's first day, 2026-01-01


def callable_models(catalog: Catalog, endpoint: str) -> dict[str, Any]:
    """`GET /v1/models`: what can be called by this endpoint."""
    data = [callable_model(model) for model in catalog if any(endpoint in offer.endpoints for offer in model.offers)]
    return {"object": "list", "catalog_version": "sandbox", "catalog_age_seconds": 0, "data": data}


def callable_model(model: Model) -> dict[str, Any]:
    """One element of that list."""
    return {
        "id": model.id,
        "object": "model",
        "created": _CREATED,
        "owned_by": "auriko",
        "context_window": max(offer.context_window for offer in model.offers),
        "supported_endpoints": sorted({name for offer in model.offers for name in offer.endpoints}),
        "providers": [
            {
                "name": offer.provider.id,
                "input_price": offer.tiers[0].input,
                "output_price": offer.tiers[0].output,
                "data_policy": offer.provider.data_policy,
            }
            for offer in model.offers
        ],
    }


def directory(catalog: Catalog) -> dict[str, Any]:
    """`GET /v1/directory/models`: the whole catalogue with prices."""
    return {
        "generated_at": datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "models": {
            model.id: {
                "family": model.family,
                "display_name": model.display_name,
                "author": model.author,
                "aliases": list(model.aliases),
                "supported_parameters": sorted({name for o in model.offers for name in _parameters(o)}),
                "providers": [_directory_offer(offer) for offer in model.offers],
            }
            for model in catalog
        },
    }


def _directory_offer(offer: Offer) -> dict[str, Any]:
    parameters = _parameters(offer)
    return {
        "provider": offer.provider.id,
        "provider_model_id": offer.provider_model_id(offer.tiers[0]),
        "context_window": offer.context_window,
        "max_output_tokens": offer.max_output_tokens,
        "capabilities": dict.fromkeys(sorted(offer.capabilities), True),
        "input_modalities": list(offer.input_modalities),
        "output_modalities": list(offer.output_modalities),
        "tools": ["function"] if "tools" in offer.capabilities else [],
        "data_policy": offer.provider.data_policy,
        "accepted_params": parameters,
        "supported_parameters": parameters,
        "supported_endpoints": list(offer.endpoints),
        "updated_at": "2026-01-01T00:00:00Z",
        "shutdown_at": None,
        "tiers": [_directory_tier(tier) for tier in offer.tiers],
    }


def _parameters(offer: Offer) -> list[str]:
    given = {
        "tools": ("tools", "tool_choice"),
        "structured_output": ("response_format",),
        "json_mode": ("response_format",),
        "reasoning": ("reasoning_effort",),
    }
    by_capability = {name for key, names in given.items() if key in offer.capabilities for name in names}
    return sorted(offer.provider.params | by_capability | {"max_completion_tokens", "max_tokens", "stop"})


def _directory_tier(tier: Tier) -> dict[str, Any]:
    long_context = tier.long_context
    variants: list[dict[str, Any]] = []
    if long_context is not None:
        constraints = {"context": f">{long_context.above_tokens}"}
        variants = [
            {"role": role, "price": usd, "constraints": constraints, "description": "long context"}
            for role, usd in asdict(long_price(tier)).items()
            if usd is not None
        ]
    return {
        "name": tier.name,
        "input_price": tier.input,
        "output_price": tier.output,
        "cache_read_price": tier.cache_read,
        "cache_write_price": tier.cache_write,
        "latency_hint": None,
        "price_variants": variants,
    }


def registry_models(catalog: Catalog) -> dict[str, Any]:
    """`GET /v1/registry/models`: the canonical models."""
    models = [
        {
            "id": model.id,
            "family": model.family,
            "display_name": model.display_name,
            "author": model.author,
            "capabilities": dict.fromkeys(sorted({c for o in model.offers for c in o.capabilities}), True),
            "input_modalities": _union([offer.input_modalities for offer in model.offers]),
            "output_modalities": _union([offer.output_modalities for offer in model.offers]),
            "providers": [offer.provider.id for offer in model.offers],
            "has_free_provider": False,
        }
        for model in catalog
    ]
    defaults = [model.id for model in catalog if any(CHAT in offer.endpoints for offer in model.offers)][:3]
    return {"count": len(models), "playground_defaults": defaults, "models": models}


def registry_providers(catalog: Catalog) -> dict[str, Any]:
    """`GET /v1/registry/providers`: everyone who serves something here."""
    providers = [
        {
            "id": provider.id,
            "display_name": provider.display_name,
            "description": _description(provider),
            "icon": provider.id,
            "data_policy": provider.data_policy,
        }
        for provider in catalog.providers()
    ]
    return {"count": len(providers), "providers": providers}


def _description(provider: Provider) -> str:
    if provider.base_url is not None:
        return f"The server at {provider.base_url}"
    return f"Stand-in for {provider.display_name}: the engine {provider.engine} on this machine"


def _union(lists: list[tuple[str, ...]]) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))
