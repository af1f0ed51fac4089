"""Credits, budgets and rate limits of a key."""

from __future__ import annotations

import httpx

from auriko.sandbox import Limits

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}


def test_a_rate_limit_says_how_long_to_wait(start_sandbox):
    http = start_sandbox(limits=Limits(requests_per_minute=2))
    assert [http.post("/chat/completions", json=BODY).status_code for _ in range(3)] == [200, 200, 429]
    reply = http.post("/chat/completions", json=BODY)
    assert reply.json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(reply.headers["retry-after"]) <= 61
    assert reply.headers["x-ratelimit-remaining-requests"] == "0"
    assert reply.headers["x-rate-limit-source"] == "auriko"
    assert http.get("/models").status_code == 200


def test_a_spent_budget_ends_inference_for_this_key_alone(start_sandbox):
    http = start_sandbox(limits=Limits(daily_budget_usd=0.00002))
    first = http.post("/chat/completions", json=BODY)
    cost = first.json()["routing_metadata"]["cost"]["usd"]
    assert first.headers["x-budget-daily-limit"] == "0.000020"
    second = http.post("/chat/completions", json=BODY)
    error = second.json()["error"]
    assert (second.status_code, error["type"], error["code"]) == (429, "rate_limit_error", "budget_exhausted")
    assert second.headers["x-budget-exceeded-period"] == "daily"
    assert float(second.headers["x-budget-daily-spend"]) == round(cost, 6)
    assert second.headers["x-error-retryable"] == "false"
    other = httpx.post(f"{http.base_url}chat/completions", json=BODY, headers={"Authorization": "Bearer another_key"})
    assert other.status_code == 200


def test_used_up_credits(start_sandbox):
    http = start_sandbox(limits=Limits(credits_usd=0.00002))
    http.post("/chat/completions", json=BODY)
    reply = http.post("/chat/completions", json=BODY)
    assert (reply.status_code, reply.json()["error"]["code"]) == (429, "insufficient_quota")
    assert reply.headers["x-credits-balance-microdollars"] == "0"


def test_who_am_i(http, sandbox):
    me = http.get("/me").json()
    assert me["credential_type"] == "api_key"
    assert me["key_prefix"] == sandbox.api_key[:8]
    assert me["rate_limits"]["inference_rpm"] == 1_000_000
