# ruff: noqa: S301 - the pickles are the tests' own
"""Copies, pickles, serialisation, and the connections of many models."""

import asyncio
import copy
import gc
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from langchain_core.load import dumps, loads
from langchain_core.messages import HumanMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import RunnableParallel
from pydantic import BaseModel

from auriko import RoutingOptions, shared_clients
from auriko_langchain import AurikoCostCallbackHandler, ChatAuriko, errors
from tests.support.acts import ok
from tests.support.fault_server import serve

pytestmark = [
    pytest.mark.anyio,
    # langchain-core says of its `loads` that it may change.
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
]
KEY = "ak_secret_key_of_mine"
SETTINGS = {
    "models": ["gpt-4o", "claude-sonnet-4-6"],
    "routing": {"optimize": "ttft"},
    "gateway_metadata": {"user_id": "u"},
    "temperature": 0.5,
    "stop": ["x"],
}


def model(**settings):
    return ChatAuriko(**{"api_key": KEY, "base_url": "http://127.0.0.1:1/v1", **SETTINGS, **settings})


def request_of(chat):
    return chat._request([HumanMessage("hi")], None, None, {})


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda m: m.model_copy(), lambda m: m.model_copy(deep=True)]
)
def test_copies_keep_the_key_and_share_the_connections(copied):
    original = model()
    twin = copied(original)
    assert twin.api_key.get_secret_value() == KEY
    assert request_of(twin) == request_of(original)
    assert twin._client() is original._client()
    twin.temperature = 0.1
    assert original.temperature == 0.5


def test_copies_use_the_same_places():
    http, handler = httpx.Client(), AurikoCostCallbackHandler()
    limiter = InMemoryRateLimiter()
    twin = copy.deepcopy(model(http_client=http, callbacks=[handler], rate_limiter=limiter))
    assert twin.http_client is http
    assert twin.callbacks == [handler]
    assert twin.rate_limiter is limiter
    http.close()


def test_a_model_may_be_a_field_of_another_pydantic_class():
    class Holder(BaseModel):
        chat: ChatAuriko

    original = model()
    assert Holder(chat=original).chat is original
    with pytest.raises(ValueError, match="a valid dictionary or instance of ChatAuriko"):
        Holder(chat="gpt-4o")


def test_pickles_leave_the_key_out(monkeypatch):
    written = pickle.dumps(model())
    assert KEY.encode() not in written
    twin = pickle.loads(written)
    assert request_of(twin) == request_of(model())
    with pytest.raises(errors.AurikoAuthenticationError, match="AURIKO_API_KEY"):
        twin.invoke("hi")
    monkeypatch.setenv("AURIKO_API_KEY", "ak_env")
    assert pickle.loads(written).api_key.get_secret_value() == "ak_env"


def test_pickles_with_the_key_if_that_is_wanted():
    assert pickle.loads(pickle.dumps(model(pickle_api_key=True))).api_key.get_secret_value() == KEY


@pytest.mark.parametrize("fields", [("http_client",), ("http_client", "http_async_client")])
async def test_calls_over_httptools(fields):
    both = dict.fromkeys(fields, "httptools")
    with serve(ok) as server:
        async with model(base_url=server.url, **both, pickle_api_key=True) as chat:
            assert chat.invoke("hi").content == "Paris."
            assert (await chat.ainvoke("hi")).content == "Paris."
            assert [part.content async for part in chat.astream("hi")]
            for twin in (copy.deepcopy(chat), pickle.loads(pickle.dumps(chat))):
                assert twin._async_client() is chat._async_client()
                assert twin._client() is chat._client()
            assert model(base_url=server.url, pickle_api_key=True)._async_client() is not chat._async_client()
            assert chat._async_client() is model(base_url=server.url, http_async_client="httptools")._async_client()
            assert server.accepted == 2


def test_pickles_after_use(gateway):
    gateway.says("ok")
    used = gateway.model()
    used.invoke("hi")
    assert used._serialized
    assert pickle.loads(pickle.dumps(used)).model == "m-1"


