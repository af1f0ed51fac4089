"""Presets of routing options."""

from typing import Any

import pytest

from auriko import Client, RoutingOptions


@pytest.mark.parametrize(
    ("preset", "options"),
    [
        (RoutingOptions.cheapest, {"optimize": "cost-focus"}),
        (RoutingOptions.fastest, {"optimize": "ttft-focus"}),
        (RoutingOptions.highest_throughput, {"optimize": "tps-focus"}),
        (RoutingOptions.balanced, {"optimize": "balanced"}),
        (RoutingOptions.in_order, {"mode": "fallback"}),
        (RoutingOptions.private, {"data_policy": "zdr"}),
    ],
)
def test_a_preset_sets_one_option_and_takes_all_others(preset: Any, options: dict[str, Any]) -> None:
    assert preset().to_dict() == options
    assert preset(max_ttft_ms=800).to_dict() == {**options, "max_ttft_ms": 800}
    with pytest.raises(ValueError, match="max_ttft_ms"):
        preset(max_ttf_ms=800)
    with pytest.raises(ValueError, match="greater than 0"):
        preset(max_ttft_ms=0)


def test_the_named_option_can_be_sharpened() -> None:
    assert RoutingOptions.cheapest(optimize="cost").optimize == "cost"


def test_a_preset_routes(client: Client) -> None:
    reply = client.chat.completions.create(
        messages=[{"role": "user", "content": "hi"}],
        gateway={"models": ["gpt-4o"], "routing": RoutingOptions.cheapest(exclude_providers=["azure_openai"])},
    )
    assert reply.routing_metadata is not None
    assert reply.routing_metadata.routing_strategy == "cost-focus"
    assert reply.routing_metadata.provider == "openai"
