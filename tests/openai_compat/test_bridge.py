"""HTTP clients that frameworks take: what they send, what they tell of replies, and what they never do.

The frameworks themselves: `make frameworks`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from typing import Any

import httpx
import openai
import pytest
from opentelemetry import trace

from auriko import SpendTracker, track_spend
from auriko.errors import AuthenticationError
from auriko.openai_compat import async_http_client, async_openai_client, http_client, openai_client
from auriko.spend import CallRecord, SpendLedger
from tests.support.replies import METADATA, chunk, completion, envelope, events, whole_stream
from tests.support.telemetry import Telemetry, configured

pytestmark = pytest.mark.anyio
BASE = "https://gateway.test/v1"
CHAT, RESPONSES = f"{BASE}/chat/completions", f"{BASE}/responses"
ASK: dict[str, Any] = {"model": "any", "messages": [{"role": "user", "content": "hi"}]}
USD = METADATA["cost"]["usd"]
RESPONSE = {"id": "resp_1", "object": "response", "output": [], "routing_metadata": METADATA}
WAYS = [(library, kind) for library in ("httpx", "httpx2") for kind in ("sync", "async")]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    with configured(monkeypatch) as telemetry:
        yield telemetry


class Bridge:
    """A client of a library over a gateway that answers each request alike."""

    def __init__(self, library: str, kind: str, reply: Any = None, **options: Any) -> None:
        self.library: Any = import_module(library)
        self.kind = kind
        self.reply = completion() if reply is None else reply
        self.sent: list[Any] = []
        self.tracker = SpendTracker()
        make = http_client if kind == "sync" else async_http_client
        settings = {"api_key": "ak_secret", "base_url": BASE, "spend": self.tracker, "library": library, **options}
        self.client = make(**settings, http={"transport": self.library.MockTransport(self._answer)})

    def _answer(self, request: Any) -> Any:
        self.sent.append(request)
        self.seen = trace.get_current_span()
        if isinstance(self.reply, Exception):
            raise self.reply
        status, headers, content = 200, {"content-type": "application/json"}, self.reply
        if isinstance(self.reply, tuple):
            status, headers, content = self.reply
        elif isinstance(self.reply, bytes):
            headers = {"content-type": "text/event-stream"}
        else:
            content = json.dumps(self.reply).encode()
        return self.library.Response(status, headers=headers, stream=self._stream(content))

    def _stream(self, content: bytes) -> Any:
        """A body in parts, as it comes from a connection."""
        base = self.library.SyncByteStream if self.kind == "sync" else self.library.AsyncByteStream

        class Parts(base):
            def __iter__(self) -> Iterator[bytes]:
                yield b""  # which is not the end
                yield from (content[at : at + 50] for at in range(0, len(content), 50))

            async def __aiter__(self) -> AsyncIterator[bytes]:
                for part in self.__iter__():
                    yield part

        return Parts()

    async def post(
        self, body: Any = None, url: str = CHAT, read: Callable[[Any], Any] | None = None, **more: Any
    ) -> Any:
        """The reply to a request; a streamed one is read by parts."""
        body = ASK if body is None else body
        streamed = isinstance(body, dict) and bool(body.get("stream"))
        if self.kind == "sync":
            if not streamed:
                return self.client.post(url, json=body, **more)
            with self.client.stream("POST", url, json=body, **more) as response:
                for part in response.iter_bytes():
                    if read is not None:
                        read(part)
            return response
        if not streamed:
            return await self.client.post(url, json=body, **more)
        async with self.client.stream("POST", url, json=body, **more) as response:
            async for part in response.aiter_bytes():
                if read is not None:
                    read(part)
        return response

    @property
    def record(self) -> CallRecord:
        (record,) = self.tracker.records
        return record

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.sent[-1].content)
        return body


# -- what is told ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("library", "kind"), WAYS)
@pytest.mark.parametrize(
    ("url", "reply", "stream"),
    [
        (CHAT, completion(), False),
        (CHAT, whole_stream(), True),
        (RESPONSES, RESPONSE, False),
        (RESPONSES, events({"type": "response.completed", "response": RESPONSE}), True),
    ],
    ids=["chat", "chat stream", "responses", "responses stream"],
)
async def test_a_call_is_told_once(library, kind, url, reply, stream):
    heard: list[Any] = []
    bridge = Bridge(library, kind, reply, on_reply=heard.append)
    with track_spend() as spend:
        response = await bridge.post({**ASK, "stream": stream}, url)
    assert response.status_code == 200
    record = bridge.record
    assert (record.usd, record.provider, record.model) == (USD, "anthropic", "claude-sonnet-4-6")
    assert (record.status, record.stream, record.model_asked) == ("ok", stream, "any")
    assert record.operation == ("chat" if url == CHAT else "responses")
    assert spend.records == [record], "what counts in a block is the same record"
    assert heard == [bridge.client.last]
    assert bridge.client.last.cost.usd == USD


@pytest.mark.parametrize(("library", "kind"), WAYS)
async def test_tokens_are_told_whole_and_streamed(library, kind):
    for reply in (completion(), whole_stream()):
        bridge = Bridge(library, kind, reply)
        await bridge.post({**ASK, "stream": isinstance(reply, bytes)})
        assert (bridge.record.prompt_tokens, bridge.record.completion_tokens) == (1820, 61)


@pytest.mark.parametrize(("library", "kind"), WAYS)
async def test_a_whole_reply_that_is_read_by_parts(library, kind):
    bridge = Bridge(library, kind, completion())
    await bridge.post({**ASK, "stream": True})
    assert bridge.record.usd == USD


@pytest.mark.parametrize(("library", "kind"), WAYS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_reply_that_is_there_at_once(library, kind, stream):
    """As caches and tests give it."""
    bridge = Bridge(library, kind)
    content = whole_stream() if stream else json.dumps(completion()).encode()
    headers = {"content-type": "text/event-stream"} if stream else {}
    bridge._answer = lambda _request: bridge.library.Response(200, content=content, headers=headers)
    bridge.client._transport = bridge.library.MockTransport(bridge._answer)
    await bridge.post({**ASK, "stream": stream})
    assert (bridge.record.usd, bridge.record.status) == (USD, "ok")


@pytest.mark.parametrize(("library", "kind"), WAYS)
async def test_a_refused_call_is_not_billed(library, kind):
    body = json.dumps(envelope("rate_limit_error", "rate_limit_exceeded")).encode()
    bridge = Bridge(library, kind, (429, {"content-type": "application/json"}, body))
    response = await bridge.post()
    assert response.status_code == 429
    assert (bridge.record.status, bridge.record.error_code) == ("error", "rate_limit_exceeded")
    assert not bridge.record.may_be_billed
    assert bridge.client.last is None


@pytest.mark.parametrize(("library", "kind"), WAYS)
async def test_a_request_that_fails_on_its_way(library, kind):
    bridge = Bridge(library, kind)
    bridge.reply = bridge.library.ConnectError("gone")
    with pytest.raises(bridge.library.ConnectError):
        await bridge.post()
    assert (bridge.record.error, bridge.record.cost_is_unknown) == ("ConnectError", True)


@pytest.mark.parametrize(("library", "kind"), WAYS)
async def test_a_stream_that_ends_early(library, kind):
    bridge = Bridge(library, kind, events(chunk()))
    await bridge.post({**ASK, "stream": True})
    assert (bridge.record.error, bridge.record.cost_is_unknown) == ("StreamInterruptedError", True)


@pytest.mark.parametrize(("library", "kind"), WAYS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_body_that_breaks_off(library, kind, stream):
    bridge = Bridge(library, kind)
    base = bridge.library.SyncByteStream if kind == "sync" else bridge.library.AsyncByteStream

    class Breaks(base):
        def __iter__(self):
            yield events(chunk())
            raise bridge.library.ReadError("cut")

        async def __aiter__(self):
            yield events(chunk())
            raise bridge.library.ReadError("cut")

    bridge._answer = None
    headers = {"content-type": "text/event-stream"}
    transport = bridge.library.MockTransport(lambda _: bridge.library.Response(200, stream=Breaks(), headers=headers))
    bridge.client._transport = transport
    with pytest.raises(bridge.library.ReadError):
        await bridge.post({**ASK, "stream": stream})
    assert (bridge.record.error, bridge.record.cost_is_unknown) == ("ReadError", True)


@pytest.mark.parametrize(("library", "kind"), WAYS)
async def test_a_stream_that_is_left(library, kind):
    class EnoughError(Exception):
        pass

    def enough(_part: bytes) -> None:
        raise EnoughError

    bridge = Bridge(library, kind, events(chunk(), chunk()))
    with pytest.raises(EnoughError):
        await bridge.post({**ASK, "stream": True}, read=enough)
    assert bridge.record.status == "abandoned"


@pytest.mark.parametrize("reply", [{"choices": 1}, [1], {"error": {"message": "no"}}], ids=repr)
async def test_a_reply_that_is_none_is_an_error_that_may_be_billed(reply):
    bridge = Bridge("httpx", "sync", reply)
    await bridge.post()
    assert (bridge.record.status, bridge.record.may_be_billed) == ("error", True)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reply_that_is_compressed_all_the_same_has_an_unknown_cost(stream):
    headers = {"content-encoding": "gzip", "content-type": "text/event-stream"}
    bridge = Bridge("httpx", "sync", (200, headers, gzip.compress(whole_stream())))
    await bridge.post({**ASK, "stream": stream})
    assert (bridge.record.status, bridge.record.cost_is_unknown) == ("ok", True)


async def test_a_callback_that_fails_fails_no_call(caplog):
    def broken(_metadata: Any) -> None:
        raise RuntimeError("broken")

    bridge = Bridge("httpx", "sync", on_reply=broken)
    assert (await bridge.post()).status_code == 200
    assert "on_reply failed" in caplog.text


async def test_a_ledger_counts(tmp_path):
    ledger = SpendLedger(tmp_path / "ledger.db")
    await Bridge("httpx", "sync", spend=ledger).post()
    assert ledger.total.usd == USD


# -- what is sent ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("library", "kind"), WAYS)
async def test_the_gateways_options_are_added(library, kind):
    bridge = Bridge(library, kind, models=["a", "b"], routing={"optimize": "cost"}, metadata={"tags": ["t"]})
    await bridge.post()
    gateway = {"models": ["a", "b"], "routing": {"optimize": "cost"}, "metadata": {"tags": ["t"]}}
    assert bridge.body == {"messages": ASK["messages"], "gateway": gateway}
    assert bridge.record.model_asked == "a,b"
    assert bridge.sent[0].headers["content-length"] == str(len(bridge.sent[0].content))


async def test_what_the_request_names_itself_wins():
    bridge = Bridge("httpx", "sync", models=["a"], routing={"optimize": "cost", "max_ttft_ms": 500})
    await bridge.post({**ASK, "gateway": {"models": ["own"], "routing": {"optimize": "ttft"}}})
    assert bridge.body["gateway"] == {"models": ["own"], "routing": {"optimize": "ttft", "max_ttft_ms": 500}}


async def test_without_models_the_frameworks_model_is_asked_for():
    bridge = Bridge("httpx", "sync", routing={"optimize": "cost"})
    await bridge.post()
    assert bridge.body["model"] == bridge.record.model_asked == "any"


async def test_without_options_the_body_stays_as_it_is():
    bridge = Bridge("httpx", "sync")
    await bridge.post()
    assert bridge.body == ASK


@pytest.mark.parametrize(("library", "kind"), WAYS)
async def test_the_key_goes_to_the_gateway(library, kind):
    bridge = Bridge(library, kind)
    await bridge.post(headers={"Authorization": "Bearer of-the-framework"})
    assert bridge.sent[0].headers["authorization"] == "Bearer ak_secret"
    assert bridge.sent[0].headers["accept-encoding"] == "identity"
    assert "ak_secret" not in repr(bridge.client) + str(vars(bridge.client))


@pytest.mark.parametrize(("library", "kind"), WAYS)
@pytest.mark.parametrize("host", ["https://api.openai.com/v1", "http://gateway.test/v1", "https://gateway.test:444/v1"])
async def test_the_key_goes_nowhere_else(library, kind, host):
    bridge = Bridge(library, kind, models=["a"])
    url = f"{host}/chat/completions"
    refused = await bridge.post(url=url, headers={"Authorization": "Bearer ak_secret"})
    assert (refused.status_code, bridge.sent) == (403, [])
    assert BASE in refused.json()["error"]["message"]
    assert "ak_secret" not in refused.text
    await bridge.post(url=url, headers={"Authorization": "Bearer another"})
    assert bridge.sent[0].headers["authorization"] == "Bearer another"
    assert (bridge.body, bridge.tracker.calls) == (ASK, 0), "other hosts are none of its business"


@pytest.mark.parametrize(("library", "kind"), WAYS)
async def test_other_requests_to_the_gateway_get_the_key_alone(library, kind):
    bridge = Bridge(library, kind, models=["a"])
    await bridge.post(url=f"{BASE}/embeddings")
    await bridge.post(url=f"{BASE}/embeddings", body={"stream": True})
    await bridge.post(body=["no", "object"])
    content = bridge.client.post(CHAT, content=b"{")
    if kind == "async":
        await content
    assert [one.headers["authorization"] for one in bridge.sent] == ["Bearer ak_secret"] * 4
    assert bridge.tracker.calls == 0


# -- limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("library", "kind"), WAYS)
async def test_a_limit_refuses_before_sending(library, kind):
    bridge = Bridge(library, kind)
    with track_spend(limit_usd=USD / 2):
        await bridge.post()
        response = await bridge.post()
    assert len(bridge.sent) == 1
    assert (response.status_code, response.json()["error"]["code"]) == (402, "local_budget_exceeded")
    assert response.headers["x-should-retry"] == "false"


def test_openai_raises_at_once_where_a_limit_is_reached(sandbox):
    settings = {"base_url": sandbox.base_url, "api_key": sandbox.api_key}
    before = len(sandbox.requests)
    refused = pytest.raises(openai.APIStatusError, match="spend limit")
    with openai_client(models=["gpt-4o"], **settings) as client, track_spend(limit_usd=0), refused as caught:
        client.chat.completions.create(**ASK)
    assert caught.value.status_code == 402
    assert len(sandbox.requests) == before


# -- spans -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("library", "kind"), WAYS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_has_a_span(telemetry, library, kind, stream):
    bridge = Bridge(library, kind, whole_stream() if stream else None)
    with telemetry.tracer.start_as_current_span("program") as program:
        await bridge.post({**ASK, "stream": stream})
        assert trace.get_current_span() is program
    span = telemetry.named("chat any")
    assert (span.attributes["llm.cost.total"], span.attributes["gen_ai.usage.input_tokens"]) == (USD, 1820)
    assert span.parent.span_id == telemetry.named("program").context.span_id
    assert bridge.seen.get_span_context().span_id == span.context.span_id, "the request is sent within it"


@pytest.mark.parametrize("mark", [{"gen_ai.operation.name": "chat"}, {"openinference.span.kind": "LLM"}], ids=str)
@pytest.mark.parametrize("stream", [False, True])
async def test_the_span_of_an_instrumentation_gets_the_cost(telemetry, mark, stream):
    bridge = Bridge("httpx", "sync", whole_stream() if stream else None)
    with telemetry.tracer.start_as_current_span("chat of the framework", attributes=mark):
        await bridge.post({**ASK, "stream": stream})
    span = telemetry.span()
    assert span.attributes["llm.cost.total"] == USD
    assert "gen_ai.usage.input_tokens" not in span.attributes, "the instrumentation counts the tokens itself"


# -- clients of openai, and options ------------------------------------------------------------------------------------


async def test_clients_of_openai(sandbox):
    settings: Any = {"base_url": sandbox.base_url, "api_key": sandbox.api_key, "models": ["gpt-4o"]}
    with openai_client(**settings) as client, track_spend() as spend:
        client.chat.completions.create(**ASK)
        assert client.http.last.model_canonical == "gpt-4o"
        list(client.with_options(timeout=5).chat.completions.create(**ASK, stream=True))
        assert client.api_key != sandbox.api_key
    async with async_openai_client(**settings) as async_client:
        with spend.active():
            await async_client.chat.completions.create(**ASK)
        assert async_client.http.last.provider
    billed = [decision["attempts"][-1]["usd"] for decision in sandbox.decisions[-3:]]
    assert [record.usd for record in spend.records] == billed


def test_the_environment_says_key_and_address(monkeypatch, sandbox):
    monkeypatch.setenv("AURIKO_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AURIKO_API_KEY", sandbox.api_key)
    with http_client() as client:
        assert client.base_url_of_gateway == sandbox.base_url
        assert isinstance(client, httpx.Client)


@pytest.mark.parametrize(("found", "library"), [("2.54.0", "httpx"), ("3.1.0", "httpx2"), (None, "httpx")])
def test_the_library_is_that_of_openai(monkeypatch, found, library):
    from auriko import openai_compat

    def version(_name: str) -> str:
        if found is None:
            raise openai_compat.PackageNotFoundError
        return found

    monkeypatch.setattr(openai_compat, "version", version)
    with http_client(api_key="k") as client:
        assert isinstance(client, import_module(library).Client)


def test_options_are_checked(monkeypatch):
    monkeypatch.delenv("AURIKO_API_KEY", raising=False)
    with pytest.raises(AuthenticationError):
        http_client()
    with pytest.raises(TypeError, match=r"timeout.*http="):
        http_client(api_key="k", timeout=5)
    with pytest.raises(ValueError, match="optimize"):
        http_client(api_key="k", routing={"optimize": "luck"})
    with pytest.raises(TypeError, match="spend"):
        http_client(api_key="k", spend=1)
