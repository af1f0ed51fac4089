"""The cost reaches everybody who looks: callbacks, traces, events, caches, and the sums over them."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from langchain_core.caches import BaseCache, InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tracers import core as tracers_core
from langchain_core.tracers import run_collector
from langchain_core.utils import _gateway

from auriko import track_spend
from auriko_langchain import (
    AurikoCostCallbackHandler,
    _reply,
    get_auriko_cost_callback,
    get_routing_metadata,
)
from tests.support.langchain_ways import WAYS, call
from tests.support.scripted_gateway import ROUTING

pytestmark = pytest.mark.anyio
COST = ROUTING["cost"]["usd"]


def script(gateway, way, times=1, **fields):
    for _ in range(times):
        if "stream" in way:
            gateway.streams("x", **fields)
        else:
            gateway.says("x", **fields)


# -- in the run's metadata, for any tracer -------------------------------------------------------------------------


def test_the_key_is_langchains():
    assert _reply._RUN_METADATA_KEY == _gateway.GATEWAY_METADATA_RESPONSE_KEY
    assert tracers_core._GATEWAY_RUN_METADATA_KEY == "ls_gateway_info"


@pytest.mark.parametrize("way", WAYS)
async def test_run_metadata(gateway, way):
    script(gateway, way)
    collector = run_collector.RunCollectorCallbackHandler()
    message = await call(gateway.model(models=["a", "b"]), way, "hi", {"callbacks": [collector]})
    (run,) = collector.traced_runs
    metadata = run.extra["metadata"]
    assert metadata["ls_gateway_info"] == {
        "model": "m-1",
        "provider": "example_host",
        "cost_usd": COST,
        "routing_metadata": ROUTING,
    }
    assert (metadata["ls_model_name"], metadata["ls_provider"]) == ("m-1", "example_host")
    assert "lc_gateway_metadata" not in message.response_metadata


def test_what_is_known_before_the_call(gateway):
    params = gateway.model(models=["a", "b"], stop=["x"], temperature=0.5, max_tokens=9)._get_ls_params()
    assert params["ls_provider"] == "auriko"
    assert params["ls_model_name"] == "a,b"
    assert (params["ls_temperature"], params["ls_max_tokens"], params["ls_stop"]) == (0.5, 9, ["x"])
    assert gateway.model(models=["a"])._get_ls_params(model="c")["ls_model_name"] == "c"
    assert gateway.model()._get_ls_params(models=["c", "d"])["ls_model_name"] == "c,d"


@pytest.mark.parametrize("way", WAYS)
async def test_on_llm_end(gateway, way):
    class Handler(BaseCallbackHandler):
        def on_llm_end(self, response, **kwargs):
            self.generation = response.generations[0][0]

    script(gateway, way)
    handler = Handler()
    await call(gateway.model(), way, "hi", {"callbacks": [handler]})
    assert handler.generation.message.response_metadata["cost"] == COST
    assert handler.generation.message.response_metadata["routing_metadata"] == ROUTING
    assert handler.generation.generation_info["finish_reason"] == "stop"


def test_llm_output(gateway):
    script(gateway, "invoke", times=2)
    result = gateway.model().generate([[HumanMessage("a")], [HumanMessage("b")]])
    assert result.llm_output["cost"] == pytest.approx(2 * COST)


@pytest.mark.parametrize("way", WAYS)
async def test_langchains_own_counter_of_tokens(gateway, way):
    script(gateway, way, times=3)
    with get_usage_metadata_callback() as usage:
        for _ in range(3):
            await call(gateway.model(), way, "hi")
    assert usage.usage_metadata["m-1"]["total_tokens"] == 30


# -- in events -----------------------------------------------------------------------------------------------------


async def test_events_of_version_2(gateway):
    gateway.streams("a", "b")
    events = [event async for event in gateway.model().astream_events("hi", version="v2")]
    (end,) = [event for event in events if event["event"] == "on_chat_model_end"]
    assert end["data"]["output"].response_metadata["cost"] == COST
    assert [e["data"]["chunk"].content for e in events if e["event"] == "on_chat_model_stream"] == ["a", "b", ""]


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_events_of_version_3(gateway):
    gateway.streams({"reasoning_content": "hm"}, "a", "b")
    stream = gateway.model().stream_events("hi", version="v3")
    finish = list(stream)[-1]
    assert finish["metadata"]["cost"] == COST
    assert stream.output.response_metadata["routing_metadata"] == ROUTING
    assert [b["type"] for b in stream.output.content_blocks] == ["reasoning", "text"]
    gateway.streams("a", "b")
    stream = await gateway.model().bind(routing={"prefer": "p"}).astream_events("hi", version="v3")
    message = await stream.output
    assert message.text == "ab"
    assert message.response_metadata["cost"] == COST


# -- the handler and the context manager ---------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
async def test_the_handler_adds_up(gateway, way):
    handler = AurikoCostCallbackHandler()
    script(gateway, way, times=2)
    other = {**ROUTING, "provider": "other_host", "model_canonical": "m-2", "cost": {"usd": 0.01}}
    script(gateway, way, routing_metadata=other)
    for _ in range(3):
        await call(gateway.model(), way, "hi", {"callbacks": [handler]})
    assert handler.calls == 3
    assert handler.usd == pytest.approx(2 * COST + 0.01)
    assert handler.cache_savings_usd == pytest.approx(0.0008)
    assert {model: total.calls for model, total in handler.by_model().items()} == {"m-1": 2, "m-2": 1}
    assert handler.by_provider()["other_host"].usd == 0.01
    assert handler.by_model()["m-1"].prompt_tokens == 14
    assert {record.stream for record in handler.spend.records} == {"stream" in way}
    assert "3 calls" in repr(handler)


async def test_it_agrees_with_the_clients_own_tracker(gateway):
    script(gateway, "invoke", times=2)
    with track_spend() as spend, get_auriko_cost_callback() as costs:
        gateway.model().invoke("hi")
        await gateway.model().ainvoke("hi")
    assert costs.usd == spend.usd == pytest.approx(2 * COST)
    ours, theirs = costs.spend.records[0], spend.records[0]
    for name in ("status", "model", "provider", "usd", "prompt_tokens", "completion_tokens", "cache_savings_usd"):
        assert getattr(ours, name) == getattr(theirs, name)


def test_a_cost_that_is_not_known_counts_as_unknown(gateway):
    script(gateway, "invoke", routing_metadata=None)
    with get_auriko_cost_callback() as costs:
        gateway.model().invoke("hi")
    assert (costs.calls, costs.usd, costs.spend.unknown_cost_calls) == (1, 0.0, 1)


@pytest.mark.filterwarnings("ignore::auriko_langchain.AurikoGatewayWarning")
def test_warnings_of_the_gateway_are_kept(gateway):
    said = {"type": "unsupported_parameter", "code": "seed_dropped", "message": "seed was not forwarded"}
    script(gateway, "invoke", routing_metadata={**ROUTING, "warnings": [said]})
    with get_auriko_cost_callback() as costs:
        gateway.model().invoke("hi")
    ((provider, model, warning),) = costs.warnings
    assert (provider, model, warning.code) == ("example_host", "m-1", "seed_dropped")


def test_nested_blocks_count_both(gateway):
    script(gateway, "invoke", times=3)
    with get_auriko_cost_callback() as outer:
        gateway.model().invoke("hi")
        with get_auriko_cost_callback() as inner:
            gateway.model().invoke("hi")
    gateway.model().invoke("hi")
    assert (outer.calls, inner.calls) == (2, 1)


def test_a_block_within_a_run_of_the_outer_one_counts_once(gateway):
    script(gateway, "invoke")

    def step(text):
        with get_auriko_cost_callback() as inner:
            gateway.model().invoke(text)
        return inner

    with get_auriko_cost_callback() as outer:
        inner = RunnableLambda(step).invoke("hi")
    assert (outer.calls, inner.calls) == (1, 1)


def test_threads_and_parallel_branches(gateway):
    script(gateway, "invoke", times=20)
    model = gateway.model()
    with get_auriko_cost_callback() as costs:
        RunnableParallel(a=model, b=model).invoke("hi")
        model.batch(["hi"] * 8)
    handler = AurikoCostCallbackHandler()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: model.invoke("hi", {"callbacks": [handler]}), range(10)))
    assert (costs.calls, handler.calls) == (10, 10)


async def test_concurrent_tasks_have_blocks_of_their_own(gateway):
    script(gateway, "invoke", times=6)

    async def task(times):
        with get_auriko_cost_callback() as costs:
            for _ in range(times):
                await gateway.model().ainvoke("hi")
        return costs.calls

    assert await asyncio.gather(task(1), task(2), task(3)) == [1, 2, 3]


def test_models_of_others_are_not_counted():
    with get_auriko_cost_callback() as costs:
        GenericFakeChatModel(messages=iter([AIMessage("x")])).invoke("hi")
    assert costs.calls == 0


def test_calls_that_fail_are_not_counted(gateway):
    gateway.refuses(404, "model_not_found", "not_found_error")
    with get_auriko_cost_callback() as costs, pytest.raises(Exception, match="model_not_found"):
        gateway.model().invoke("hi")
    assert costs.calls == 0
    assert costs._started == {}


def test_a_call_that_fails_in_an_inner_block_is_forgotten_by_both(gateway):
    gateway.refuses(404, "model_not_found", "not_found_error")
    with get_auriko_cost_callback() as outer, get_auriko_cost_callback() as inner:
        with pytest.raises(Exception, match="model_not_found"):
            gateway.model().invoke("hi")
        assert (outer.calls, inner.calls) == (0, 0)
        assert outer._started == inner._started == {}


# -- caches --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "batch", "abatch"])
async def test_an_answer_from_the_cache_costs_nothing(gateway, way):
    script(gateway, way)
    model = gateway.model(cache=InMemoryCache())
    collector = run_collector.RunCollectorCallbackHandler()
    with get_auriko_cost_callback() as costs:
        first = await call(model, way, "hi")
        second = await call(model, way, "hi", {"callbacks": [collector]})
        third = await call(model, way, "hi")
    assert first.response_metadata["cost"] == COST
    for hit in (second, third):
        assert hit.text == "x"
        assert hit.response_metadata["cost"] == 0.0
        assert hit.response_metadata["routing_metadata"]["cached"] is True
        assert get_routing_metadata(hit).cost.usd == 0.0
        assert hit.response_metadata["routing_metadata"]["provider"] == "example_host"
    assert collector.traced_runs[0].extra["metadata"]["ls_gateway_info"]["cost_usd"] == 0.0
    assert (costs.calls, costs.usd, costs.cached_calls) == (1, COST, 2)
    assert len(gateway.bodies) == 1


def test_several_answers_from_the_cache_cost_nothing(gateway):
    gateway.replies({"choices": [{"index": i, "message": {"content": text}} for i, text in enumerate("ab")]})
    model = gateway.model(n=2, cache=InMemoryCache())
    model.generate([[HumanMessage("hi")]])
    first, second = model.generate([[HumanMessage("hi")]]).generations[0]
    assert (first.text, second.text) == ("a", "b")
    assert first.message.response_metadata["cost"] == 0.0
    assert "cost" not in second.message.response_metadata, "that of the first counts for all"


class JsonCache(BaseCache):
    """Keeps answers as text, as caches outside of the process do."""

    def __init__(self):
        self.kept = {}

    def lookup(self, prompt, llm_string):
        kept = self.kept.get((prompt, llm_string))
        return loads(kept, allowed_objects="core") if kept else None

    def update(self, prompt, llm_string, return_val):
        self.kept[prompt, llm_string] = dumps(return_val)

    def clear(self):
        self.kept.clear()


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_caches_that_keep_text(gateway):
    gateway.says("x")
    cache = JsonCache()
    first = gateway.model(cache=cache).invoke("hi")
    second = gateway.model(cache=cache).invoke("hi")
    assert (first.text, second.text) == ("x", "x")
    assert (first.response_metadata["cost"], second.response_metadata["cost"]) == (COST, 0.0)
    assert second.response_metadata["routing_metadata"]["cached"] is True
    assert "ak_test_scripted" not in str(cache.kept)


def test_routing_is_part_of_what_is_cached(gateway):
    gateway.says("a")
    gateway.says("b")
    cache = InMemoryCache()
    assert gateway.model(cache=cache).invoke("hi").text == "a"
    assert gateway.model(cache=cache, routing={"prefer": "p"}).invoke("hi").text == "b"
    assert gateway.model(cache=cache).with_routing(prefer="p").invoke("hi").text == "b"


# -- rate limiters -------------------------------------------------------------------------------------------------


def test_a_rate_limiter_is_asked_before_every_request(gateway):
    from langchain_core.rate_limiters import InMemoryRateLimiter

    class Limiter(InMemoryRateLimiter):
        asked = 0
        _count = threading.Lock()

        def acquire(self, *, blocking=True):
            with self._count:
                self.asked += 1
            return True

    limiter = Limiter()
    script(gateway, "invoke", times=2)
    script(gateway, "stream")
    model = gateway.model(rate_limiter=limiter)
    model.batch(["a", "b"])
    list(model.stream("c"))
    assert limiter.asked == 3
