"""Limits hold for models of LangChain and LlamaIndex, with their retries and fallbacks, as for the client."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import httpx
import pytest

from auriko import BudgetExceededError, SpendTracker, track_spend
from auriko_langchain import ChatAuriko
from auriko_llamaindex import Auriko
from tests.support.gated_gateway import GatedGateway
from tests.support.replies import completion, envelope

PRICE = 0.0123
PROMPTS = ["Why is the sky blue?"] * 50


def langchain_model(gateway: GatedGateway) -> ChatAuriko:
    return ChatAuriko(model="gpt-4o", **gateway.settings("http_client", "http_async_client"))


def llamaindex_model(gateway: GatedGateway) -> Auriko:
    return Auriko(model="gpt-4o", **gateway.settings())


def in_threads(function: Any) -> list[Any]:
    def one(prompt: str) -> Any:
        try:
            return function(prompt)
        except BudgetExceededError as error:
            return error

    with ThreadPoolExecutor(20) as threads:
        return list(threads.map(lambda prompt: copy_context().run(one, prompt), PROMPTS))


def langchain_batch(gateway: GatedGateway) -> list[Any]:
    return langchain_model(gateway).batch(PROMPTS, {"max_concurrency": 20}, return_exceptions=True)


def langchain_abatch(gateway: GatedGateway) -> list[Any]:
    return asyncio.run(langchain_model(gateway).abatch(PROMPTS, return_exceptions=True))


def langchain_streams(gateway: GatedGateway) -> list[Any]:
    model = langchain_model(gateway)

    async def one(prompt: str) -> Any:
        return [chunk async for chunk in model.astream(prompt)]

    async def main() -> list[Any]:
        return list(await asyncio.gather(*map(one, PROMPTS), return_exceptions=True))

    return asyncio.run(main())


def llamaindex_tasks(gateway: GatedGateway) -> list[Any]:
    model = llamaindex_model(gateway)

    async def main() -> list[Any]:
        return list(await asyncio.gather(*map(model.acomplete, PROMPTS), return_exceptions=True))

    return asyncio.run(main())


@pytest.mark.parametrize("way", [langchain_batch, langchain_abatch, langchain_streams, llamaindex_tasks])
def test_fifty_calls_at_once_cost_one_more_than_the_limit_at_most(way: Any) -> None:
    gateway = GatedGateway([PRICE], gated=False)
    with track_spend(limit_usd=0.05) as spend:
        results = way(gateway)
    refused = [result for result in results if isinstance(result, BudgetExceededError)]
    assert len(refused) == 50 - len(gateway.billed)
    assert 2 * PRICE <= spend.usd <= 0.0615
    assert (spend.usd, spend.reserved_usd) == (pytest.approx(sum(gateway.billed)), 0)


def test_fifty_threads_with_a_model_of_one_tracker() -> None:
    gateway, tracker = GatedGateway([PRICE], gated=False), SpendTracker(limit_usd=0.05)
    model = Auriko(model="gpt-4o", spend=tracker, **gateway.settings())
    results = in_threads(model.complete)
    assert sum(isinstance(result, BudgetExceededError) for result in results) == 50 - len(gateway.billed)
    assert 2 * PRICE <= tracker.usd <= 0.0615


def test_fallbacks_and_retries_hold_and_settle_each_on_its_own() -> None:
    """The first model is refused unbilled, each time after a retry; the second answers; the limit stops both."""

    def answer(request: httpx.Request) -> httpx.Response:
        if b'"gpt-4o-mini"' in request.content:
            return httpx.Response(503, json=envelope())
        metadata = {"provider": "p", "cost": {"usd": PRICE}}
        return httpx.Response(200, json=completion(routing_metadata=metadata))

    own = httpx.Client(transport=httpx.MockTransport(answer))
    first = ChatAuriko(model="gpt-4o-mini", api_key="k", http_client=own, max_retries=1)
    model = first.with_fallbacks([ChatAuriko(model="gpt-4o", api_key="k", http_client=own)])
    with track_spend(limit_usd=0.05) as spend:
        results = model.batch(PROMPTS[:9], {"max_concurrency": 1}, return_exceptions=True)
    # LangChain raises the first model's error where the last one's is the limit's.
    assert [isinstance(result, Exception) for result in results] == [False] * 4 + [True] * 5
    assert (spend.usd, spend.reserved_usd, spend.estimated_usd) == (4 * PRICE, 0, 0)
