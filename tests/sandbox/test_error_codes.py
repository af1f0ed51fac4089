"""Every code of the API's registry: the request that brings it about here, or why none can."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from auriko.errors import CODES
from auriko.sandbox import Limits, Sandbox
from auriko.sandbox.catalog.file import read_catalog
from auriko.sandbox.engines.base import Event, Prompt
from support.watched_engine import WatchedEngine
from tests.support.cases import failures

MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]
FUNCTION = {"type": "function", "function": {"name": "f"}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/sky.png"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
CHAT, RESPONSES = "/chat/completions", "/responses"


def only(capabilities: list[str], endpoint: str = "chat_completions") -> dict[str, Any]:
    """Arguments of a sandbox with one model, `one`, which can do these things."""
    provider = {"display_name": "P", "engine": "quote", "data_policy": "none", "params": []}
    facts = {"display_name": "One", "author": "a", "family": "f", "context_window": 99, "max_output_tokens": 9}
    offers = {"p": {"tiers": {"standard": {"input": 1, "output": 1}}}}
    model = {**facts, "capabilities": capabilities, "endpoints": [endpoint], "offers": offers}
    return {"catalog": read_catalog({"providers": {"p": provider}, "models": {"one": model}})}


@dataclass(frozen=True)
class Case:
    """A request, and the sandbox that it goes to.

    Attributes:
        usual_delay, delay: Seconds before the first word, when engines are measured and when they answer.
        pause: Seconds after each word.
        fail_after: Words after which engines fail.
        times: How often it is sent; the last reply counts.
        param: The field that the error names.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    path: str = CHAT
    method: str = "POST"
    key: str | None = None
    sandbox: Mapping[str, Any] = field(default_factory=dict)
    usual_delay: float = 0.0
    delay: float = 0.0
    pause: float = 0.0
    fail_after: int | None = None
    times: int = 1
    param: str | None = None
    content: bytes | None = None


def routing(**options: Any) -> dict[str, Any]:
    return {"gateway": {"routing": options}}


