"""Routing options: all 20 of them, refused if wrong, merged without losing any."""

import copy
import json
import math
import pickle
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import ValidationError

from auriko import GatewayMetadata, GatewayOptions, RoutingMetadata, RoutingOptions, parse_routing_metadata
from auriko.routing import DataPolicy, MetricPercentile, Mode, Optimize, merge_gateway
from tests.support.replies import METADATA, completion

# ruff: noqa: S301 - the pickles are made right here

LEGAL: dict[str, list[Any]] = {
    "optimize": ["cost", "cost-focus", "ttft", "ttft-focus", "tps", "tps-focus", "balanced"],
    "weights": [{"cost": 2, "ttft": 1.5, "throughput": 0}, {"cost": 1}],
    "max_cost_per_1m": [0.1, 30],
    "max_ttft_ms": [1, 800],
    "min_throughput_tps": [0.5, 80],
    "ttft_percentile": ["p50", "p95"],
    "throughput_percentile": ["p50", "p95"],
    "providers": [["anthropic"], []],
    "exclude_providers": [["anthropic", "openai"]],
    "prefer": ["anthropic"],
    "mode": ["pool", "fallback"],
    "allow_fallbacks": [True, False],
    "max_fallback_attempts": [1, 19],
    "timeout_ms": [1, 60_000],
    "deadline_ms": [1, 60_000],
    "data_policy": ["none", "no_training", "zdr"],
    "only_byok": [True, False],
    "only_platform": [True, False],
    "require_parameters": [True, False],
    "tier": ["priority"],
}
WRONG: dict[str, list[Any]] = {
    "optimize": ["cheap", "COST", 5],
    "weights": [{}, {"cost": 0}, {"cost": -1}, {"price": 1}, {"cost": math.nan}, {"cost": math.inf}, 5],
    "max_cost_per_1m": [0, -1, math.nan, math.inf, "x"],
    "max_ttft_ms": [0, -1, 1.5, "x"],
    "min_throughput_tps": [0, -1, math.nan, math.inf],
    "ttft_percentile": ["p99"],
    "throughput_percentile": ["p99"],
    "providers": ["anthropic", [5]],
    "exclude_providers": ["anthropic", [None]],
    "prefer": [["anthropic"]],
    "mode": ["race"],
    "allow_fallbacks": ["perhaps"],
    "max_fallback_attempts": [0, 20],
    "timeout_ms": [0, -1],
    "deadline_ms": [0, -1],
    "data_policy": ["some"],
    "only_byok": ["perhaps"],
    "only_platform": ["perhaps"],
    "require_parameters": ["perhaps"],
    "tier": [5],
}


def test_there_are_twenty() -> None:
    assert list(RoutingOptions.model_fields) == list(LEGAL) == list(WRONG)
    assert len(LEGAL) == 20
    assert RoutingOptions().to_dict() == {}
    assert all(field in (RoutingOptions.__doc__ or "") for field in LEGAL)


@pytest.mark.parametrize("field", LEGAL)
def test_legal_values_go_over_the_wire_as_they_are(field: str) -> None:
    for value in LEGAL[field]:
        options = RoutingOptions(**{field: value})
        assert options.to_dict() == {field: value}
        assert options.to_extra_body() == {"gateway": {"routing": {field: value}}}
        assert json.loads(json.dumps(options.to_dict())) == {field: value}
        assigned = RoutingOptions()
        setattr(assigned, field, value)
        assert assigned.to_dict() == {field: value}
        setattr(assigned, field, None)
        assert assigned.to_dict() == {}


@pytest.mark.parametrize("field", WRONG)
def test_wrong_values_are_refused_when_made_assigned_or_nested(field: str) -> None:
    for value in WRONG[field]:
        with pytest.raises(ValidationError, match=field if field != "weights" else "weight"):
            RoutingOptions(**{field: value})
        options = RoutingOptions()
        with pytest.raises(ValidationError):
            setattr(options, field, value)
        assert options.to_dict() == {}
        with pytest.raises(ValidationError):
            GatewayOptions.model_validate({"routing": {field: value}})


@pytest.mark.parametrize(
    ("enum", "field"),
    [(Optimize, "optimize"), (Mode, "mode"), (DataPolicy, "data_policy"), (MetricPercentile, "ttft_percentile")],
)
def test_enums_are_taken_and_their_values_kept(enum: Any, field: str) -> None:
    for choice in enum:
        options = RoutingOptions(**{field: choice})
        assert options.to_dict() == {field: choice.value}
        assert type(getattr(options, field)) is str
    assert [choice.value for choice in enum] == LEGAL[field]


