"""`GET /sandbox/decisions`: what a routing decision was made of."""

from __future__ import annotations

import httpx

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}


def latest(http):
    return http.get(str(http.base_url).removesuffix("/v1/") + "/sandbox/decisions").json()["decisions"][-1]


def test_a_decision_is_found_by_the_id_of_its_reply(http):
    first, second = (http.post("/chat/completions", json=BODY).headers["x-request-id"] for _ in range(2))
    assert first != second
    assert latest(http)["request_id"] == second


def test_percentiles_are_those_of_the_calls_so_far(http, quick):
    def measured():
        by_provider = {each["provider"]: each["measured"] for each in latest(http)["candidates"]}
        return by_provider["openai"]

    only = {"gateway": {"routing": {"providers": ["openai"]}}}
    http.post("/chat/completions", json={**BODY, **only})
    before = measured()
    quick.delay = 0.03
    for _ in range(2):
        http.post("/chat/completions", json={**BODY, **only})
    after = measured()
    assert after["calls"] == before["calls"] + 2
    assert before["ttft_ms"]["p50"] <= before["ttft_ms"]["p95"]
    assert after["ttft_ms"]["p95"] >= 30  # ms: one slow call of a few is the worst case already
    # The worst case of a speed is its lower end.
    assert after["throughput_tps"]["p95"] <= after["throughput_tps"]["p50"]


def test_scores_are_the_weighted_mean_of_price_and_measured_speed(http):
    http.post("/chat/completions", json={**BODY, "gateway": {"routing": {"optimize": "balanced"}}})
    candidates = latest(http)["candidates"]
    for part, figure, best in (("cost", "expected_usd", min), ("ttft", "ttft_ms", min)):
        top = best(each[figure] for each in candidates)
        assert [each["parts"][part] for each in candidates] == [top / each[figure] for each in candidates]
    for each in candidates:
        assert abs(each["score"] - sum(each["parts"].values()) / 3) < 1e-9


def test_a_request_that_nobody_can_serve_is_a_decision_too(http):
    routing = {"max_cost_per_1m": 0.01}
    reply = http.post("/chat/completions", json={**BODY, "gateway": {"routing": routing}})
    decision = latest(http)
    assert reply.status_code == 400
    assert decision["request_id"] == reply.headers["x-request-id"]
    assert (decision["candidates"], decision["attempts"]) == ([], [])
    assert {each["provider"]: each["code"] for each in decision["dropped"]} == {
        "openai": "cost_constraint_exceeded",
        "azure_openai": "cost_constraint_exceeded",
    }
    page = httpx.get(str(http.base_url).removesuffix("/v1/"))
    assert page.status_code == 200
    assert reply.json()["error"]["code"] in page.text
