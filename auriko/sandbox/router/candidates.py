"""Everyone who could serve a request, before anything is filtered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from auriko.routing import split_strategy
from auriko.sandbox.catalog.model import Catalog, Model, Offer, Provider, Tier
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.router.suggestions import did_you_mean


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model at one provider in one tier, paid by one kind of key.

    Attributes:
        rank: Position of its model among those that were asked for.
        key: Whose key for the provider is used; None if there is none, and it can only say so.
    """

    model: Model
    offer: Offer
    tier: Tier
    rank: int
    key: Literal["own", "platform"] | None

    @property
    def provider(self) -> str:
        """The provider's id."""
        return self.offer.provider.id

    @property
    def lane(self) -> str:
        """The lane that its speed depends on at its provider: the tier, and the model where each runs by itself."""
        model = self.offer.upstream_model
        return self.tier.name if model is None else f"{self.tier.name}/{model}"

    @property
    def engine(self) -> str:
        """Name of the engine that would answer."""
        return self.offer.engine(self.tier)


def find_model(catalog: Catalog, name: str, param: str) -> Model:
    """The model of this name, without a suffix.

    Raises:
        GatewayError: `model_not_found`, with the field that named it.
    """
    model = catalog.find(split_strategy(name)[0])
    if model is None:
        nearest = did_you_mean(catalog.names_like(name))
        raise GatewayError("model_not_found", f"There is no model {name!r}.", param=param, suggestion=nearest)
    return model


def candidates(models: Sequence[Model], own_keys: Collection[str]) -> list[Candidate]:
    """Every offer of these models in every tier, with each kind of key that there is.

    `own_keys` are the ids of the providers for which the caller has a key of its own; it goes before the platform's.
    """
    return [
        Candidate(model, offer, tier, rank, key)
        for rank, model in enumerate(models)
        for offer in model.offers
        for tier in offer.tiers
        for key in _keys(offer.provider, own_keys)
    ]


def _keys(provider: Provider, own_keys: Collection[str]) -> list[Literal["own", "platform"] | None]:
    keys: list[Literal["own", "platform"] | None] = []
    if provider.id in own_keys:
        keys.append("own")
    if provider.platform:
        keys.append("platform")
    return keys or [None]
