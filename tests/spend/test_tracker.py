"""What calls cost, added up: over threads, streams, failures and limits."""

import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import anyio
import httpx
import pytest

from auriko import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    AsyncClient,
    BudgetExceededError,
    Client,
    RateLimitError,
    SpendTracker,
    StreamInterruptedError,
    track_spend,
)
from tests.support.replies import chunk, completion, envelope, events, whole_stream

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
SSE = {"content-type": "text/event-stream"}


def client_of(*replies: Any, **settings: Any) -> Client:
    """A client whose n-th request gets the n-th reply, the last one again and again."""
    left = list(replies)

    def answer(request: httpx.Request) -> httpx.Response:
        reply = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, bytes):
            return httpx.Response(200, content=reply, headers=SSE)
        return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)

    own = httpx.Client(transport=httpx.MockTransport(answer))
    return Client(api_key="k", http_client=own, **{"max_retries": 0, **settings})


def test_plain_call() -> None:
    client = client_of(httpx.Response(200, json=completion(), headers={"X-Request-ID": "req_1"}))
    with track_spend(tags=["a"]) as spend:
        client.chat.completions.create(**ASK)
    (record,) = spend.records
    assert (record.status, record.error, record.stream, record.request_id) == ("ok", None, False, "req_1")
    assert (record.model_asked, record.model, record.provider) == ("m", "claude-sonnet-4-6", "anthropic")
    assert (record.usd, record.cache_savings_usd, record.ttft_ms) == (0.00193, 0.0031, 410.5)
    assert (record.prompt_tokens, record.completion_tokens, record.cached_tokens) == (1820, 61, 1536)
    assert (record.cache_write_tokens, record.reasoning_tokens, record.tags) == (0, 40, ("a",))
    assert record.duration_ms > 0
    assert (spend.usd, spend.calls, spend.unknown_cost_calls) == (0.00193, 1, 0)
    assert repr(spend) == "SpendTracker($0.00193 in 1 calls)"


def test_streamed_call_counts_when_it_has_been_read() -> None:
    client = client_of(whole_stream())
    with track_spend() as spend:
        stream = client.chat.completions.create(**ASK, stream=True)
        assert spend.calls == 0
        list(stream)
    (record,) = spend.records
    assert (record.status, record.stream, record.usd, record.completion_tokens) == ("ok", True, 0.00193, 61)


def test_stream_that_is_left_counts_as_unknown_cost() -> None:
    client = client_of(events(chunk(), chunk()))
    with track_spend() as spend:
        with client.chat.completions.create(**ASK, stream=True) as stream:
            next(stream)
        stream.close()
    (record,) = spend.records
    assert (record.status, record.usd, spend.unknown_cost_calls) == ("abandoned", None, 1)


def test_stream_that_is_read_after_the_block_still_counts() -> None:
    client = client_of(whole_stream())
    with track_spend() as spend:
        stream = client.chat.completions.create(**ASK, stream=True)
    list(stream)
    assert spend.usd == 0.00193


@pytest.mark.parametrize(
    ("reply", "error", "unknown"),
    [
        (httpx.Response(429, json=envelope("rate_limit_error")), RateLimitError, 0),
        (httpx.ReadTimeout("late"), APIConnectionError, 1),
        (httpx.Response(200, json={}), APIResponseValidationError, 1),
    ],
)
def test_failed_call(reply: Any, error: Any, unknown: int) -> None:
    """A refusal costs nothing; what was lost on the way may have been billed."""
    client = client_of(reply)
    with track_spend() as spend, pytest.raises(error) as caught:
        client.chat.completions.create(**ASK)
    (record,) = spend.records
    assert (record.status, record.error, record.usd) == ("error", type(caught.value).__name__, None)
    assert (record.may_be_billed, spend.unknown_cost_calls) == (bool(unknown), unknown)


def test_error_in_an_accepted_answer_may_have_been_billed() -> None:
    """The gateway answered 200, so a provider was at work when it failed."""
    for reply, streamed in ((events(envelope("server_error")), True), (httpx.Response(200, json=envelope("x")), False)):
        with track_spend() as spend, pytest.raises(APIStatusError):
            client_of(reply).chat.completions.create(**ASK, stream=streamed)
        (record,) = spend.records
        assert (record.status, record.usd, record.may_be_billed) == ("error", None, True)


def test_failed_stream() -> None:
    client = client_of(events(chunk()))
    with track_spend() as spend, pytest.raises(StreamInterruptedError):
        list(client.chat.completions.create(**ASK, stream=True))
    (record,) = spend.records
    assert (record.status, record.error, record.may_be_billed) == ("error", "StreamInterruptedError", True)


def test_missing_cost_is_unknown_and_not_zero() -> None:
    client = client_of(completion(routing_metadata=None), completion())
    with track_spend() as spend:
        client.chat.completions.create(**ASK)
        client.chat.completions.create(**ASK)
    assert (spend.usd, spend.calls, spend.unknown_cost_calls) == (0.00193, 2, 1)
    assert repr(spend) == "SpendTracker($0.00193 in 2 calls, 1 of unknown cost)"


