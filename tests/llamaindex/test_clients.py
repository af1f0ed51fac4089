"""Connections: shared by LLMs of equal settings, used over threads and event loops, closed by who opened them."""

from __future__ import annotations

import asyncio
import copy
import gc
import importlib
import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from llama_index.core.llms import ChatMessage

from auriko.errors import APIConnectionError
from auriko_llamaindex import Auriko

MESSAGES = [ChatMessage(role="user", content="Hi")]


class _Server(ThreadingHTTPServer):
    """Answers every request and knows how many connections it was asked over."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.connections = 0
        self.lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.lock:
            self.connections += 1
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        text = asked["messages"][-1]["content"]
        if asked.get("stream"):
            chunks = [{"choices": [{"index": 0, "delta": {"content": c}}]} for c in text]
            chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
            kind = "text/event-stream"
        else:
            body = json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]})
            kind = "application/json"
        data = body.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _llm(server: _Server, **settings: Any) -> Auriko:
    address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    return Auriko(**{"model": "m", "api_key": "ak_test", "max_retries": 0, "base_url": address, **settings})


async def _all_async(llm: Auriko, text: str) -> list[str]:
    messages = [ChatMessage(role="user", content=text)]
    plain = (await llm.achat(messages)).message.content
    streamed = [item async for item in await llm.astream_chat(messages)][-1].message.content
    return [plain or "", streamed or ""]


def test_llms_of_equal_settings_share_their_connection(server):
    first, second = _llm(server), _llm(server, temperature=1.0)
    for llm in (first, second, copy.deepcopy(first), first.model_copy()):
        llm.chat(MESSAGES)
    assert server.connections == 1
    _llm(server, api_key="ak_other").chat(MESSAGES)
    assert server.connections == 2


def test_closing_one_llm_leaves_the_others_open(server):
    first, second = _llm(server), _llm(server)
    first.chat(MESSAGES)
    with first:
        pass
    with pytest.raises(APIConnectionError, match="closed"):
        first.chat(MESSAGES)
    assert second.chat(MESSAGES).message.content == "Hi"
    assert server.connections == 1
    second.close()
    second.close()
    # Nobody uses the old connection any more, so a new LLM opens its own.
    third = _llm(server)
    assert third.chat(MESSAGES).message.content == "Hi"
    assert server.connections == 2


def test_a_copy_of_a_closed_llm_is_open(server):
    llm = _llm(server)
    llm.close()
    assert copy.deepcopy(llm).chat(MESSAGES).message.content == "Hi"


@pytest.mark.anyio
async def test_an_llm_in_an_async_block_is_closed_after_it(server):
    async with _llm(server) as llm:
        await llm.achat(MESSAGES)
    with pytest.raises(APIConnectionError, match="closed"):
        await llm.achat(MESSAGES)


@pytest.mark.anyio
async def test_the_transport_of_the_user_stays_open(server):
    with httpx.Client() as sync:
        async with httpx.AsyncClient() as asynchronous:
            llm = _llm(server, http_client=sync, async_http_client=asynchronous)
            llm.chat(MESSAGES)
            await llm.achat(MESSAGES)
            await llm.aclose()
            assert not sync.is_closed
            assert not asynchronous.is_closed


@pytest.mark.anyio
@pytest.mark.parametrize("fields", [("http_client",), ("http_client", "async_http_client")])
async def test_calls_over_httptools(server, fields):
    llm = _llm(server, **dict.fromkeys(fields, "httptools"), pickle_api_key=True)
    for twin in (llm, copy.deepcopy(llm), pickle.loads(pickle.dumps(llm))):  # noqa: S301 - it is ours
        assert (await twin.achat(MESSAGES)).message.content == "Hi"
        assert twin.chat(MESSAGES).message.content == "Hi"
        assert twin._async_client() is llm._async_client()
        assert twin._client() is llm._client()
    assert _llm(server, pickle_api_key=True)._async_client() is not llm._async_client()
    assert _llm(server, async_http_client="httptools", pickle_api_key=True)._async_client() is llm._async_client()
    assert server.connections == 2
    await llm.aclose()


@pytest.mark.parametrize("transport", [None, "httptools"])
def test_one_llm_works_on_several_event_loops_one_after_another(server, transport):
    llm = _llm(server, async_http_client=transport)
    for number in range(3):
        assert asyncio.run(_all_async(llm, str(number))) == [str(number)] * 2
    del llm
    gc.collect()


@pytest.mark.parametrize("transport", [None, "httptools"])
def test_an_event_loop_that_is_just_closed_leaves_nothing_open(server, transport):
    """As LlamaIndex closes the loops of its threads."""
    llm = _llm(server, async_http_client=transport)
    for number in range(2):
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(_all_async(llm, str(number))) == [str(number)] * 2
        loop.close()
        gc.collect()
    assert asyncio.run(_all_async(llm, "again")) == ["again"] * 2


def test_one_llm_works_on_several_event_loops_at_once_and_in_threads(server):
    llm = _llm(server)
    with ThreadPoolExecutor(4) as threads:
        asynchronous = [threads.submit(asyncio.run, _all_async(llm, f"a{n}")) for n in range(8)]
        plain = [threads.submit(llm.complete, f"s{n}") for n in range(8)]
        assert [each.result() for each in asynchronous] == [[f"a{n}"] * 2 for n in range(8)]
        assert [each.result().text for each in plain] == [f"s{n}" for n in range(8)]


def test_many_calls_at_once_do_not_mix(server):
    async def main() -> list[list[str]]:
        async with _llm(server) as llm:
            return await asyncio.gather(*(_all_async(llm, f"question {n}") for n in range(20)))

    assert asyncio.run(main()) == [[f"question {n}"] * 2 for n in range(20)]


def test_an_llm_that_is_dropped_leaves_nothing_open(server):
    llm = _llm(server)
    llm.chat(MESSAGES)
    next(llm.stream_chat(MESSAGES))
    del llm
    gc.collect()


NESTED = """
import asyncio, sys
import nest_asyncio
nest_asyncio.apply()
from llama_index.core import Document, Settings, SummaryIndex
from auriko.sandbox import Sandbox
from auriko_llamaindex import Auriko

