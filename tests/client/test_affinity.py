"""Conversations that stay with their cache: what the next turn prefers, and when it is forgotten."""

import contextlib
import json
from importlib.resources import files
from typing import Any

import pytest

from auriko import APIStatusError, AsyncClient, Client, SpendTracker
from auriko.affinity import Affinity, _prices
from auriko.models import DirectoryResponse
from auriko.sandbox import Sandbox, ScriptedError
from auriko.sandbox.catalog.listing import directory
from auriko.sandbox.catalog.source import make_catalog
from auriko.sandbox.serving.prefix_cache import PrefixCache
from auriko.spend._prices import Offer, snapshot
from tests.support.acts import error, reply
from tests.support.both import both_clients, items, settled
from tests.support.clients import serving
from tests.support.replies import METADATA, completion
from tests.support.spend_calls import record

pytestmark = pytest.mark.anyio
MESSAGES = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def served(provider: str | None, model: str = "m", sent: int = 2000, answered: int = 100) -> Any:
    """A reply of a provider."""
    usage = {"prompt_tokens": sent, "completion_tokens": answered, "total_tokens": sent + answered}
    metadata = {**METADATA, "provider": provider, "model_canonical": model}
    return reply(200, completion(usage=usage, routing_metadata=metadata))


async def second_request(kind: Any, first: Any, arguments: dict[str, Any], *others: dict[str, Any]) -> Any:
    """The body of the last of some turns of one conversation, the first of which is answered so."""
    with serving(first, served("last")) as (server, _):
        client = kind(api_key="ak_x", base_url=server.url, max_retries=0)
        for each in (arguments, *(others or (arguments,))):
            with contextlib.suppress(APIStatusError):
                await settled(client.chat.completions.create(messages=MESSAGES, conversation="c", **each))
        await settled(client.close())
    return server.requests[-1].json


@both_clients
async def test_a_turn_prefers_who_served_the_last_one(kind: Any) -> None:
    body = await second_request(kind, served("anthropic"), {"model": "m"})
    assert body["gateway"] == {"routing": {"prefer": "anthropic"}}
    assert "conversation" not in body
    assert "prompt_cache_key" not in body
    body = await second_request(kind, served("openai"), {"model": "m", "routing": {"optimize": "ttft"}})
    assert body["gateway"] == {"routing": {"optimize": "ttft", "prefer": "openai"}}
    assert len(body["prompt_cache_key"]) == 32


@both_clients
@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"routing": {"prefer": "mine"}}, {"routing": {"prefer": "mine"}}),
        ({"routing": {"require_parameters": True}}, {"routing": {"require_parameters": True, "prefer": "openai"}}),
        ({"prompt_cache_key": "mine"}, {"routing": {"prefer": "openai"}}),
    ],
)
async def test_what_the_caller_says_wins(kind: Any, said: dict[str, Any], sent: dict[str, Any]) -> None:
    body = await second_request(kind, served("openai"), {"model": "m", **said})
    assert body["gateway"] == sent
    assert body.get("prompt_cache_key") == said.get("prompt_cache_key")


@both_clients
@pytest.mark.parametrize(
    ("routing", "sent"),
    [
        ({}, {"models": ["b:ttft", "a"], "routing": {"prefer": "x", "mode": "fallback"}}),
        ({"mode": "pool"}, {"models": ["b:ttft", "a"], "routing": {"prefer": "x", "mode": "fallback"}}),
        ({"mode": "fallback"}, {"models": ["a", "b:ttft"], "routing": {"prefer": "x", "mode": "fallback"}}),
        ({"allow_fallbacks": False}, {"models": ["a", "b:ttft"], "routing": {"prefer": "x", "allow_fallbacks": False}}),
    ],
)
async def test_of_several_models_the_one_that_answered_goes_first(
    kind: Any, routing: dict[str, Any], sent: dict[str, Any]
) -> None:
    body = await second_request(kind, served("x", "b"), {"models": ["a", "b:ttft"], "routing": routing})
    assert body["gateway"] == sent


@both_clients
@pytest.mark.parametrize("first", [served(None), error(429, "rate_limit_error", "rate_limit_exceeded"), error(503)])
async def test_nobody_is_preferred_after_a_failure_or_where_nobody_is_known(kind: Any, first: Any) -> None:
    assert "gateway" not in await second_request(kind, first, {"model": "m"})


@both_clients
async def test_a_provider_that_fails_is_forgotten(kind: Any) -> None:
    with serving(served("x"), error(503), served("y")) as (server, _):
        client = kind(api_key="ak_x", base_url=server.url, max_retries=0)
        ask = client.chat.completions.create
        await settled(ask(model="m", messages=MESSAGES, conversation="c"))
        with pytest.raises(Exception, match="did not work"):
            await settled(ask(model="m", messages=MESSAGES, conversation="c"))
        await settled(ask(model="m", messages=MESSAGES, conversation="c"))
        await settled(client.close())
    assert [request.json.get("gateway") for request in server.requests] == [None, {"routing": {"prefer": "x"}}, None]


