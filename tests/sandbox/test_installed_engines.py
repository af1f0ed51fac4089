"""The engines that are installed, behind the gateway, from question to bill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from auriko.sandbox import Sandbox
from auriko.sandbox.engines import SmolLM2Engine
from auriko.sandbox.engines.registry import installed_engines

QUESTION = (
    "Context:\nThe default port is 4010.\nThe default timeout is 60 seconds.\n\nQuestion: What is the default port?"
)
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "The city."}},
            "required": ["city"],
        },
    },
}


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with (
        Sandbox() as sandbox,
        httpx.Client(
            base_url=sandbox.base_url, headers={"Authorization": f"Bearer {sandbox.api_key}"}, timeout=120
        ) as client,
    ):
        yield client


def ask(http: httpx.Client, text: str, provider: str, **fields: Any) -> dict[str, Any]:
    body = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": text}],
        "gateway": {"routing": {"providers": [provider]}},
        **fields,
    }
    reply = http.post("/chat/completions", json=body)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


@pytest.mark.parametrize("provider", ["openai", "azure_openai"])
def test_a_question_about_the_prompt_is_answered(http, provider):
    body = ask(http, QUESTION, provider)
    assert body["choices"][0]["message"]["content"] == "The default port is 4010."
    assert body["usage"]["prompt_tokens"] > body["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize("provider", ["openai", "azure_openai"])
def test_a_tool_is_called_with_arguments_from_the_text(http, provider):
    message = ask(http, "What is the weather in Oslo?", provider, tools=[WEATHER])["choices"][0]["message"]
    (call,) = message["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Oslo"}


@pytest.mark.parametrize("provider", ["openai", "azure_openai"])
def test_a_schema_is_filled(http, provider):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    body = ask(http, "Maria Lopez is 34 years old.", provider, response_format=wanted)
    assert json.loads(body["choices"][0]["message"]["content"]) == {"name": "Maria Lopez", "age": 34}


@pytest.mark.parametrize(
    ("weights", "figure"),
    [({"cost": 1}, "expected_usd"), ({"ttft": 1}, "ttft_ms"), ({"throughput": 1}, "throughput_tps")],
)
def test_the_best_by_price_or_by_what_was_measured_is_chosen(http, weights, figure):
    best = max if figure == "throughput_tps" else min
    body = {
        "messages": [{"role": "user", "content": QUESTION}],
        "gateway": {
            "models": ["gpt-4o", "claude-sonnet-4-6", "deepseek-chat"],
            "routing": {"weights": weights, "exclude_providers": ["local_lm"]},
        },
    }
    chosen = http.post("/chat/completions", json=body).json()["routing_metadata"]
    decisions = http.get(str(http.base_url).removesuffix("/v1/") + "/sandbox/decisions").json()["decisions"]
    candidates = decisions[-1]["candidates"]
    assert len({candidate["ttft_ms"] for candidate in candidates}) > 1
    assert chosen["provider"] == best(candidates, key=lambda candidate: candidate[figure])["provider"]


def test_every_model_has_two_providers_on_different_engines(http):
    for model in http.get("/directory/models").json()["models"].values():
        engines = {offer["provider_model_id"] for offer in model["providers"]}
        assert {"sandbox/quote", "sandbox/quote-slow"} <= engines


def test_the_contexts_of_the_catalogue_are_not_longer_than_an_engines_own(http):
    from auriko.sandbox.engines.smollm2.engine import CONTEXT_WINDOW

    for model in http.get("/directory/models").json()["models"].values():
        for offer in model["providers"]:
            if offer["provider"] == "local_lm":
                assert offer["context_window"] == CONTEXT_WINDOW


needs_language_model = pytest.mark.skipif(
    not SmolLM2Engine.installed(), reason=f"needs the language model. {SmolLM2Engine.why_missing()}"
)


@needs_language_model
def test_the_language_model_answers_through_the_gateway(http):
    body = ask(http, "Say hello.", "local_lm", max_completion_tokens=8, temperature=0)
    assert body["choices"][0]["message"]["content"]
    assert 0 < body["usage"]["completion_tokens"] <= 8
    assert body["system_fingerprint"] == "auriko-sandbox:smollm2"
    assert body["routing_metadata"]["provider_model_id"] == "sandbox/smollm2"


@needs_language_model
def test_the_language_model_streams_and_its_speed_is_then_known(http):
    body = {
        "model": "llama-3.1-8b-instruct",
        "messages": [{"role": "user", "content": "Say hello."}],
        "max_completion_tokens": 5,
        "stream": True,
    }
    events = http.post("/chat/completions", json=body).text.strip().split("\n\n")
    last = json.loads(events[-2].removeprefix("data: "))
    assert last["routing_metadata"]["provider"] == "local_lm"
    slower = {"gateway": {"routing": {"providers": ["local_lm"], "max_ttft_ms": 1}}}
    reply = http.post("/chat/completions", json={**body, **slower})
    assert "its time to first token is" in reply.json()["error"]["message"]


@needs_language_model
def test_the_language_model_has_no_speed_before_its_first_call():
    with Sandbox(engines=["smollm2"]) as sandbox:
        reply = httpx.post(
            f"{sandbox.base_url}/chat/completions",
            json={
                "model": "gpt-4o",
                "messages": [{"role": "user", "content": "Hi"}],
                "gateway": {"routing": {"max_ttft_ms": 60_000}},
            },
            headers={"Authorization": f"Bearer {sandbox.api_key}"},
        )
    assert "has not been measured yet" in reply.json()["error"]["message"]


def test_without_the_language_model_its_providers_are_not_offered(monkeypatch):
    monkeypatch.setattr(SmolLM2Engine, "installed", staticmethod(lambda: False))
    assert installed_engines() == ["quote", "quote-slow"]
    sandbox = Sandbox()
    assert "local_lm" not in {provider.id for provider in sandbox.catalog.providers()}
    with pytest.raises(ValueError, match="not installed"):
        Sandbox(engines=["smollm2"])
