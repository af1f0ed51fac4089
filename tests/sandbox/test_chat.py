"""Chat completions over HTTP, read with httpx alone."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from auriko.sandbox.engines.base import Text

QUESTION = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


def chat(http: Any, **fields: Any) -> Any:
    return http.post("/chat/completions", json={**QUESTION, **fields})


def events(http: Any, **fields: Any) -> list[dict[str, Any]]:
    """The data of each event, after checking the framing and the end."""
    reply = chat(http, stream=True, **fields)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("text/event-stream")
    blocks = reply.text.split("\n\n")
    assert blocks.pop() == ""
    assert blocks.pop() == "data: [DONE]"
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    return [json.loads(block[6:]) for block in blocks]


def test_a_plain_reply_has_answer_usage_and_metadata(http):
    reply = chat(http)
    body = reply.json()
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert body["object"] == "chat.completion"
    assert body["model"] == "gpt-4o"
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Blue light is scattered more."},
            "logprobs": None,
            "finish_reason": "stop",
            "native_finish_reason": "stop",
        }
    ]
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    metadata = body["routing_metadata"]
    assert metadata["provider"] == "azure_openai"
    assert metadata["provider_model_id"] == "sandbox/quote-slow"
    assert body["system_fingerprint"] == "auriko-sandbox:quote-slow"
    assert metadata["ttft_ms"] >= 10
    assert metadata["throughput_tps"] > 0


def test_cost_is_price_times_tokens(http):
    body = chat(http, gateway={"routing": {"providers": ["openai"]}}).json()
    usage = body["usage"]
    assert body["routing_metadata"]["cost"]["usd"] == pytest.approx(
        (usage["prompt_tokens"] * 2.5 + usage["completion_tokens"] * 10) / 1e6
    )


def test_a_stream_ends_with_usage_and_metadata_in_an_event_without_choices(http):
    chunks = events(http)
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": "Blue"}
    text = "".join(c["delta"].get("content", "") for chunk in chunks for c in chunk["choices"])
    assert text == "Blue light is scattered more."
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] > 0
    assert chunks[-1]["routing_metadata"]["cost"]["usd"] > 0
    assert not any("usage" in chunk or "routing_metadata" in chunk for chunk in chunks[:-1])


def test_streamed_arguments_come_in_pieces_of_one_call(http):
    deltas = [
        call
        for chunk in events(http, tools=[TOOL])
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls", [])
    ]
    assert deltas[0]["id"].startswith("call_")
    assert deltas[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert {call["index"] for call in deltas} == {0}
    assert len(deltas) == 5
    assert json.loads("".join(call["function"]["arguments"] for call in deltas)) == {"city": "Oslo", "unit": "celsius"}


def test_a_plain_tool_call(http):
    choice = chat(http, tools=[TOOL]).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"])["city"] == "Oslo"


def test_the_answer_to_a_tool_call_goes_on(http):
    message = chat(http, tools=[TOOL]).json()["choices"][0]["message"]
    answer = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "3 degrees"}
    reply = chat(http, tools=[TOOL], messages=[*QUESTION["messages"], message, answer])
    assert reply.json()["choices"][0]["message"]["content"] == "Blue light is scattered more."


def test_tool_choice_none_keeps_tools_from_the_engine(http):
    assert chat(http, tools=[TOOL], tool_choice="none").json()["choices"][0]["finish_reason"] == "stop"


def test_functions_are_taken_for_tools(http):
    reply = chat(http, functions=[TOOL["function"]], function_call={"name": "get_weather"})
    assert reply.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_weather"


def test_several_choices_are_several_runs(http, slow):
    choices = chat(http, n=3).json()["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2]
    assert len(slow.prompts) == 3
    assert {choice["index"] for chunk in events(http, n=2) for choice in chunk["choices"]} == {0, 1}


def test_repeated_prefixes_are_cached_by_provider_and_cheaper(http):
    fields = {
        "messages": [{"role": "user", "content": "The gateway stands between programs and models. " * 200}],
        "gateway": {"routing": {"providers": ["openai"]}},
    }
    first, second = chat(http, **fields).json(), chat(http, **fields).json()
    assert first["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    cached = second["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert 0.9 < cached / second["usage"]["prompt_tokens"] <= 1
    cost = second["routing_metadata"]["cost"]
    assert cost["usd"] < first["routing_metadata"]["cost"]["usd"]
    assert cost["cache_savings_usd"] == pytest.approx(cached * 1.25 / 1e6)
    assert 40 < cost["cache_savings_percent"] <= 50
    elsewhere = chat(http, **{**fields, "gateway": {"routing": {"providers": ["azure_openai"]}}}).json()
    assert elsewhere["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


def test_cache_writes_are_counted_where_they_have_a_price(http):
    fields = {
        "model": "claude-sonnet-4-6",
        "messages": [{"role": "user", "content": "The gateway stands between programs and models. " * 200}],
    }
    first = chat(http, **fields).json()["usage"]["prompt_tokens_details"]
    second = chat(http, **fields).json()["usage"]["prompt_tokens_details"]
    assert first["cached_tokens"] == second["cache_write_tokens"] == 0
    assert first["cache_write_tokens"] == second["cached_tokens"] > 1000


def test_aliases_and_suffixes_resolve(http):
    body = chat(http, model="gpt-4o-mini:ttft-focus").json()
    assert body["model"] == "gpt-4o-mini-2024-07-18"
    assert body["routing_metadata"]["routing_strategy"] == "ttft-focus"


def test_parameters_that_a_provider_lacks_are_dropped_with_a_warning(http, slow):
    body = chat(http, model="claude-sonnet-4-6", seed=7, metadata={"a": "b"}).json()
    warnings = {(w["type"], w["code"]) for w in body["routing_metadata"]["warnings"]}
    assert warnings == {("unsupported_parameter", "seed_dropped"), ("unsupported_field", "metadata_ignored")}
    assert slow.prompts[-1].seed is None


def test_extensions_of_others_are_ignored_with_a_warning(http):
    body = chat(http, extensions={"anthropic": {"a": 1}, "azure_openai": {"b": 2}, "nobody": {}}).json()
    warnings = {(w["type"], w["message"].split()[0]) for w in body["routing_metadata"]["warnings"]}
    assert warnings == {("ignored_extension", "anthropic"), ("unknown_provider", "nobody")}


def test_a_model_that_makes_pictures(http):
    fields = {"model": "gemini-2.5-flash-image"}
    body = chat(http, **fields).json()
    (image,) = body["choices"][0]["message"]["images"]
    assert (image["type"], image["mime_type"]) == ("image", "image/png")
    assert base64.b64decode(image["data"]).startswith(b"\x89PNG\r\n\x1a\n")
    details = body["usage"]["completion_tokens_details"]
    assert 0 < details["image_tokens"] < body["usage"]["completion_tokens"]
    streamed = [
        choice["delta"]["images"]
        for chunk in events(http, **fields)
        for choice in chunk["choices"]
        if "images" in choice["delta"]
    ]
    assert streamed == [[image]]


def test_sampling_parameters_that_clash_with_thinking_are_dropped(http, slow):
    fields = {"model": "claude-sonnet-4-6", "temperature": 0.5}
    assert "warnings" not in chat(http, **fields).json()["routing_metadata"]
    assert slow.prompts[-1].temperature == 0.5
    (warning,) = chat(http, **fields, reasoning_effort="low").json()["routing_metadata"]["warnings"]
    assert warning["code"] == "temperature_dropped"
    assert slow.prompts[-1].temperature is None


def test_a_failure_of_the_sandbox_itself_is_an_internal_error(http, monkeypatch, caplog):
    monkeypatch.setattr("auriko.sandbox.catalog.listing.directory", lambda _: 1 / 0)
    reply = http.get("/directory/models")
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "internal_error")
    assert "ZeroDivisionError" in caplog.text


def test_an_engine_that_breaks_off_has_failed(http, slow, monkeypatch):
    monkeypatch.setattr(slow, "run", lambda _: iter([Text("Blue")]))
    assert chat(http).json()["routing_metadata"]["provider"] == "openai"