@pytest.mark.parametrize(
    ("cls", "name", "message"),
    [
        (RoutingOptions, "optimise", "unknown routing option 'optimise'; did you mean 'optimize'?"),
        (RoutingOptions, "max_cost", "did you mean 'max_cost_per_1m'?"),
        (RoutingOptions, "zzz", "known are allow_fallbacks, data_policy"),
        (GatewayOptions, "model", "unknown gateway field 'model'; did you mean 'models'?"),
        (GatewayMetadata, "tag", "did you mean 'tags'?"),
        (GatewayMetadata, "team", "custom_fields"),
    ],
)
def test_typo_names_the_nearest_option(cls: Any, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        cls(**{name: "x"})
    with pytest.raises(ValueError, match=r"."):
        setattr(cls(), name, "x")


@pytest.mark.parametrize(
    "together",
    [{"only_byok": True, "only_platform": True}, {"timeout_ms": 100, "deadline_ms": 99}],
)
def test_options_that_exclude_each_other(together: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"exclude each other|at least timeout_ms"):
        RoutingOptions(**together)
    *first, (name, value) = together.items()
    options = RoutingOptions(**dict(first))
    with pytest.raises(ValueError, match=r"exclude each other|at least timeout_ms"):
        setattr(options, name, value)
    assert options.to_dict() == dict(first)
    assert RoutingOptions(only_byok=True, only_platform=False, timeout_ms=5, deadline_ms=5)


def test_gateway_options() -> None:
    options = GatewayOptions(
        models=["a", "b"],
        routing=RoutingOptions(mode="fallback"),
        metadata=GatewayMetadata(tags=["x"], custom_fields={"team": "y"}),
    )
    wire = {
        "models": ["a", "b"],
        "routing": {"mode": "fallback"},
        "metadata": {"tags": ["x"], "custom_fields": {"team": "y"}},
    }
    assert options.to_dict() == wire
    assert options.to_extra_body() == {"gateway": wire}
    assert GatewayOptions.model_validate(wire) == options
    for wrong in ({"models": []}, {"models": ["m"] * 11}, {"models": "a"}, {"metadata": {"custom_fields": {"a": 1}}}):
        with pytest.raises(ValidationError):
            GatewayOptions.model_validate(wrong)


def test_options_can_be_copied_and_pickled() -> None:
    options = GatewayOptions(models=["a"], routing=RoutingOptions(optimize="tps"))
    for twin in (copy.deepcopy(options), pickle.loads(pickle.dumps(options)), options.model_copy(deep=True)):
        assert twin == options
        assert twin.to_dict() == options.to_dict()


MERGES: list[tuple[Any, Any, dict[str, Any]]] = [
    (None, None, {}),
    ({"models": ["a"]}, None, {"models": ["a"]}),
    (None, {"models": ["a"]}, {"models": ["a"]}),
    ({"models": ["a"]}, {"models": ["b"]}, {"models": ["b"]}),
    (
        {"models": ["a"], "routing": {"optimize": "cost", "max_ttft_ms": 5}, "metadata": {"tags": ["t"]}},
        {"routing": {"optimize": "tps", "tier": "priority"}},
        {
            "models": ["a"],
            "routing": {"optimize": "tps", "max_ttft_ms": 5, "tier": "priority"},
            "metadata": {"tags": ["t"]},
        },
    ),
    (
        GatewayOptions(models=["a"], routing=RoutingOptions(optimize="cost")),
        GatewayOptions(routing=RoutingOptions(mode="pool")),
        {"models": ["a"], "routing": {"optimize": "cost", "mode": "pool"}},
    ),
    (
        {"routing": RoutingOptions(optimize="cost", prefer="x")},
        {"routing": RoutingOptions(optimize="tps")},
        {"routing": {"optimize": "tps", "prefer": "x"}},
    ),
    (
        {"routing": {"weights": {"cost": 1, "ttft": 2}}, "metadata": {"custom_fields": {"a": "1"}}},
        {"routing": {"weights": {"ttft": 3}}, "metadata": {"custom_fields": {"b": "2"}}},
        {"routing": {"weights": {"cost": 1, "ttft": 3}}, "metadata": {"custom_fields": {"a": "1", "b": "2"}}},
    ),
    (
        MappingProxyType({"routing": MappingProxyType({"optimize": "cost", "tier": "x"})}),
        {"routing": MappingProxyType({"optimize": "tps"})},
        {"routing": {"optimize": "tps", "tier": "x"}},
    ),
    ({"routing": {"optimize": "cost"}}, {"routing": None}, {"routing": None}),
    ({"routing": 5}, {"routing": {"optimize": "cost"}}, {"routing": {"optimize": "cost"}}),
    ({"new": {"a": 1}}, {"new": {"b": 2}}, {"new": {"a": 1, "b": 2}}),
]


@pytest.mark.parametrize(("base", "override", "expected"), MERGES)
def test_merging_drops_nothing_and_changes_neither(base: Any, override: Any, expected: dict[str, Any]) -> None:
    before = repr(base), repr(override)
    assert merge_gateway(base, override) == expected
    assert (repr(base), repr(override)) == before


class Reply:
    def __init__(self, extra: Any) -> None:
        self.model_extra = extra


def test_metadata_of_a_reply_of_the_openai_package() -> None:
    metadata = parse_routing_metadata(Reply({"routing_metadata": METADATA}))
    assert isinstance(metadata, RoutingMetadata)
    assert (metadata.provider, metadata.cost and metadata.cost.usd) == ("anthropic", 0.00193)
    for nothing in (Reply(None), Reply({}), Reply({"routing_metadata": 5}), object(), None, completion()):
        assert parse_routing_metadata(nothing) is None