with Sandbox(engines=["quote"]) as sandbox:
    Settings.embed_model = None
    llm = Auriko(model="gpt-4o", api_key=sandbox.api_key, base_url=sandbox.base_url, context_window=4000)
    index = SummaryIndex.from_documents([Document(text=f"On day {n} the sky is blue. " * 200) for n in range(4)])
    engine = index.as_query_engine(llm=llm, use_async=True, response_mode="tree_summarize")

    async def main():
        return engine.query("What colour is the sky?"), engine.query("What colour is the sky?")

    print(len(asyncio.run(main())), len(sandbox.requests) > 4)
    llm.close()
"""


def test_queries_on_nested_loops_print_no_traceback():
    done = subprocess.run([sys.executable, "-W", "always", "-c", NESTED], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "2 True"
    told = [line for line in done.stderr.splitlines() if "ResourceWarning" in line or "Traceback" in line]
    assert not told, done.stderr


IMPORTED = """
import sys, llama_index.core
before = set(sys.modules)
import auriko_llamaindex
added = {name.split(".")[0] for name in set(sys.modules) - before}
print(sorted(added & {"openai", "tiktoken", "langchain_core", "auriko_langchain", "requests"}))
"""


def test_the_import_brings_nothing_else():
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("llama_index", r'^auriko_llamaindex needs llama-index-core: pip install "auriko\[llamaindex\]"$'),
        ("workflows", r"^import of workflows\S* halted"),  # which LlamaIndex brings: it is not taken for the package
    ],
)
def test_the_import_asks_for_what_is_missing(monkeypatch, missing, said):
    for name in [*sys.modules]:
        package = name.partition(".")[0]
        if package == missing:
            monkeypatch.setitem(sys.modules, name, None)
        elif package == "auriko_llamaindex":
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=said):
        importlib.import_module("auriko_llamaindex")
