"""Reasoning, its signatures, and the signatures of tool calls."""

from __future__ import annotations

import json

import pytest

from support.watched_engine import WatchedEngine

MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}


def chat(http, model="claude-sonnet-4-6", **fields):
    return http.post("/chat/completions", json={"model": model, "messages": MESSAGES, **fields})


def deltas(http, **fields):
    blocks = chat(http, stream=True, **fields).text.strip().split("\n\n")[:-1]
    return [choice["delta"] for block in blocks for choice in json.loads(block[6:])["choices"]]


def test_effort_gives_reasoning_with_a_signature_and_counts_it(http):
    body = chat(http, reasoning_effort="low").json()
    message = body["choices"][0]["message"]
    (block,) = message["reasoning"]
    assert block["type"] == "thinking"
    assert block["thinking"] == message["reasoning_content"]
    assert block["thinking"].startswith("The question is: 'Why is the sky blue?'")
    assert block["signature"]
    reasoning = body["usage"]["completion_tokens_details"]["reasoning_tokens"]
    assert 0 < reasoning < body["usage"]["completion_tokens"]


def test_reasoning_is_streamed_before_the_answer(http):
    pieces = deltas(http, reasoning_effort="low")
    kinds = [next(key for key in delta if key != "role") for delta in pieces if len(delta) > ("role" in delta)]
    assert kinds == sorted(kinds, key=["reasoning_content", "reasoning_signature", "content"].index)
    assert kinds.count("reasoning_signature") == 1
    text = "".join(delta.get("reasoning_content", "") for delta in pieces)
    assert text.endswith("Blue light is scattered more.")


def test_no_reasoning_unless_asked_or_unavoidable(http):
    assert "reasoning" not in chat(http).json()["choices"][0]["message"]
    assert "reasoning" not in chat(http, reasoning_effort="off").json()["choices"][0]["message"]
    assert "reasoning" in chat(http, "deepseek-reasoner").json()["choices"][0]["message"]


def test_reasoning_can_be_hidden_and_is_paid_for(http):
    body = chat(http, reasoning_effort="low", reasoning={"exclude": True}).json()
    assert body["choices"][0]["message"].keys() == {"role", "content"}
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    assert all(
        not key.startswith("reasoning")
        for delta in deltas(http, reasoning_effort="low", reasoning={"exclude": True})
        for key in delta
    )


def test_effort_bounds_the_thinking(http, slow):
    for effort, tokens in (("low", 48), ("max", 768)):
        chat(http, reasoning_effort=effort)
        assert slow.prompts[-2].max_tokens == tokens
    chat(http, reasoning_effort="max", max_completion_tokens=20)
    assert slow.prompts[-2].max_tokens == 20


def test_reasoning_goes_back_unchanged(http):
    message = chat(http, reasoning_effort="low", tools=[TOOL]).json()["choices"][0]["message"]
    answer = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "3 degrees"}
    assert chat(http, messages=[*MESSAGES, message, answer]).status_code == 200
    message["reasoning"][0]["thinking"] += " Not."
    error = chat(http, messages=[*MESSAGES, message, answer]).json()["error"]
    assert error["code"] == "invalid_parameter_value"
    assert error["param"] == "messages[1].reasoning[0].signature"


def test_reasoning_of_a_real_provider_is_let_through(http):
    block = {"type": "thinking", "thinking": "Rayleigh.", "signature": "c2lnLWV4YW1wbGU="}
    message = {
        "role": "assistant",
        "content": "Scattering.",
        "reasoning": [block, {"type": "redacted", "data": "eA=="}],
    }
    assert chat(http, messages=[*MESSAGES, message, *MESSAGES]).status_code == 200


