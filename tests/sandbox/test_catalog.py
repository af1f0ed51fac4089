"""The catalogue as data, and the lists that show it."""

from __future__ import annotations

import copy
import json
from importlib import resources
from typing import Any

import pytest

from auriko.sandbox.catalog.billing import TokenCounts, bill
from auriko.sandbox.catalog.file import default_catalog, read_catalog
from auriko.sandbox.catalog.model import Catalog


@pytest.fixture
def data() -> dict[str, Any]:
    return copy.deepcopy(json.loads(resources.files("auriko.sandbox.catalog").joinpath("catalog.json").read_text()))


def test_a_catalogue_comes_from_a_mapping_or_from_json(data):
    assert [m.id for m in read_catalog(data)] == [m.id for m in read_catalog(json.dumps(data))]


@pytest.mark.parametrize(
    "damage",
    [
        {"models": {"m": {}}},
        {"providers": {"p": {"display_name": "P", "engine": "e", "data_policy": "some", "params": []}}},
        {"extra": 1},
    ],
)
def test_data_of_another_shape_are_refused(data, damage):
    with pytest.raises(ValueError, match="validation error"):
        read_catalog({**data, **damage})


def test_an_offer_of_an_unknown_provider_is_refused(data):
    del data["providers"]["openai"]
    with pytest.raises(ValueError, match="gpt-4o is offered by unknown providers: openai"):
        read_catalog(data)


def test_names_and_aliases_are_unique():
    names = [name for model in default_catalog() for name in (model.id, *model.aliases)]
    assert len(names) == len(set(names))


def test_every_strategy_has_something_to_choose():
    """The cheapest host of a model is never the quickest engine, or strategies would agree."""
    for model in default_catalog().running_on(["quote", "quote-slow"]):
        offers = [offer for offer in model.offers if offer.provider.platform] or model.offers
        tiers = [(offer, tier) for offer in offers for tier in offer.tiers]
        cheapest, engine = min((tier.input + tier.output, offer.engine(tier)) for offer, tier in tiers)
        assert engine == "quote-slow", (model.id, cheapest)


def test_without_engines_there_is_nothing():
    assert list(default_catalog().running_on([])) == []
    assert Catalog([]).providers() == []


def test_long_prompts_have_a_price_of_their_own():
    model = default_catalog().find("claude-sonnet")
    assert model is not None
    tier = model.offers[0].tiers[0]
    assert bill(tier, TokenCounts(prompt=200_000, completion=0)).usd == pytest.approx(0.6)
    assert bill(tier, TokenCounts(prompt=200_001, completion=0)).usd == pytest.approx(1.200006)


def test_lists_agree_with_each_other(steady_http):
    directory = steady_http.get("/directory/models").json()["models"]
    registry = steady_http.get("/registry/models").json()
    providers = steady_http.get("/registry/providers").json()
    assert registry["count"] == len(registry["models"]) == len(directory)
    assert {entry["id"] for entry in registry["models"]} == set(directory)
    assert providers["count"] == len(providers["providers"])
    offered = {offer["provider"] for model in directory.values() for offer in model["providers"]}
    assert {entry["id"] for entry in providers["providers"]} == offered
    assert all("on this machine" in entry["description"] for entry in providers["providers"])
    assert set(registry["playground_defaults"]) <= set(directory)


def test_a_model_is_found_by_alias_and_suffix(steady_http):
    assert steady_http.get("/models/claude-sonnet:cost").json()["id"] == "claude-sonnet-4-6"
    missing = steady_http.get("/models/gpt-9")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")
    assert steady_http.get("/models?endpoint=batch").json()["error"]["param"] == "endpoint"


def test_models_are_listed_that_can_be_called_with_the_keys_there_are(steady_http, start_sandbox):
    def listed(http):
        models = {each["id"]: each for each in http.get("/models").json()["data"]}
        return {name: [provider["name"] for provider in each["providers"]] for name, each in models.items()}

    assert "minimax-m2" not in listed(steady_http)
    assert steady_http.get("/models/minimax-m2").status_code == 404
    assert listed(steady_http)["kimi-k2"] == ["together_ai", "fireworks_ai"]
    assert "minimax-m2" in steady_http.get("/directory/models").json()["models"]
    with_key = start_sandbox(own_keys=["moonshot"])
    assert listed(with_key)["minimax-m2"] == ["moonshot"]
    assert with_key.get("/models/minimax-m2").json()["id"] == "minimax-m2"


def test_long_context_prices_are_shown(steady_http):
    offers = steady_http.get("/directory/models").json()["models"]["claude-sonnet-4-6"]["providers"]
    standard, priority = offers[0]["tiers"]
    assert {variant["role"]: variant["price"] for variant in standard["price_variants"]} == {
        "input": 6,
        "output": 22.5,
        "cache_read": 0.6,
        "cache_write": 7.5,
    }
    assert {variant["constraints"]["context"] for variant in standard["price_variants"]} == {">200000"}
    assert priority["name"] == "priority"
    assert priority["input_price"] == 6 * standard["input_price"]