def test_dumps_and_loads(monkeypatch):
    monkeypatch.setenv("AURIKO_API_KEY", KEY)
    original = model()
    text = dumps(original)
    assert KEY not in text
    for twin in (
        loads(text, allowed_objects=[ChatAuriko], valid_namespaces=["auriko_langchain"], secrets_from_env=True),
        loads(text, allowed_objects="all", valid_namespaces=["auriko_langchain"], secrets_map={"AURIKO_API_KEY": KEY}),
    ):
        assert isinstance(twin, ChatAuriko)
        assert twin.routing == RoutingOptions(optimize="ttft")
        assert request_of(twin) == request_of(original)


@pytest.mark.parametrize("routing", [{}, RoutingOptions()])
def test_empty_routing_is_none(routing):
    chat = model(routing=routing, gateway_metadata={})
    assert (chat.routing, chat.gateway_metadata) == (None, None)
    assert chat.with_routing().routing is None
    assert '"not_implemented"' not in dumps(chat.with_routing())


def test_nothing_is_loaded_that_the_caller_did_not_name():
    with pytest.raises(ValueError, match="Invalid namespace"):
        loads(dumps(model()), allowed_objects="all", secrets_from_env=True)


def test_bindings_are_loadable(monkeypatch):
    monkeypatch.setenv("AURIKO_API_KEY", KEY)
    from langchain_core.runnables import RunnableBinding

    text = dumps(model().bind(temperature=0.1, routing={"prefer": "p"}))
    twin = loads(
        text,
        allowed_objects=[ChatAuriko, RunnableBinding],
        valid_namespaces=["auriko_langchain"],
        secrets_from_env=True,
    )
    assert twin.kwargs == {"temperature": 0.1}
    assert twin.bound.routing == RoutingOptions(optimize="ttft", prefer="p")


def test_the_key_is_nowhere_to_be_seen():
    chat = model()
    chat._client()
    for shown in (repr(chat), str(chat), str(chat.model_dump()), str(chat.asdict()), dumps(chat), str(vars(chat))):
        assert KEY not in shown
    assert KEY not in chat._get_llm_string()
    assert KEY not in str(chat._get_invocation_params())


def test_models_that_answer_differently_have_different_cache_keys():
    variants = [
        model(),
        model(models=["gpt-4o"]),
        model(routing={"optimize": "cost"}),
        model(temperature=0.1),
        model(base_url="http://127.0.0.1:2/v1"),
        model().with_routing(prefer="p"),
    ]
    keys = [chat._get_llm_string() for chat in variants]
    keys.append(variants[0]._get_llm_string(routing={"prefer": "q"}))
    assert len(set(keys)) == len(keys)
    changed = model()
    before = changed._get_llm_string()
    changed.temperature = 0.9
    assert changed._get_llm_string() != before


def test_models_of_the_same_settings_share_one_client():
    models = [model() for _ in range(30)]
    assert len({id(chat._client()) for chat in models}) == 1
    assert len({id(chat._async_client()) for chat in models}) == 1
    assert model(timeout=5)._client() is not models[0]._client()
    assert model(api_key="ak_other")._client() is not models[0]._client()
    assert model(default_headers={"X-A": "1"})._client() is not models[0]._client()


def test_clients_go_with_their_last_model():
    gc.collect()
    before = len(shared_clients._SYNC._clients)
    chat = model(base_url="http://127.0.0.1:3/v1")
    assert len(shared_clients._SYNC._clients) == before + 1
    del chat
    gc.collect()
    assert len(shared_clients._SYNC._clients) == before


async def test_the_last_model_to_be_closed_closes_the_connections():
    one, other = model(base_url="http://127.0.0.1:4/v1"), model(base_url="http://127.0.0.1:4/v1")
    sync, unsync = one._client(), one._async_client()
    other._client(), other._async_client()
    await one.aclose()
    assert other._client() is sync
    assert other._async_client() is unsync
    await other.aclose()
    third = model(base_url="http://127.0.0.1:4/v1")
    assert third._client() is not sync
    assert third._async_client() is not unsync
    await third.aclose()