@both_clients
async def test_every_way_to_ask_is_a_turn(kind: Any) -> None:
    with Sandbox(engines=["quote", "quote-slow"], answers='{"value":1}') as sandbox:
        told = SpendTracker()
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url, spend=told)
        twin = client.with_options(max_retries=1)
        ask: dict[str, Any] = {"model": "gpt-4o", "conversation": "c"}
        chat, responses = client.chat.completions, client.responses
        await settled(chat.create(messages=MESSAGES, **ask))
        await items(await settled(chat.create(messages=MESSAGES, stream=True, **ask)))
        await settled(chat.parse(messages=MESSAGES, response_format=int, **ask))
        await items(await settled(chat.parse(messages=MESSAGES, response_format=int, stream=True, **ask)))
        await settled(responses.create(input="Hello!", **ask))
        await items(await settled(responses.create(input="Hello!", stream=True, **ask)))
        await settled(responses.parse(input="Hello!", text_format=int, **ask))
        await settled(chat.batch([{"messages": MESSAGES, **ask}], on_error="raise"))
        await settled(twin.chat.completions.create(messages=MESSAGES, **ask))
        await settled(client.with_raw_response(chat.create)(messages=MESSAGES, **ask))
        await settled(chat.create(messages=MESSAGES, model="gpt-4o", conversation="other"))
        await settled(client.close())
    preferred = [
        request.json.get("gateway", {}).get("routing", {}).get("prefer") is not None for request in sandbox.requests
    ]
    assert preferred == [False, *[True] * 9, False]
    assert [record.conversation for record in told.records] == [*["c"] * 10, "other"]