def test_sums() -> None:
    other = completion(
        routing_metadata={"provider": "openai", "model_canonical": "gpt", "cost": {"usd": 1}}, usage=None
    )
    client = client_of(completion(), other, completion(routing_metadata=None))
    with track_spend() as spend:
        for _ in range(3):
            client.chat.completions.create(**ASK)
    assert {name: total.usd for name, total in spend.by_provider().items()} == {
        "anthropic": 0.00193,
        "openai": 1,
        None: 0,
    }
    assert set(spend.by_model()) == {"claude-sonnet-4-6", "gpt", None}
    assert spend.total == spend._total
    assert (spend.total.prompt_tokens, spend.total.cache_savings_usd) == (3640, 0.0031)
    assert SpendTracker().total.calls == 0


def test_calls_that_are_no_inference_are_not_counted() -> None:
    client = client_of({"data": []})
    with track_spend() as spend:
        client.models.list()
    assert spend.calls == 0


def test_blocks_nest_and_end() -> None:
    client = client_of(completion())
    with track_spend(tags=("outer",)) as outer:
        client.chat.completions.create(**ASK)
        with track_spend(tags=("inner",)) as inner:
            client.chat.completions.create(**ASK)
    client.chat.completions.create(**ASK)
    assert (outer.calls, inner.calls) == (2, 1)
    assert inner.records[0].tags == ("outer", "inner")
    assert outer.records[1] is inner.records[0]


def test_limit_stops_the_next_call_before_its_request() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=completion())

    client = Client(api_key="k", http_client=httpx.Client(transport=httpx.MockTransport(answer)))
    with track_spend(limit_usd=0.004) as spend:
        client.chat.completions.create(**ASK)
        client.chat.completions.create(**ASK)
        for streamed in (False, True):
            with pytest.raises(BudgetExceededError, match=r"The spend limit of \$0\.004 is reached") as caught:
                client.chat.completions.create(**ASK, stream=streamed)
    assert len(requests) == spend.calls == 2
    error = caught.value
    assert (error.limit_usd, error.spent_usd, error.attempts, error.is_retryable) == (0.004, spend.usd, 0, False)
    assert error.code == "local_budget_exceeded"


@pytest.mark.parametrize("limit", [-1, math.nan, -math.inf])
def test_limit_that_is_none(limit: float) -> None:
    with pytest.raises(ValueError, match="limit_usd must be 0 or more"):
        SpendTracker(limit)


def test_limit_of_nothing_allows_nothing() -> None:
    with track_spend(limit_usd=0), pytest.raises(BudgetExceededError):
        client_of(completion()).chat.completions.create(**ASK)


def test_many_threads_lose_nothing() -> None:
    client = client_of(completion())
    with track_spend() as spend:
        contexts = [copy_context() for _ in range(200)]
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda c: c.run(client.chat.completions.create, **ASK), contexts))
    assert spend.calls == len(spend.records) == 200
    assert spend.usd == pytest.approx(200 * 0.00193)


def test_threads_of_their_own_context_are_not_counted() -> None:
    client = client_of(completion())
    with track_spend() as spend:
        thread = threading.Thread(target=client.chat.completions.create, kwargs=ASK)
        thread.start()
        thread.join()
    assert spend.calls == 0


async_answer = httpx.MockTransport(
    lambda request: (
        httpx.Response(200, content=whole_stream(), headers=SSE)
        if json.loads(request.content).get("stream")
        else httpx.Response(200, json=completion())
    )
)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_of_a_block_are_counted(backend: str) -> None:
    async def main() -> SpendTracker:
        client = AsyncClient(api_key="k", http_client=httpx.AsyncClient(transport=async_answer))

        async def one(streamed: bool) -> None:
            reply = await client.chat.completions.create(**ASK, stream=streamed)
            if streamed:
                _ = [item async for item in reply]

        with track_spend() as spend:
            async with anyio.create_task_group() as group:
                for number in range(20):
                    group.start_soon(one, bool(number % 2))
        return spend

    spend = anyio.run(main, backend=backend)
    assert (spend.calls, spend.unknown_cost_calls) == (20, 0)
    assert spend.usd == pytest.approx(20 * 0.00193)


def test_cancelled_call_is_abandoned_and_may_be_billed() -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await anyio.sleep(60)
        return httpx.Response(200)

    async def main() -> SpendTracker:
        client = AsyncClient(api_key="k", http_client=httpx.AsyncClient(transport=httpx.MockTransport(hang)))
        with track_spend() as spend, anyio.move_on_after(0.02):
            await client.chat.completions.create(**ASK)
        return spend

    (record,) = anyio.run(main).records
    assert (record.status, record.error, record.may_be_billed) == ("abandoned", None, True)