def test_a_closed_model_refuses_calls_and_a_copy_takes_them(sandbox_env):
    with ChatAuriko(model="gpt-4o") as chat:
        assert chat.invoke("Hello").text
    for call in (chat.invoke, lambda prompt: list(chat.stream(prompt)), chat.bind(temperature=0).invoke):
        with pytest.raises(errors.AurikoConnectionError, match="closed; make a new one"):
            call("Hello")
    with copy.copy(chat) as twin:
        assert twin.invoke("Hello").text


async def test_async_context(sandbox_env):
    async with ChatAuriko(model="gpt-4o") as chat:
        assert (await chat.ainvoke("Hello")).text


def test_a_client_of_the_users_is_used_and_left_open(gateway):
    gateway.says("ok")
    chat = gateway.model()
    chat.invoke("hi")
    chat.close()
    assert not chat.http_client.is_closed
    gateway.says("ok")
    assert chat.with_routing(prefer="p").invoke("hi").text == "ok"


def test_thirty_models_open_no_more_sockets_than_one(sandbox_env):
    start = time.monotonic()
    models = [ChatAuriko(model="gpt-4o", timeout=31) for _ in range(30)]
    for chat in models:
        assert chat.invoke("Hello").text
    requests = [request for request in sandbox_env.requests if request.at > start]
    assert len(requests) == 30
    assert len({request.connection for request in requests}) == 1


def test_one_model_over_many_event_loops_and_threads(sandbox_env):
    chat = ChatAuriko(model="gpt-4o")

    def in_a_loop(_):
        async def twice():
            return [m.text for m in await chat.abatch(["Hello", "Hello"])]

        return asyncio.run(twice())

    answers = [in_a_loop(0) for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        answers += pool.map(in_a_loop, range(20))
    assert len(answers) == 30
    assert all(text for pair in answers for text in pair)


def test_one_model_over_many_threads(sandbox_env):
    chat = ChatAuriko(model="gpt-4o")
    parallel = RunnableParallel({str(n): chat for n in range(8)})
    assert all(message.response_metadata["cost"] > 0 for message in parallel.invoke("Hello").values())
    assert len(chat.batch(["Hello"] * 30)) == 30


# -- streams that are given up -------------------------------------------------------------------------------------


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream that never ends, and knows when it has been closed."""

    def __init__(self):
        self.closed = threading.Event()

    def __iter__(self):
        while True:
            yield b'data: {"choices": [{"index": 0, "delta": {"content": "x"}}]}\n\n'

    async def __aiter__(self):
        for event in self:
            await asyncio.sleep(0)
            yield event

    def close(self):
        self.closed.set()

    async def aclose(self):
        self.closed.set()


@pytest.fixture
def endless(gateway):
    body = Body()
    gateway.answers(httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=body))
    return body


def test_breaking_off_a_stream_closes_it(gateway, endless):
    for chunk in gateway.model().stream("hi"):
        assert chunk.content == "x"
        break
    assert endless.closed.is_set()


def test_closing_a_stream_closes_it(gateway, endless):
    stream = gateway.model().stream("hi")
    assert next(stream).content == "x"
    stream.close()
    assert endless.closed.is_set()


async def test_closing_an_async_stream_closes_it(gateway, endless):
    stream = gateway.model().astream("hi")
    assert (await anext(stream)).content == "x"
    await stream.aclose()
    del stream
    gc.collect()
    await asyncio.sleep(0.01)
    assert endless.closed.is_set()


async def test_cancelling_a_task_closes_its_stream(gateway, endless):
    begun = asyncio.Event()

    async def read():
        async for _ in gateway.model().astream("hi"):
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert endless.closed.is_set()
