"""Credits, budgets and rate limits of a key."""

from __future__ import annotations

from datetime import datetime, timezone

import httpx
import pytest

from auriko.sandbox import Limits
from auriko.sandbox.accounts.limits import Budget
from auriko.sandbox.errors import GatewayError

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


@pytest.mark.parametrize("period", ["daily", "weekly", "monthly"])
def test_each_budget_has_its_headers_and_ends_inference(start_sandbox, period):
    http = start_sandbox(limits=Limits(**{f"{period}_budget_usd": 0.00002}))
    spent = http.post("/chat/completions", json=BODY).json()["routing_metadata"]["cost"]["usd"]
    me = http.get("/me")
    assert me.headers[f"x-budget-{period}-limit"] == "0.000020"
    assert float(me.headers[f"x-budget-{period}-spend"]) == round(spent, 6)
    assert [name for name in me.headers if name.startswith("x-budget")] == [
        f"x-budget-{period}-limit",
        f"x-budget-{period}-spend",
    ]
    assert not [name for name in http.get("/models").headers if name.startswith("x-budget")]
    reply = http.post("/responses", json={"model": "gpt-4o", "input": "Hi"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (429, "budget_exhausted")
    assert reply.headers["x-budget-exceeded-period"] == period


@pytest.mark.parametrize(
    ("period", "same", "following"),
    [
        ("daily", "2026-11-22T23:59:59", "2026-11-23T00:00:00"),
        ("weekly", "2026-11-22T23:59:59", "2026-11-23T00:00:00"),  # a Sunday, and a Monday
        ("monthly", "2026-11-30T23:59:59", "2026-12-01T00:00:00"),
    ],
)
def test_a_budget_begins_anew_with_its_period(period, same, following):
    at = {name: datetime.fromisoformat(f"{text}+00:00") for name, text in (("same", same), ("following", following))}
    budget = Budget(period, 1.0)
    budget.charge(0.75, datetime(2026, 11, 22, 1, tzinfo=timezone.utc))
    budget.charge(0.5, at["same"])
    assert budget.spent_usd(at["same"]) == 1.25
    with pytest.raises(GatewayError, match=f"{period} budget"):
        budget.check(at["same"])
    assert budget.spent_usd(at["following"]) == 0
    budget.check(at["following"])


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