class Clock:
    """A time that stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def turns(affinity: Affinity, conversation: str, **body: Any) -> dict[str, Any]:
    """The request of the next turn."""
    request = {"model": "m", **body}
    affinity.begin(conversation, request)
    return request


def remembering(clock: Clock, conversations: int = 1, **fields: Any) -> Affinity:
    """What a client knows after a turn of each of so many conversations."""
    affinity = Affinity(clock)
    for number in range(conversations):
        turn = affinity.begin(str(number), {"model": "m", **fields})
        turn.add(record(provider="x", model="m"))
    return affinity


def test_a_cache_does_not_outlive_its_time() -> None:
    clock = Clock()
    short, long = remembering(clock), remembering(clock, prompt_cache_retention="24h")
    clock.now = 299.0
    assert "gateway" in turns(short, "0")
    clock.now = 301.0
    assert "gateway" not in turns(short, "0")
    assert "gateway" in turns(long, "0")


def test_the_last_thousand_conversations_are_remembered() -> None:
    affinity = remembering(Clock(), 1001)
    assert "gateway" not in turns(affinity, "0")
    assert "gateway" in turns(affinity, "1000")


def test_clients_travel_without_what_they_remember() -> None:
    import copy
    import pickle

    with Sandbox(engines=["quote"]) as sandbox:
        client = Client(api_key=sandbox.api_key, base_url=sandbox.base_url, pickle_api_key=True)
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES, conversation="c")
        for twin in (pickle.loads(pickle.dumps(client)), copy.copy(client)):  # noqa: S301 - its own
            twin.chat.completions.create(model="gpt-4o", messages=MESSAGES, conversation="c")
            twin.close()
        client.close()
    assert [request.json.get("gateway") for request in sandbox.requests] == [None, None, None]


@pytest.mark.parametrize(("conversation", "error"), [(1, TypeError), (True, TypeError), ("", ValueError)])
def test_a_conversation_is_named_by_text(conversation: Any, error: Any) -> None:
    with serving(served("x")) as (server, client), pytest.raises(error, match="conversation is"):
        client.chat.completions.create(model="m", messages=MESSAGES, conversation=conversation)
    assert not server.requests


DEAR = {"a": [3.0, 15.0, 0.3]}
CHEAP = {"b": [0.1, 0.4, None]}
CLOSE = {"b": [2.0, 15.0, None]}
CACHED = {"b": [2.0, 15.0, 0.1]}
BARE = {"a": [3.0, 15.0, None]}


def knowing(monkeypatch: pytest.MonkeyPatch, offers: Any) -> Affinity:
    """A memory whose directory has these offers."""
    known = {m: {p: _prices.Offer(*prices) for p, prices in each.items()} for m, each in offers.items()}
    monkeypatch.setattr(_prices, "snapshot", lambda: known)
    return Affinity(Clock())


def preferred(affinity: Affinity, providers: str, sent: int = 2000, **asked: Any) -> str:
    """For each turn `-` or who was preferred, where these have served one after the other."""
    found = ""
    for provider in providers:
        request = json.loads(json.dumps(asked or {"model": "m"}))
        turn = affinity.begin("c", request)
        found += request.get("gateway", {}).get("routing", {}).get("prefer", "-")
        turn.add(record(provider=provider, model="m", prompt_tokens=sent, completion_tokens=100))
    return found


@pytest.mark.parametrize(
    ("offers", "asked", "sent", "second"),
    [
        ({"m": {**DEAR, **CLOSE}}, {"model": "m"}, 2000, "a"),
        ({"m": {**DEAR, **CLOSE}}, {"model": "m"}, 1000, "-"),  # nothing so short is cached
        ({"m": {**DEAR, **CHEAP}}, {"model": "m"}, 2000, "-"),
        ({"m": {**DEAR, **CHEAP}}, {"model": "m:ttft"}, 2000, "-"),  # whatever the strategy
        ({"m": {**DEAR, **CHEAP}}, {"model": "m", "gateway": {"routing": {"optimize": "tps"}}}, 2000, "-"),
        ({"m": {**DEAR, **CHEAP}}, {"model": "m", "gateway": {"routing": {"weights": {"ttft": 1}}}}, 2000, "-"),
        ({"m": {**DEAR, **CHEAP}}, {"model": "m", "gateway": {"routing": {"providers": ["a"]}}}, 2000, "a"),
        ({"m": {**DEAR, **CHEAP}}, {"model": "m", "gateway": {"routing": {"exclude_providers": ["b"]}}}, 2000, "a"),
        ({"m": DEAR, "n": CHEAP}, {"gateway": {"models": ["m", "n"]}}, 2000, "-"),
        ({"m": DEAR, "n": {"a": CHEAP["b"]}}, {"gateway": {"models": ["m", "n"]}}, 2000, "-"),  # the same provider
        ({"m": CHEAP}, {"model": "m"}, 2000, "a"),  # whose prices nobody knows
        ({}, {"model": "m"}, 2000, "a"),
        ({"m": BARE}, {"model": "m"}, 2000, "-"),  # there is no cache
    ],
)
def test_a_conversation_leaves_for_a_better_price(
    offers: Any, asked: dict[str, Any], sent: int, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert preferred(knowing(monkeypatch, offers), "aa", sent, **asked) == f"-{second}"


def test_as_many_turns_are_taken_to_come_as_there_have_been(monkeypatch: pytest.MonkeyPatch) -> None:
    offers = {"m": {"a": [3.0, 3.0, 1.5], **CACHED}}
    # In millionths of a dollar: 3,600 a turn at a; at b 5,700 for the first and 1,900 for each other.
    assert preferred(knowing(monkeypatch, offers), "aaaa") == "-aa-"
    assert preferred(knowing(monkeypatch, offers), "aaabbbbbb") == "-aa-bbbbb"


def test_a_provider_that_is_chosen_again_although_another_is_cheaper_is_stayed_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert preferred(knowing(monkeypatch, {"m": {**DEAR, **CHEAP}}), "aaaaaa") == "--aaaa"
    assert preferred(knowing(monkeypatch, {"m": {**DEAR, "b": [0.1, 0.4, 0.01]}}), "aaaabbaaa") == "--aaabb-a"
    assert preferred(knowing(monkeypatch, {"m": BARE}), "aaaa") == "----"


def test_the_packaged_offers_are_what_their_source_says() -> None:
    """To renew them, write what this compares them with into offers.json."""
    source = DirectoryResponse.model_validate(directory(make_catalog(None, {})))
    expected: dict[str, dict[str, Offer]] = {}
    for model_id, model in source.models.items():
        offers = {
            entry.provider: Offer(tier.input_price, tier.output_price, tier.cache_read_price, tier.cache_write_price)
            for entry in model.providers
            # Other tiers are asked for by name, and rarely.
            for tier in [tier for tier in entry.tiers or () if tier.name in {None, "standard"}] or entry.tiers or ()
            if tier.input_price is not None and tier.output_price is not None
        }
        expected |= dict.fromkeys((model_id, *(model.aliases or ())), offers)
    assert snapshot() == expected
    assert "offers.json" in {each.name for each in files("auriko.spend").iterdir()}


def test_the_sandboxs_caches_have_a_lifetime() -> None:
    clock = Clock()
    cache = PrefixCache(clock)
    text = "All work and no play makes Jack a dull boy. " * 100
    cache.use("p", text, 10)
    clock.now = 299.0
    assert cache.peek("p", text, 10) > 0.9
    clock.now = 301.0
    assert cache.peek("p", text, 10) == 0.0


@both_clients
async def test_an_abandoned_turn_is_one(kind: Any) -> None:
    with Sandbox(engines=["quote"], answers=["Hello " * 50, ScriptedError("internal_error")]) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url, max_retries=0)
        opened = await settled(
            client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True, conversation="c")
        )
        await settled(opened.close())
        await settled(client.close())
    assert isinstance(client, (Client, AsyncClient))
