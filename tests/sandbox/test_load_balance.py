"""Calls that are shared among those who are about as good: by chance, with a seed, and only where it is asked for."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from auriko.cli._parser import make_parser
from auriko.sandbox import Paced, QuoteEngine, Sandbox, ScriptedEngine
from auriko.sandbox.router.scoring import pick_by_chance
from auriko.sandbox.router.speed import Sample
from auriko.sandbox.serving.measurements import Measurements

MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]
HOSTS = {"a": 1.0, "b": 1.1, "c": 4.0}
CATALOG = {
    "builtin": False,
    "providers": {name: {"engine": "quote"} for name in HOSTS},
    "models": {"m": {"offers": {name: {"price": {"input": usd, "output": usd}} for name, usd in HOSTS.items()}}},
}


def rivals(*scores: float) -> Sequence[Any]:
    return [SimpleNamespace(score=score) for score in scores]


def shares(margin: float, *scores: float) -> list[float]:
    """How often each is picked, of 4,000 times."""
    pick = pick_by_chance(margin, random.Random(1).random)
    found = Counter(pick(rivals(*scores)).score for _ in range(4000))
    return [found[score] / 4000 for score in scores]


def test_the_better_are_the_likelier_by_the_square_of_their_scores() -> None:
    assert shares(0.5, 1.0, 0.5, 0.4) == pytest.approx([0.8, 0.2, 0.0], abs=0.03)
    assert shares(0.0, 1.0, 0.999) == [1.0, 0.0]
    assert shares(0.2, 0.5, 0.1) == [1.0, 0.0]


def test_who_all_score_nothing_share_evenly() -> None:
    pick, nobody = pick_by_chance(0.2, random.Random(1).random), rivals(0.0, 0.0)
    assert {id(pick(nobody)) for _ in range(40)} == {id(each) for each in nobody}


@pytest.mark.parametrize("margin", [-0.1, 1.1, float("nan")])
def test_the_margin_is_a_share(margin: float) -> None:
    with pytest.raises(ValueError, match="load_balance is a share between 0 and 1"):
        Sandbox(load_balance=margin)


def served(http: httpx.Client, calls: int, **routing: Any) -> list[str]:
    body = {"model": "m", "messages": MESSAGES, "gateway": {"routing": routing}}
    replies = [http.post("/chat/completions", json=body).json() for _ in range(calls)]
    return [str(reply["routing_metadata"]["provider"]) for reply in replies]


def test_a_seed_picks_the_same() -> None:
    def picked(seed: int) -> list[float]:
        pick = pick_by_chance(0.3, random.Random(seed).random)
        return [pick(rivals(1.0, 0.9)).score for _ in range(20)]

    assert picked(3) == picked(3) != picked(4)


def test_calls_are_shared(start_sandbox: Callable[..., httpx.Client]) -> None:
    def who(**options: Any) -> set[str]:
        return set(served(start_sandbox([QuoteEngine()], catalog=CATALOG, **options), 20))

    assert who() == {"a"}
    # Who exactly depends on scores too, and so on how quick the providers were.
    assert who(load_balance=0.3, seed=3) == {"a", "b"}


def test_a_preferred_provider_is_not_shared_with_others(start_sandbox: Callable[..., httpx.Client]) -> None:
    http = start_sandbox([QuoteEngine()], catalog=CATALOG, load_balance=0.3)
    assert served(http, 10, prefer="c") == ["c"] * 10


def test_the_journal_says_that_another_than_the_best_was_picked() -> None:
    with (
        Sandbox(engines=[QuoteEngine()], catalog=CATALOG, load_balance=0.3, seed=3) as sandbox,
        httpx.Client(base_url=sandbox.base_url, headers={"Authorization": f"Bearer {sandbox.api_key}"}) as http,
    ):
        who = served(http, 20)
        decisions = sandbox.decisions
    told = {name: decision["reason"] for name, decision in zip(who, decisions, strict=True)}
    assert told["a"].startswith("the best of 3 by cost-focus: cheapest")
    assert told["b"] == "picked among those about as good as the best of 3 by cost-focus"
    assert [each["provider"] for each in decisions[who.index("b")]["candidates"]] == ["b", "a", "c"]


def test_the_command_has_the_option() -> None:
    parse = make_parser().parse_args
    assert parse(["sandbox", "--load-balance", "0.2"]).load_balance == 0.2
    assert parse(["sandbox"]).load_balance == 0.0


def test_caches_count_in_what_is_expected_by_what_they_hold_on_average() -> None:
    measurements = Measurements()
    assert measurements.cached_share() == 0.0
    measurements.add("a", "standard", Sample(1.0, 1.0, 3000, 10, cached_tokens=2000))
    measurements.add("b", "standard", Sample(1.0, 1.0, 1000, 10))
    assert measurements.cached_share() == 0.5


def test_expected_cost_does_not_tell_whose_cache_has_a_prompt() -> None:
    prices = {"a": {"input": 1.0, "output": 1.0, "cache_read": 0.1}, "b": {"input": 1.0, "output": 1.0}}
    offers = {name: {"price": price} for name, price in {**prices, "c": prices["a"]}.items()}
    catalog = {**CATALOG, "models": {"m": {"offers": offers}}}
    long = [{"role": "user", "content": "All work and no play makes Jack a dull boy. " * 200}]
    with (
        Sandbox(engines=[ScriptedEngine("Yes.", name="quote")], catalog=catalog) as sandbox,
        httpx.Client(base_url=sandbox.base_url, headers={"Authorization": f"Bearer {sandbox.api_key}"}) as http,
    ):
        for messages in (long, long, long, MESSAGES):
            body = {"model": "m", "messages": messages, "gateway": {"routing": {"prefer": "a"}}}
            http.post("/chat/completions", json=body)
        found = [
            {each["provider"]: each["expected_usd"] for each in decision["candidates"]}
            for decision in sandbox.decisions
        ]
    assert found[0]["a"] == found[0]["b"] == found[0]["c"]  # nothing has been cached anywhere
    assert found[2]["a"] == found[2]["c"] < found[2]["b"]  # b has no cache
    assert found[3]["a"] == found[3]["b"]  # nothing so short is cached


def test_a_cache_makes_a_paced_provider_quicker_to_begin() -> None:
    engine = Paced(ScriptedEngine("Yes."), name="quote", prefill=1e-4)
    long = [{"role": "user", "content": "All work and no play makes Jack a dull boy. " * 200}]
    prices = {"a": {"input": 1.0, "output": 1.0, "cache_read": 0.1}, "b": {"input": 1.0, "output": 1.0}}
    catalog = {**CATALOG, "models": {"m": {"offers": {name: {"price": each} for name, each in prices.items()}}}}

    def ttft(http: httpx.Client, provider: str) -> float:
        body = {"model": "m", "messages": long, "gateway": {"routing": {"providers": [provider]}}}
        return float(http.post("/chat/completions", json=body).json()["routing_metadata"]["ttft_ms"])

    with (
        Sandbox(engines=[engine], catalog=catalog) as sandbox,
        httpx.Client(base_url=sandbox.base_url, headers={"Authorization": f"Bearer {sandbox.api_key}"}) as http,
    ):
        firsts = [ttft(http, provider) for provider in ("a", "a", "b", "b")]
    assert [ms > 150 for ms in firsts] == [True, False, True, True]
