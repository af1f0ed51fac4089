"""Who answers: strategies on measured speed, filters, order and fallback, all over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from auriko.sandbox import Sandbox
from support.watched_engine import WatchedEngine

MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]
SLOW_SECONDS = 0.1  # so far from the quick engine that no load on this machine makes up for it


@pytest.fixture(scope="module")
def apart() -> Iterator[Sandbox]:
    """A sandbox with one quick provider and one slow one."""
    with Sandbox(engines=[WatchedEngine("quote"), WatchedEngine("quote-slow", delay=SLOW_SECONDS)]) as running:
        yield running


@pytest.fixture(scope="module")
def apart_http(apart: Sandbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {apart.api_key}"}
    with httpx.Client(base_url=apart.base_url, headers=headers, timeout=20) as client:
        yield client


def ask(http: Any, model: str | list[str] = "gpt-4o", *, body: dict[str, Any] | None = None, **routing: Any) -> Any:
    gateway: dict[str, Any] = {"routing": routing}
    named = {"model": model} if isinstance(model, str) else {}
    if isinstance(model, list):
        gateway["models"] = model
    return http.post("/chat/completions", json={"messages": MESSAGES, **named, "gateway": gateway, **(body or {})})


def provider(reply: Any) -> str:
    assert reply.status_code == 200, reply.text
    return str(reply.json()["routing_metadata"]["provider"])


def code(reply: Any) -> str:
    assert reply.status_code >= 400, reply.text
    return str(reply.json()["error"]["code"])


@pytest.mark.parametrize(
    ("strategy", "chosen"),
    [
        ("cost-focus", "azure_openai"),  # a fifth cheaper, and 100 ms slower
        ("ttft-focus", "openai"),
        ("tps-focus", "openai"),
        ("ttft", "openai"),
        ("tps", "openai"),
        ("balanced", "openai"),
        ("cost", "openai"),
    ],
)
def test_strategies_choose_by_price_or_measured_speed(apart, apart_http, strategy, chosen):
    reply = ask(apart_http, optimize=strategy)
    assert provider(reply) == chosen
    assert reply.json()["routing_metadata"]["routing_strategy"] == strategy
    figures = {each["provider"]: each for each in apart.decisions[-1]["candidates"]}
    assert figures["azure_openai"]["expected_usd"] < figures["openai"]["expected_usd"]
    assert figures["azure_openai"]["ttft_ms"] > 100 > figures["openai"]["ttft_ms"]


def test_cost_focus_is_the_default(http):
    assert ask(http).json()["routing_metadata"]["routing_strategy"] == "cost-focus"


def test_weights_decide_and_go_before_optimize(apart_http):
    reply = ask(apart_http, optimize="ttft-focus", weights={"cost": 1})
    assert provider(reply) == "azure_openai"
    assert reply.json()["routing_metadata"]["routing_strategy"] == "custom"
    assert provider(ask(apart_http, weights={"throughput": 3})) == "openai"


def test_a_suffix_goes_before_optimize(apart_http):
    assert provider(ask(apart_http, "gpt-4o:ttft-focus", optimize="cost-focus")) == "openai"


def test_speed_is_measured_anew_with_every_call(http, quick):
    assert provider(ask(http, optimize="ttft-focus")) == "openai"
    quick.delay = 0.03
    for _ in range(8):
        ask(http, providers=["openai"])
    assert provider(ask(http, optimize="ttft-focus")) == "azure_openai"


def test_percentiles_rank_by_the_worst_case_if_asked(http, quick):
    quick.delay = 0.05
    ask(http, providers=["openai"])
    quick.delay = 0.0
    assert provider(ask(http, optimize="ttft-focus")) == "openai"
    assert provider(ask(http, optimize="ttft-focus", ttft_percentile="p95")) == "azure_openai"
    assert provider(ask(http, optimize="tps-focus", throughput_percentile="p95")) == "azure_openai"


def test_prefer_is_a_hint(http):
    assert provider(ask(http, prefer="openai")) == "openai"
    assert provider(ask(http, prefer="nobody")) == "azure_openai"


def test_lists_of_providers(http):
    assert provider(ask(http, providers=["openai", "anthropic"])) == "openai"
    assert provider(ask(http, exclude_providers=["azure_openai"])) == "openai"


def test_a_pool_scores_every_provider_of_every_model(http):
    reply = ask(http, ["gpt-4o", "deepseek-chat"])
    assert provider(reply) == "deepseek"
    assert reply.json()["model"] == reply.json()["routing_metadata"]["model_canonical"] == "deepseek-chat"


def test_fallback_mode_keeps_the_order_of_models(sandbox, http):
    reply = ask(http, ["gpt-4o", "deepseek-chat"], mode="fallback")
    assert reply.json()["model"] == "gpt-4o"
    tried = [each["model"] for each in sandbox.decisions[-1]["candidates"]]
    assert tried == ["gpt-4o", "gpt-4o", "deepseek-chat", "deepseek-chat"]


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        ({"max_cost_per_1m": 0.01}, "cost_constraint_exceeded"),
        ({"max_ttft_ms": 1, "providers": ["azure_openai"]}, "latency_constraint_exceeded"),
        ({"min_throughput_tps": 1e9}, "throughput_constraint_not_met"),
        ({"providers": ["anthropic"]}, "provider_not_in_allowlist"),
        ({"providers": []}, "provider_not_in_allowlist"),
        ({"exclude_providers": ["openai", "azure_openai"]}, "provider_blocked"),
        ({"providers": ["openai"], "exclude_providers": ["openai"]}, "provider_blocked"),
        ({"only_byok": True}, "byok_keys_required"),
        ({"data_policy": "zdr", "providers": ["openai"]}, "no_compatible_endpoint"),
        ({"max_cost_per_1m": 6, "max_ttft_ms": 9}, "no_compatible_endpoint"),
    ],
)
def test_filters_that_leave_nobody_say_so(http, routing, expected):
    reply = ask(http, **routing)
    assert reply.status_code == 400
    assert code(reply) == expected
    assert "gpt-4o" in reply.json()["error"]["message"]


def test_filters_that_leave_somebody_choose_among_them(apart_http):
    assert provider(ask(apart_http, max_cost_per_1m=5.5)) == "azure_openai"
    assert provider(ask(apart_http, max_ttft_ms=99)) == "openai"
    assert provider(ask(apart_http, min_throughput_tps=100, optimize="cost-focus")) == "openai"
    assert provider(ask(apart_http, data_policy="zdr", optimize="ttft-focus")) == "azure_openai"
    assert provider(ask(apart_http, data_policy="no_training", optimize="ttft-focus")) == "openai"


def test_require_parameters_drops_providers_that_lack_one(http):
    strict = {"require_parameters": True}
    assert provider(ask(http, body={"verbosity": "low"}, **strict)) == "openai"
    assert provider(ask(http, body={"verbosity": "low"})) == "azure_openai"
    assert provider(ask(http, body={"top_k": 3}, **strict)) == "azure_openai"  # not among those it looks at
    assert code(ask(http, "claude-sonnet-4-6", body={"seed": 1}, **strict)) == "required_params_not_supported"


@pytest.mark.parametrize(
    ("model", "body", "expected"),
    [
        ("gpt-5.4-pro", {}, "response_api_only"),
        ("claude-opus-4-7-fast", {}, "tier_opt_in_required"),
        ("minimax-m2", {}, "byok_keys_required"),
        ("gemma-3-4b-it", {"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools_not_supported"),
        ("claude-sonnet-4-6", {"response_format": {"type": "json_object"}}, "json_mode_not_supported"),
        (
            "deepseek-reasoner",
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}},
            "structured_output_not_supported",
        ),
        ("gpt-4o", {"reasoning_effort": "low"}, "reasoning_not_supported"),
        ("deepseek-reasoner", {"reasoning_effort": "off"}, "thinking_disable_not_supported"),
        (
            "deepseek-reasoner",
            {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required"},
            "tool_choice_required_not_supported",
        ),
        (
            "deepseek-chat",
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/i"}}]}
                ]
            },
            "vision_not_supported",
        ),
        ("gemma-3-4b-it", {"messages": [{"role": "user", "content": "word " * 40_000}]}, "context_length_exceeded"),
    ],
)
def test_models_that_cannot_do_it(http, model, body, expected):
    reply = ask(http, model, body=body)
    assert reply.status_code == 400
    assert code(reply) == expected


def test_only_platform_without_a_platform_key(http):
    assert code(ask(http, "minimax-m2", only_platform=True)) == "platform_keys_unavailable"


def test_own_keys_open_providers_and_can_be_demanded(start_sandbox):
    http = start_sandbox(own_keys=["moonshot", "openai"])
    assert provider(ask(http, "minimax-m2")) == "moonshot"
    assert provider(ask(http, only_byok=True)) == "openai"
    assert code(ask(http, "minimax-m2", only_platform=True)) == "platform_keys_unavailable"


def test_a_premium_tier_is_quicker_dearer_and_opt_in(http):
    standard = ask(http, "claude-sonnet-4-6", optimize="ttft-focus", providers=["anthropic"]).json()
    assert standard["service_tier"] is None
    priority = ask(http, "claude-opus-4-7-fast", tier="priority", optimize="ttft-focus").json()
    assert priority["service_tier"] == "priority"
    assert priority["routing_metadata"]["provider"] == "anthropic"


def test_a_failing_provider_is_followed_by_the_next(sandbox, http, slow):
    slow.fail_after = 2
    reply = ask(http)
    assert provider(reply) == "openai"
    assert reply.json()["routing_metadata"]["warnings"][0]["type"] == "provider_error"
    assert [("failed" in attempt) for attempt in sandbox.decisions[-1]["attempts"]] == [True, False]


def test_a_slow_provider_is_left_for_the_next(http, slow):
    slow.delay = 1.5
    reply = ask(http, timeout_ms=500)
    assert provider(reply) == "openai"
    assert reply.json()["routing_metadata"]["warnings"][0]["type"] == "provider_timeout"


@pytest.mark.parametrize("limit", [{"allow_fallbacks": False}, {"providers": ["azure_openai"]}])
def test_without_fallbacks_the_failure_is_the_answer(http, slow, limit):
    slow.fail_after = 0
    reply = ask(http, **limit)
    assert (reply.status_code, code(reply)) == (502, "upstream_error")
    assert reply.json()["error"]["provider"] == reply.headers["x-error-provider"] == "azure_openai"
    assert reply.headers["x-error-retryable"] == "true"


def test_attempts_are_capped(http, slow, quick):
    slow.fail_after = quick.fail_after = 0
    models = ["gpt-4o", "claude-sonnet-4-6", "deepseek-chat"]
    slow.prompts.clear()
    quick.prompts.clear()
    assert code(ask(http, models, max_fallback_attempts=2)) == "upstream_error"
    assert len(slow.prompts) + len(quick.prompts) == 3


def test_time_is_up_for_all_attempts_together(http, slow, quick):
    slow.delay = quick.delay = 1
    reply = ask(http, timeout_ms=100, deadline_ms=150)
    assert (reply.status_code, code(reply)) == (504, "upstream_timeout")


def test_a_stream_falls_back_before_its_first_event_only(http, slow):
    slow.fail_after = 0
    assert '"provider":"openai"' in ask(http, body={"stream": True}).text
    slow.fail_after = 2
    reply = ask(http, body={"stream": True})
    assert reply.status_code == 200
    last = reply.text.strip().split("\n\n")[-1]
    assert '"code":"upstream_error"' in last
    assert "[DONE]" not in reply.text


def test_who_has_not_been_measured_cannot_win_by_speed(start_sandbox, slow):
    class Broken:
        name = "quote"

        def run(self, prompt):
            raise RuntimeError("broken")

    http = start_sandbox([Broken(), slow])
    assert provider(ask(http, optimize="ttft-focus")) == "azure_openai"
    assert code(ask(http, max_ttft_ms=10_000, providers=["openai"])) == "latency_constraint_exceeded"


def test_models_without_an_engine_are_not_offered(start_sandbox, slow):
    http = start_sandbox([slow])
    names = {each["id"] for each in http.get("/registry/providers").json()["providers"]}
    assert "azure_openai" in names
    assert "openai" not in names
