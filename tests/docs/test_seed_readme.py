"""Every snippet of the first release's README runs against the sandbox, with only base URL and key replaced."""

import gc
from pathlib import Path

import pytest

import auriko
from auriko.sandbox import Sandbox
from tests.support.doc_blocks import python_blocks, run_block

PAGE = Path(__file__).with_name("seed_readme.md")
REQUEST = 'model="gpt-4o", messages=[{"role": "user", "content": "Hello!"}]'


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(engines=["quote", "quote-slow"]) as running:
        yield running


@pytest.mark.parametrize("block", python_blocks(PAGE), ids=lambda block: f"line-{block.line}")
def test_snippet(block, sandbox, monkeypatch, capsys):
    monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
    code = block.code.replace("https://api.auriko.ai/v1", sandbox.base_url).replace("create(...)", f"create({REQUEST})")
    for key in ("your-api-key", "sk-auriko-..."):
        code = code.replace(f'"{key}"', repr(sandbox.api_key))
    namespace = {"Client": auriko.Client, "AsyncClient": auriko.AsyncClient, "client": auriko.Client()}
    before = len(sandbox.requests)
    run_block(block._replace(code=code), PAGE, namespace)
    sent = [request for request in sandbox.requests[before:] if request.path == "/v1/chat/completions"]
    assert len(sent) == code.count(".create(")
    if "response" in namespace:
        assert namespace["response"].choices[0].message.role == "assistant"
    for name in ("Invalid API key", "Bad request", "Rate limited", "API error"):
        assert name not in capsys.readouterr().out
    namespace.clear()
    gc.collect()


def test_the_metadata_that_the_readme_prints_is_there(sandbox):
    with auriko.Client(base_url=sandbox.base_url, api_key=sandbox.api_key) as client:
        with client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Hello!"}], stream=True
        ) as stream:
            for _ in stream:
                pass
        assert stream.routing_metadata.provider
        assert stream.routing_metadata.model_canonical == "gpt-4o"
        assert stream.routing_metadata.ttft_ms > 0
        assert stream.routing_metadata.cost.usd > 0
        assert stream.usage.total_tokens == stream.usage.prompt_tokens + stream.usage.completion_tokens > 0


def test_every_resource_and_method_of_the_readme(sandbox):
    with auriko.Client(base_url=sandbox.base_url, api_key=sandbox.api_key) as client:
        assert "gpt-4o" in client.models.list_directory().models
        assert "gpt-4o" in {model.id for model in client.models.list_registry().models}
        assert "openai" in {provider.id for provider in client.models.list_providers().providers}
        assert client.me.get().credential_type == "api_key"


def test_without_a_key_the_client_is_refused(monkeypatch):
    monkeypatch.delenv("AURIKO_API_KEY", raising=False)
    with pytest.raises(auriko.AuthenticationError, match=r"AURIKO_API_KEY.*auriko sandbox"):
        auriko.Client()