TINY = Limits(daily_budget_usd=1e-9)
REACHED = {
    "invalid_api_key": Case(key="ak_sandbox_invalid"),
    "expired_api_key": Case(key="ak_sandbox_expired"),
    "insufficient_permissions": Case(key="ak_sandbox_forbidden"),
    "invalid_request": Case({"tool_choice": "required"}, param="tool_choice"),
    "missing_required_parameter": Case({"model": None}, param="model"),
    "invalid_parameter_value": Case({"temperature": 3}, param="temperature"),
    "payload_too_large": Case(content=b" " * (33 * 1024 * 1024)),
    "context_length_exceeded": Case({"messages": [{"role": "user", "content": "sky " * 130_000}]}, param="messages"),
    "unknown_field": Case({"temprature": 1}, param="temprature"),
    "method_not_allowed": Case(method="DELETE"),
    "tools_not_supported": Case({"model": "gemma-3-4b-it", "tools": [FUNCTION]}, param="tools"),
    "json_mode_not_supported": Case(
        {"model": "claude-sonnet-4-6", "response_format": {"type": "json_object"}}, param="response_format"
    ),
    "structured_output_not_supported": Case(
        {"model": "gemma-3-4b-it", "response_format": SCHEMA}, param="response_format"
    ),
    "tools_with_structured_output_not_supported": Case(
        {"model": "one", "tools": [FUNCTION], "response_format": SCHEMA},
        sandbox=only(["streaming", "non_streaming", "tools", "structured_output"]),
        param="response_format",
    ),
    "vision_not_supported": Case(
        {"model": "deepseek-chat", "messages": [{"role": "user", "content": [IMAGE]}]}, param="messages"
    ),
    "reasoning_not_supported": Case({"reasoning_effort": "low"}, param="reasoning_effort"),
    "thinking_disable_not_supported": Case(
        {"model": "deepseek-reasoner", "reasoning_effort": "off"}, param="reasoning_effort"
    ),
    "streaming_not_supported": Case({"model": "one", "stream": True}, sandbox=only(["non_streaming"]), param="stream"),
    "non_streaming_not_supported": Case({"model": "one"}, sandbox=only(["streaming"]), param="stream"),
    "batch_only": Case({"model": "one"}, sandbox=only(["non_streaming"], "batch"), param="model"),
    "tier_opt_in_required": Case({"model": "claude-opus-4-7-fast"}, param="gateway.routing.tier"),
    "tool_choice_required_not_supported": Case(
        {"model": "deepseek-reasoner", "tools": [FUNCTION], "tool_choice": "required"}, param="tool_choice"
    ),
    "cost_constraint_exceeded": Case(routing(max_cost_per_1m=0.01), param="gateway.routing.max_cost_per_1m"),
    "latency_constraint_exceeded": Case(routing(max_ttft_ms=1), usual_delay=0.005, param="gateway.routing.max_ttft_ms"),
    "throughput_constraint_not_met": Case(routing(min_throughput_tps=1e9), param="gateway.routing.min_throughput_tps"),
    "provider_not_in_allowlist": Case(routing(providers=["anthropic"]), param="gateway.routing.providers"),
    "provider_blocked": Case(
        routing(exclude_providers=["openai", "azure_openai"]), param="gateway.routing.exclude_providers"
    ),
    "required_params_not_supported": Case(
        {"model": "claude-sonnet-4-6", "seed": 1, **routing(require_parameters=True)},
        param="gateway.routing.require_parameters",
    ),
    "byok_keys_required": Case(routing(only_byok=True), param="gateway.routing.only_byok"),
    "platform_keys_unavailable": Case(
        {"model": "minimax-m2", **routing(only_platform=True)}, param="gateway.routing.only_platform"
    ),
    "unsupported_modalities": Case(
        {"messages": [{"role": "user", "content": [{"type": "video", "video": "x"}]}]},
        param="messages[0].content[0].type",
    ),
    "no_compatible_endpoint": Case(routing(data_policy="zdr", providers=["openai"])),
    "no_responses_endpoint": Case({"model": "deepseek-chat"}, RESPONSES, param="model"),
    "input_requires_responses_endpoint": Case(
        {"messages": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]},
        param="messages[0].content[0].type",
    ),
    "response_api_only": Case({"model": "gpt-5.4-pro"}, param="model"),
    "hosted_tool_not_supported": Case({"tools": [{"type": "web_search"}]}, RESPONSES, param="tools"),
    "no_tools_on_endpoint": Case(
        {"model": "gemma-3-4b-it", "tools": [{"type": "function", "name": "f"}]}, RESPONSES, param="tools"
    ),
    "model_not_found": Case({"model": "gpt-9"}, param="model"),
    "resource_not_found": Case(path="/embeddings"),
    "rate_limit_exceeded": Case(sandbox={"limits": Limits(requests_per_minute=1)}, times=2),
    "budget_exhausted": Case(sandbox={"limits": TINY}, times=2),
    "insufficient_quota": Case(sandbox={"limits": Limits(credits_usd=1e-9)}, times=2),
    "no_provider_available": Case(sandbox={"faults": ["down;provider=openai", "down;provider=azure_openai"]}),
    "upstream_error": Case({"model": "one"}, sandbox=only(["non_streaming"]), fail_after=0),
    "upstream_timeout": Case(routing(timeout_ms=20), delay=0.2),
    "stream_duration_exceeded": Case({"stream": True, **routing(timeout_ms=100)}, pause=0.06),
}

_ACCOUNTS = "it belongs to the management of keys, users and workspaces, which the sandbox leaves to the gateway"
_IDEMPOTENCY = "it belongs to Idempotency-Key, which only management endpoints look at"
_PAYMENTS = "nobody pays in a sandbox"
_OUTAGE = "it is an outage of the gateway's own"
UNREACHED = {
    "feature_disabled": _ACCOUNTS,
    "mfa_required": _ACCOUNTS,
    "invalid_recovery_code": _ACCOUNTS,
    "mfa_verification_failed": _ACCOUNTS,
    "field_immutable": _ACCOUNTS,
    "operation_not_allowed": _ACCOUNTS,
    "state_precondition_failed": _ACCOUNTS,
    "duplicate_resource": _ACCOUNTS,
    "idempotency_conflict": _IDEMPOTENCY,
    "idempotency_replay_unavailable": _IDEMPOTENCY,
    "payment_declined": _PAYMENTS,
    "payment_method_invalid": _PAYMENTS,
    "content_filtered": "no engine judges content",
    "model_unavailable": _OUTAGE,
    "internal_error": "it would be a defect of the sandbox",
    "service_unavailable": _OUTAGE,
    "client_disconnected": "whoever it is about has left",
}


# Codes whose message names what is wrong, or whose cause is not the caller's.
SAYS_IT_ALL = frozenset(
    {
        *("invalid_request", "missing_required_parameter", "invalid_parameter_value", "unknown_field"),
        *("payload_too_large", "method_not_allowed", "resource_not_found", "insufficient_permissions"),
        *("no_provider_available", "upstream_error", "upstream_timeout", "stream_duration_exceeded"),
    }
)


