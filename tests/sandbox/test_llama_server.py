"""A llama.cpp server, with a model of its own, behind the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import xllamacpp

from auriko import Client
from auriko.errors import BadRequestError
from auriko.sandbox import Sandbox
from auriko.sandbox.engines.smollm2 import engine as smollm2
from support.watched_engine import WatchedEngine

KEY = "sk-llama-s3cr3t"
ASK: dict[str, Any] = {"model": "smol", "messages": [{"role": "user", "content": "Say hello."}], "temperature": 0}


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """The address of the server."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(smollm2._weights())
    parameters.model_alias = {"smol"}
    parameters.n_ctx = 512
    parameters.n_parallel = 1
    for processor in (parameters.cpuparams, parameters.cpuparams_batch):
        processor.n_threads = 1
        processor.poll = 0
    parameters.verbosity = -1
    parameters.port = 0
    parameters.n_threads_http = 2
    parameters.api_keys = [KEY]
    parameters.ui = False
    server = xllamacpp.Server(parameters)
    server.handle_completions({"prompt": "Hi", "max_tokens": 1})  # ended before its loop runs, it would wait for ever
    yield f"{server.listening_address}/v1"
    del server


@pytest.fixture(scope="module")
def sandbox(llama: str) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("LLAMA_API_KEY", KEY)
        price = {"price": {"input": 1.0, "output": 2.0}, "data_policy": "zdr"}
        engine = WatchedEngine("quote", text="From here.")
        near = {"price": {"input": 9.0, "output": 9.0}}
        catalog = {
            "providers": {"llama": price},
            "models": {
                "smol": {"offers": {"llama": {}, "openai": near}},
                "long": {"offers": {"llama": {"upstream_model": "smol"}}},
            },
        }
        with Sandbox(engines=[engine], upstreams={"llama": llama}, catalog=catalog) as running:
            yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client(base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=0) as made:
        yield made


def test_it_lists_its_models(llama, monkeypatch):
    monkeypatch.setenv("LLAMA_API_KEY", KEY)
    model = Sandbox(engines=["quote"], upstreams={"llama": llama}).catalog.find("smol")
    assert model is not None
    assert [offer.context_window for offer in model.offers] == [512]


def test_it_answers_and_is_paid(client):
    reply = client.chat.completions.create(**ASK, max_completion_tokens=6)
    assert reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens == 6
    assert reply.routing_metadata.provider == "llama"
    cost = (reply.usage.prompt_tokens * 1.0 + 6 * 2.0) / 1e6
    assert reply.routing_metadata.cost.usd == pytest.approx(cost)


def test_it_streams_what_it_answers_whole(client):
    whole = client.chat.completions.create(**ASK, max_completion_tokens=6)
    stream = client.chat.completions.create(**ASK, max_completion_tokens=6, stream=True)
    pieces = [chunk.choices[0].delta.content for chunk in stream if chunk.choices and chunk.choices[0].delta.content]
    assert len(pieces) > 1
    assert "".join(pieces) == whole.choices[0].message.content
    assert stream.usage.completion_tokens == 6
    assert stream.routing_metadata.throughput_tps > 0


def test_it_is_as_quick_as_it_has_been(client, sandbox):
    client.chat.completions.create(**ASK, max_completion_tokens=2)
    client.chat.completions.create(**ASK, max_completion_tokens=2)
    llama, _near = sandbox.decisions[-1]["candidates"]
    assert (llama["provider"], llama["engine"]) == ("llama", "llama/smol")
    assert llama["ttft_ms"] > 0


def test_its_grammar_holds(client):
    schema = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}
    reply = client.chat.completions.create(
        **ASK,
        max_completion_tokens=20,
        response_format={"type": "json_schema", "json_schema": {"name": "c", "schema": schema}},
    )
    assert json.loads(reply.choices[0].message.content)["colour"] in {"red", "blue"}


def test_what_it_refuses_is_refused(client):
    # The catalogue knows no window of this one, so that it is the server itself that says no.
    too_long = [{"role": "user", "content": "a b c d e f g h i j " * 100}]
    with pytest.raises(BadRequestError) as caught:
        client.chat.completions.create(model="long", messages=too_long, max_completion_tokens=2)
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.provider == "llama"