@pytest.mark.parametrize("damage", ["keep", "drop", "change"])
def test_a_signed_call_must_come_back_signed(http, damage):
    google = {"gateway": {"routing": {"providers": ["google_ai_studio"]}}, "tools": [TOOL]}
    message = chat(http, "gemini-2.5-flash", **google).json()["choices"][0]["message"]
    call = message["tool_calls"][0]
    assert call["provider_signature"]
    if damage == "drop":
        del call["provider_signature"]
    elif damage == "change":
        call["provider_signature"] = "bm90IGl0"
    answer = {"role": "tool", "tool_call_id": call["id"], "content": "3 degrees"}
    reply = chat(http, "gemini-2.5-flash", messages=[*MESSAGES, message, answer], **google)
    if damage == "keep":
        assert reply.status_code == 200
        return
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["provider"]) == (400, "invalid_request", "google_ai_studio")
    # Whoever does not sign does not ask for signatures.
    elsewhere = {**google, "gateway": {"routing": {"providers": ["google_vertex"]}}}
    assert chat(http, "gemini-2.5-flash", messages=[*MESSAGES, message, answer], **elsewhere).status_code == 200


def test_signatures_are_streamed_with_the_call(http):
    google = {"gateway": {"routing": {"providers": ["google_ai_studio"]}}, "tools": [TOOL]}
    calls = [call for delta in deltas(http, model="gemini-2.5-flash", **google) for call in delta.get("tool_calls", [])]
    assert calls[0]["provider_signature"]
    assert not any("provider_signature" in call for call in calls[1:])


@pytest.mark.parametrize(
    ("model", "wanted", "taken"),
    [
        ("gpt-5.4", "max", "xhigh"),
        ("claude-sonnet-4-6", "xhigh", "max"),
        ("claude-opus-4-5", "xhigh", "high"),
        ("claude-opus-4-7", "xhigh", "xhigh"),
        ("gemini-3-pro-preview", "max", "high"),
        ("gemini-3-pro-preview", "xhigh", "high"),
        ("minimax-m2", "low", "medium"),
        ("minimax-m2", "off", "medium"),
    ],
)
def test_efforts_are_translated_for_each_model_and_changes_are_told(start_sandbox, model, wanted, taken):
    engine = WatchedEngine("quote")
    http = start_sandbox([engine], own_keys=["moonshot"])
    body = chat(http, model, reasoning_effort=wanted).json()
    tokens = {"low": 48, "medium": 96, "high": 192, "xhigh": 384, "max": 768}
    assert engine.prompts[-2].max_tokens == tokens[taken]
    warnings = body["routing_metadata"].get("warnings", [])
    told = {"minimax-m2": "reasoning_effort_dropped"}.get(model, "reasoning_effort_changed")
    assert [(each["type"], each["code"]) for each in warnings] == [("unsupported_parameter", told)] * (wanted != taken)


def test_an_effort_is_dropped_silently_where_a_model_has_tools_or_thought(http):
    body = chat(http, "gpt-5.4", reasoning_effort="high", tools=[TOOL]).json()
    assert "reasoning" not in body["choices"][0]["message"]
    assert "warnings" not in body["routing_metadata"]
    assert "reasoning" in chat(http, "gpt-5.4", reasoning_effort="high").json()["choices"][0]["message"]


def test_redacted_reasoning_comes_and_goes_back_as_it_is(http):
    redacted = {"X-Sandbox-Fault": "redacted"}
    body = {"model": "claude-sonnet-4-6", "messages": MESSAGES, "reasoning_effort": "low", "tools": [TOOL]}
    message = http.post("/chat/completions", json=body, headers=redacted).json()["choices"][0]["message"]
    thinking, block = message["reasoning"]
    assert (thinking["type"], block["type"]) == ("thinking", "redacted")
    streamed = http.post("/chat/completions", json={**body, "stream": True}, headers=redacted).text
    pieces = [json.loads(line[6:]) for line in streamed.splitlines() if line.startswith("data: {")]
    kinds = [key for piece in pieces for choice in piece["choices"] for key in choice["delta"] if "reasoning" in key]
    assert kinds[-2:] == ["reasoning_signature", "reasoning_redacted_data"]
    answer = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "3 degrees"}
    history = [*MESSAGES, message, answer]
    assert chat(http, messages=history).status_code == 200
    block["data"] = block["data"][:-8] + "AAAAAAA="
    error = chat(http, messages=history).json()["error"]
    assert (error["code"], error["param"]) == ("invalid_parameter_value", "messages[1].reasoning[1].data")