class Pausing(WatchedEngine):
    """Waits after each word too."""

    pause = 0.0

    def run(self, prompt: Prompt) -> Iterator[Event]:
        for event in super().run(prompt):
            yield event
            time.sleep(self.pause)


def test_each_code_is_either_reached_or_explained():
    assert REACHED.keys() | UNREACHED.keys() == CODES.keys()
    assert not REACHED.keys() & UNREACHED.keys()


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(engines=[WatchedEngine("quote"), WatchedEngine("quote-slow")]) as sandbox:
        yield sandbox


def send(sandbox: Sandbox, case: Case, **headers: str) -> httpx.Response:
    start = {"input": "Why is the sky blue?"} if case.path == RESPONSES else {"messages": MESSAGES}
    body = {"model": "gpt-4o", **start, **case.fields}
    sent = {"content": case.content} if case.content else {} if case.method != "POST" else {"json": body}
    authorization = {"Authorization": f"Bearer {case.key or sandbox.api_key}"}
    with httpx.Client(base_url=sandbox.base_url, headers={**authorization, **headers}, timeout=20) as client:
        return [client.request(case.method, case.path, **sent) for _ in range(case.times)][-1]


@contextmanager
def own_sandbox(case: Case) -> Iterator[Sandbox]:
    engines = [Pausing(name, delay=case.usual_delay) for name in ("quote", "quote-slow")]
    with Sandbox(engines=engines, **case.sandbox) as sandbox:
        for engine in engines:  # it has been measured by now
            engine.delay, engine.pause, engine.fail_after = case.delay, case.pause, case.fail_after
        yield sandbox


@pytest.mark.parametrize("code", REACHED)
def test_the_request_that_brings_it_about(shared, code):
    case = REACHED[code]
    if case.sandbox or case.delay or case.usual_delay or case.pause:
        with own_sandbox(case) as sandbox:
            reply = send(sandbox, case)
    else:
        reply = send(shared, case)
    if CODES[code].status == 0:
        assert reply.status_code == 200
        assert '"provider":"azure_openai"' in reply.text
        check_fields(json.loads(reply.text.strip().split("\n\n")[-1].removeprefix("data: "))["error"], code, case.param)
    else:
        check_reply(reply, code, case.param)


def check_fields(error: dict[str, Any], code: str, param: str | None) -> None:
    assert (error["code"], error["type"], error["param"]) == (code, CODES[code].type, param), error
    assert error["doc_url"] == f"https://docs.auriko.ai/errors/{code}"
    assert len(error["message"]) > 10
    assert error["provider"] is None or error["provider"] in {"openai", "azure_openai", "p"}
    assert code in SAYS_IT_ALL or error["suggestion"].endswith(".")


def check_reply(reply: httpx.Response, code: str, param: str | None) -> None:
    error = reply.json()["error"]
    assert reply.json() == {"error": error}
    check_fields(error, code, param)
    assert reply.status_code == CODES[code].status
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["x-request-id"].startswith("req_")
    assert reply.headers["x-error-type"] == CODES[code].type
    assert reply.headers["x-error-retryable"] == str(CODES[code].retryable).lower()
    assert reply.headers.get("x-error-provider") == error["provider"]
    assert ("retry-after" in reply.headers) == (code == "rate_limit_exceeded")
    assert ("x-budget-exceeded" in reply.headers) == (code == "budget_exhausted")


def test_any_of_them_comes_on_demand(shared):
    def check(code):
        reply = send(shared, Case({"stream": True}), **{"X-Sandbox-Fault": f"{code};after=2"})
        if CODES[code].status:
            assert (reply.status_code, reply.json()["error"]["code"]) == (CODES[code].status, code)
            assert reply.headers["x-error-type"] == CODES[code].type
            return
        *_, last_but_one, last = reply.text.strip().split("\n\n")
        assert "choices" in last_but_one
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == code

    assert not failures(check, CODES)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/messages", "chat/completions"),
        ("/messages/count_tokens", "chat/completions"),
        ("/byok/providers", "gateway"),
        ("/workspaces/w/budgets", "gateway"),
    ],
)
def test_endpoints_that_are_left_out_say_where_to_go(shared, path, told):
    reply = send(shared, Case(path=path))
    error = reply.json()["error"]
    assert (reply.status_code, error["type"]) == (404, "not_found_error")
    assert told in error["suggestion"]
    # The Messages format has an envelope of its own.
    assert reply.json().get("type") == ("error" if path.startswith("/messages") else None)
    assert error.keys() >= {"type", "message", "suggestion"}
