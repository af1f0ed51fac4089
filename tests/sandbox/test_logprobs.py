"""Log probabilities: from engines that compute them, and a warning from providers without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from auriko.sandbox.engines.base import Event, Finish, Prompt, Text
from support.watched_engine import WatchedEngine

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
LOCAL = {"gateway": {"routing": {"providers": ["local_lm"]}}}


def token(text: str, logprob: float) -> dict[str, Any]:
    alternative = {"token": text, "logprob": logprob, "bytes": list(text.encode())}
    return {**alternative, "top_logprobs": [alternative]}


TOKENS = [token("Blue", -0.25), token(" light", -0.5)]


class Knowing:
    """Stands in for the language model, and knows how likely its two tokens were."""

    name = "smollm2"

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    def run(self, prompt: Prompt) -> Iterator[Event]:
        self.prompts.append(prompt)
        for each in TOKENS:
            yield Text(each["token"], (each,) if prompt.params.get("logprobs") else ())
        yield Finish("stop", 10, 2)


@pytest.fixture
def engine() -> Knowing:
    return Knowing()


@pytest.fixture
def http(start_sandbox, engine):
    return start_sandbox([WatchedEngine("quote"), engine])


def chunks(reply) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: {")]


def test_they_come_with_the_message(http, engine):
    body = http.post("/chat/completions", json={**BODY, **LOCAL, "logprobs": True, "top_logprobs": 1}).json()
    assert body["choices"][0]["logprobs"] == {"content": TOKENS, "refusal": None}
    assert engine.prompts[-1].params == {"logprobs": True, "top_logprobs": 1}


def test_each_chunk_brings_those_of_its_own_tokens(http):
    reply = http.post("/chat/completions", json={**BODY, **LOCAL, "logprobs": True, "stream": True})
    found = [choice["logprobs"] for chunk in chunks(reply) for choice in chunk["choices"] if "logprobs" in choice]
    assert found == [{"content": [each], "refusal": None} for each in TOKENS]


@pytest.mark.parametrize("fields", [{"top_logprobs": 1}, {"include": ["message.output_text.logprobs"]}])
def test_responses_have_them_too(http, fields):
    body = {"model": "gpt-4o", "input": "Why is the sky blue?", **LOCAL, **fields}
    (part,) = http.post("/responses", json=body).json()["output"][0]["content"]
    assert part["logprobs"] == TOKENS
    events = chunks(http.post("/responses", json={**body, "stream": True}))
    deltas = [each["logprobs"] for each in events if each["type"] == "response.output_text.delta"]
    assert deltas == [[each] for each in TOKENS]
    (done,) = [each for each in events if each["type"] == "response.output_text.done"]
    assert done["logprobs"] == TOKENS


def test_nobody_gets_them_unasked(http):
    assert http.post("/chat/completions", json={**BODY, **LOCAL}).json()["choices"][0]["logprobs"] is None
    (part,) = http.post("/responses", json={"model": "gpt-4o", "input": "Hi", **LOCAL}).json()["output"][0]["content"]
    assert "logprobs" not in part


def test_who_has_none_says_so_and_does_not_make_them_up(http):
    openai = {"gateway": {"routing": {"providers": ["openai"]}}}
    body = http.post("/chat/completions", json={**BODY, **openai, "logprobs": True}).json()
    assert body["choices"][0]["logprobs"] is None
    (warning,) = body["routing_metadata"]["warnings"]
    assert (warning["type"], warning["code"]) == ("unsupported_parameter", "logprobs_dropped")


def test_they_can_be_demanded(http):
    strict = {"gateway": {"routing": {"require_parameters": True, "optimize": "cost-focus"}}, "logprobs": True}
    body = http.post("/chat/completions", json={**BODY, **strict}).json()
    assert body["routing_metadata"]["provider"] == "local_lm"
    reply = http.post("/chat/completions", json={**BODY, **strict, "model": "gpt-4o", "user": "u"})
    assert reply.json()["error"]["code"] == "required_params_not_supported"


def test_alternatives_need_them(http):
    error = http.post("/chat/completions", json={**BODY, "top_logprobs": 2}).json()["error"]
    assert (error["code"], error["param"]) == ("invalid_parameter_value", "top_logprobs")
