"""What a prompt will cost, before it is sent."""

import inspect
import random
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from auriko import AsyncClient, Client
from auriko._tokens import prompt_token_range
from auriko.estimate import CostEstimate, CostEstimator, estimate_tokens
from auriko.models import ChatCompletion
from auriko.sandbox import Sandbox
from tests.support.acts import reply
from tests.support.clients import serving
from tests.support.directory import NOW, directory, entry, tier

MODEL = "claude-sonnet-4-6"
ROOT = Path(__file__).parents[2]
CHINESE = (  # with the full-width punctuation that belongs to it
    "人工智能正在改变我们的生活方式。从智能手机到自动驾驶汽车，这项技术已经渗透到日常的方方面面。"  # noqa: RUF001
    "许多专家认为，未来十年内它将创造大量新的就业机会，同时也会淘汰一些传统职业。"  # noqa: RUF001
)
JAPANESE = "東京は日本の首都であり、世界で最も人口の多い都市圏の一つです。春には桜が咲き、多くの観光客が訪れます。"
KOREAN = "서울은 대한민국의 수도이며 한강을 따라 발전해 온 도시이다. 매년 많은 관광객이 이곳을 찾는다."
GERMAN = "Die Straßenbahn fährt alle zehn Minuten vom Hauptbahnhof zur Universität und hält an neun Stationen."


def estimate(*entries: dict[str, Any], **question: Any) -> CostEstimate:
    """An estimate over these entries for a prompt of about 1,000 tokens."""
    asked: dict[str, Any] = {"models": MODEL, "messages": "word " * 996, "output_tokens": 0, **question}
    return CostEstimator(**asked).estimate(directory(*(entries or (entry(),))), NOW)


def source(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(source("docs/routing.md"), id="prose"),
        pytest.param(source("LICENSE"), id="legal prose"),
        pytest.param(source("auriko/_rules/exchange.py"), id="code"),
        pytest.param(source("auriko/sandbox/catalog/catalog.json"), id="json"),
        pytest.param(CHINESE, id="Chinese"),
        pytest.param(JAPANESE, id="Japanese"),
        pytest.param(KOREAN, id="Korean"),
        pytest.param(GERMAN, id="German"),
        pytest.param(f"{CHINESE}\n{source('auriko/_rules/sse.py')}\n{GERMAN}", id="mixed"),
    ],
)
def test_the_estimate_is_within_20_percent_of_what_the_sandbox_counts(client: Client, text: str) -> None:
    messages: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    usage = client.chat.completions.create(model="gpt-4o", messages=messages, max_completion_tokens=1).usage
    assert usage is not None
    low, high = client.models.estimate_cost(models="gpt-4o", messages=messages, output_tokens=1).input_tokens
    assert low <= usage.prompt_tokens <= high
    assert high / low < 1.5
    assert usage.prompt_tokens / 1.2 <= estimate_tokens(text) + 12 <= usage.prompt_tokens * 1.2


def test_tools_schemas_calls_and_reasoning_are_counted() -> None:
    tools = [{"type": "function", "function": {"name": "look_up", "description": "Finds a thing. " * 20}}]
    plain = estimate().input_tokens
    assert estimate(tools=tools).input_tokens[0] > plain[0] + 60
    assert estimate(response_format={"type": "json_schema", "json_schema": tools[0]}).input_tokens[0] > plain[0] + 60
    words = "word " * 1000
    for message in (
        {"role": "assistant", "content": words},
        {"role": "user", "content": [{"type": "text", "text": words}]},
        {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": words}}]},
        {"role": "assistant", "reasoning": [{"type": "thinking", "thinking": words}]},
    ):
        assert estimate(messages=[message]).input_tokens[0] > 800, message


def test_a_message_that_came_back_can_be_counted() -> None:
    message = ChatCompletion.model_validate({"choices": [{"message": {"content": "word " * 1000}}]}).choices[0].message
    assert estimate(messages=[message]).input_tokens[0] > 800


def test_images_are_a_range_that_is_told() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10_000}}
    found = estimate(messages=[{"role": "user", "content": [image, image]}])
    assert found.input_tokens == (3 + 170, 5 + 3200)
    assert any("Images and files: 2, at 85 to 1,600 tokens each" in said for said in found.assumptions)


def test_the_price_is_tokens_times_the_directorys_prices() -> None:
    found = estimate(entry("a", tier(price_in=3, price_out=15)), output_tokens=(100, 200))
    low, high = found.input_tokens
    assert found.low_usd == pytest.approx((low * 3 + 100 * 15) / 1e6)
    assert found.high_usd == pytest.approx((high * 3 + 200 * 15) / 1e6)
    assert found.output_tokens == (100, 200)


def test_cache_prices_widen_the_range() -> None:
    found = estimate(entry("a", tier(cache_read_price=0.3, cache_write_price=3.75)))
    low, high = found.input_tokens
    assert found.low_usd == pytest.approx(low * 0.3 / 1e6)
    assert found.high_usd == pytest.approx(high * 3.75 / 1e6)


def test_prices_of_long_prompts_hold_for_long_prompts() -> None:
    def variants(*bounds: str) -> Any:
        return [{"role": "input", "price": 6, "constraints": {"context": bound}} for bound in bounds]

    def low(*bounds: str) -> float:
        found = estimate(entry("a", tier(price_variants=variants(*bounds))))
        return (found.low_usd or 0) / found.input_tokens[0] * 1e6

    exactly = estimate().input_tokens[0]
    assert low(f">{exactly}") == low(f"<{exactly}") == pytest.approx(3)
    assert low(f">={exactly}") == low(f"<={exactly}") == pytest.approx(6)
    assert low(">200k") == pytest.approx(3)
    assert low(">= 0.1k") == pytest.approx(6)
    assert low(">100") == pytest.approx(6)
    assert low("<1m") == pytest.approx(6)
    assert low("<= 10") == pytest.approx(3)


def test_output_prices_of_long_prompts_follow_the_prompt() -> None:
    variants = [{"role": "output", "price": 100, "constraints": {"context": ">100"}}]
    found = estimate(entry("a", tier(price_in=0, price_variants=variants)), output_tokens=1000)
    assert found.high_usd == pytest.approx(0.1)


@pytest.mark.parametrize(
    "variant",
    [
        {"role": "input", "price": 600, "constraints": {"time": "night"}},
        {"role": "input", "price": 600, "constraints": {"context": ">1", "region": "eu"}},
        {"role": "input", "price": 600, "constraints": {"context": "long"}},
        {"role": "input", "price": 600, "constraints": {}},
    ],
)
def test_prices_under_other_conditions_are_left_out_and_told(variant: dict[str, Any]) -> None:
    found = estimate(entry("a", tier(price_variants=[variant])))
    assert found.high_usd == pytest.approx(found.input_tokens[1] * 3 / 1e6)
    assert "Prices under conditions other than the prompt's length are not counted." in found.assumptions


def test_the_limit_asked_for_bounds_the_output() -> None:
    found = estimate(entry("a", tier(price_in=0), max_output_tokens=300), output_tokens=None, max_completion_tokens=500)
    assert found.output_tokens == (1, 300)
    assert found.low_usd == pytest.approx(15 / 1e6)
    assert found.high_usd == pytest.approx(300 * 15 / 1e6)
    assert any("1 to 500 tokens, by max_completion_tokens" in said for said in found.assumptions)


def test_without_a_limit_the_providers_own_is_the_most_and_that_is_told() -> None:
    found = estimate(entry("a", tier(price_in=0)), entry("b", max_output_tokens=None), output_tokens=None)
    assert found.output_tokens == (1, 64_000)
    assert found.high_usd == pytest.approx(64_000 * 15 / 1e6)
    assert any("since no limit was given" in said for said in found.assumptions)
    assert any("want of a price or an output limit: 1 " in said for said in found.assumptions)


def test_several_answers_cost_several_outputs() -> None:
    one, three = (estimate(entry("a", tier(price_in=0)), output_tokens=100, n=n) for n in (1, 3))
    assert three.high_usd == pytest.approx(3 * (one.high_usd or 0))
    assert any("in each of 3 answers" in said for said in three.assumptions)


def test_the_range_is_over_everybody_who_may_be_chosen() -> None:
    """Those whose speed only the gateway knows, and a tier that was opted in to, but not the excluded."""
    entries = [entry("cheap", tier(price_in=1)), entry("dear", tier(price_in=9), tier("priority", 54, 90))]
    found = estimate(*entries)
    assert [(cost.candidate.provider, cost.candidate.tier) for cost in found.costs] == [
        ("cheap", "standard"),
        ("dear", "standard"),
    ]
    opted = estimate(*entries, routing={"tier": "priority", "max_ttft_ms": 5})
    assert len(opted.costs) == 3
    assert opted.low_usd == found.low_usd
    assert opted.high_usd == pytest.approx((found.high_usd or 0) * 6)
    assert any("Counted although not decidable here: 3 " in said for said in opted.assumptions)


def test_a_prompt_that_does_not_fit_excludes_the_provider() -> None:
    found = estimate(entry("small", context_window=500), entry("tight", context_window=1050), entry("large"))
    assert [(c.provider, c.verdict) for c in found.candidates] == [
        ("large", "qualifies"),
        ("tight", "not decidable here"),
        ("small", "excluded"),
    ]
    assert found.candidates[2].reasons[0].code == "context_length_exceeded"
    assert [cost.candidate.provider for cost in found.costs] == ["large", "tight"]


def test_a_provider_without_a_price_is_left_out_and_that_is_told() -> None:
    found = estimate(entry("free?", tier(price_in=None)), entry("a"))
    assert [cost.candidate.provider for cost in found.costs] == ["a"]
    assert any("want of a price or an output limit: 1 " in said for said in found.assumptions)


def test_tools_exclude_who_cannot_call_them() -> None:
    lacking = entry("a", accepted_params=[], supported_parameters=[])
    found = estimate(lacking, tools=[{"type": "function", "function": {"name": "f"}}], params=["temperature"])
    assert found.candidates.error_code == "tools_not_supported"
    assert (found.low_usd, found.high_usd, found.costs) == (None, None, ())
    assert "No candidate is left (claude-sonnet-4-6: " in str(found)
    assert "tools" in str(found).split("No candidate")[1]


@pytest.mark.parametrize(
    ("entries", "question", "why"),
    [
        ([entry(context_window=500)], {}, r"\(claude-sonnet-4-6: the prompt has .* tokens, its window 500\)"),
        ([entry()], {"models": "zz"}, r"\(zz: the directory does not have this model\)"),
        ([entry()], {"models": "claude-sonet"}, r"did you mean claude-sonnet"),
        ([entry()], {"routing": {"max_cost_per_1m": 0.001}}, r"\(claude-sonnet-4-6: .*0\.001.*\)"),
        ([], {}, r"\(nobody offers the model\)"),
    ],
)
def test_why_nobody_is_left_is_said(entries: list[Any], question: dict[str, Any], why: str) -> None:
    asked: dict[str, Any] = {"models": MODEL, "messages": "word " * 996, **question}
    found = CostEstimator(**asked).estimate(directory(*entries), NOW)
    assert re.search(rf"^No candidate is left .*{why}", str(found), re.MULTILINE)


@pytest.mark.parametrize("lacking", [entry("a", tier(price_in=None)), entry("a", max_output_tokens=None)])
def test_without_a_price_or_an_output_limit_that_is_said(lacking: dict[str, Any]) -> None:
    assert "No candidate has both a price and an output limit." in str(estimate(lacking, output_tokens=None))


def test_ascii_is_counted_as_everything_else_is() -> None:
    """The quick way counts as the one for all writing does, which a letter beyond ASCII asks for."""
    chance = random.Random(1)
    for _ in range(300):
        text = "".join(chr(chance.randrange(128)) for _ in range(chance.randrange(80)))
        assert estimate_tokens(text + " 世") == estimate_tokens(text) + 1


def test_it_prints_as_a_table_with_its_assumptions() -> None:
    lines = str(estimate(entry("a"), entry("b", tier(price_in=30)), output_tokens=7)).splitlines()
    assert lines[0].split() == ["model", "provider", "tier", "low", "high"]
    assert lines[2].split()[:3] == [MODEL, "a", "standard"]
    assert lines[5].startswith("$0.00")
    assert lines[6].startswith("- Input: ")
    assert lines[7] == "- Output: 7 tokens, as expected by you."


def test_it_shows_as_a_table_in_a_notebook() -> None:
    html = estimate(entry("a"), output_tokens=7)._repr_html_()
    assert html.startswith("<table><thead>")
    assert "<div>$0.00" in html
    assert "<div>Output: 7 tokens" in html


@pytest.mark.parametrize(
    ("question", "kind", "said"),
    [
        ({"messages": "x"}, TypeError, "needs models"),
        ({"models": "m"}, TypeError, "needs messages"),
        ({"models": "m", "messages": ["x"]}, ValueError, "a message is a dictionary"),
        ({"models": "m", "messages": "x", "output_tokens": (5, 2)}, ValueError, "least and the most"),
        ({"models": "m", "messages": "x", "output_tokens": -1}, ValueError, "least and the most"),
        ({"models": "m", "messages": "x", "output_tokens": "5"}, ValueError, "least and the most, not '5'"),
        ({"models": "m", "messages": "x", "output_tokens": (1, 2, 3)}, ValueError, "least and the most"),
        ({"models": "m", "messages": "x", "output_tokens": 1.5}, ValueError, "a whole number"),
        ({"models": "m", "messages": "x", "max_tokenz": 1}, TypeError, "argument 'max_tokenz'"),
        ({"models": "m", "messages": "x", "routing": {"tiers": 1}}, ValueError, "tier"),
    ],
)
def test_a_wrong_question_is_refused_before_anything_is_fetched(
    question: Any, kind: type[Exception], said: str
) -> None:
    with serving(reply(200, {"models": {}})) as (server, client):
        with pytest.raises(kind, match=said):
            client.models.estimate_cost(**question)
        assert server.requests == []


def test_help_shows_the_parameters() -> None:
    parameters = inspect.signature(Client(api_key="ak_x").models.estimate_cost).parameters
    assert parameters["messages"].default is inspect.Parameter.empty
    assert parameters["output_tokens"].default is None


def test_what_a_call_then_costs_lies_within_the_range(client: Client) -> None:
    question = "Paris is the capital of France. What is the capital of France?"
    found = client.models.estimate_cost(models=["gpt-4o", MODEL], messages=question, max_completion_tokens=20)
    assert found.low_usd is not None
    assert found.high_usd is not None
    for name in ("gpt-4o", MODEL):
        answer = client.chat.completions.create(
            model=name, messages=[{"role": "user", "content": question}], max_completion_tokens=20
        )
        assert answer.routing_metadata is not None
        assert answer.routing_metadata.cost is not None
        assert answer.routing_metadata.cost.usd is not None
        assert found.low_usd <= answer.routing_metadata.cost.usd <= found.high_usd


@pytest.mark.anyio
async def test_the_async_client_estimates_the_same(sandbox: Sandbox, client: Client) -> None:
    async with AsyncClient(api_key=sandbox.api_key, base_url=sandbox.base_url) as other:
        found = await other.models.estimate_cost(models="gpt-4o", messages="hi", output_tokens=3)
    assert str(found) == str(client.models.estimate_cost(models="gpt-4o", messages="hi", output_tokens=3))


def test_messages_are_mappings_of_any_kind() -> None:
    message = {"role": "user", "content": "Hello!"}
    assert prompt_token_range([MappingProxyType(message)], None, None) == prompt_token_range([message], None, None)
    with pytest.raises(ValueError, match="a message is a dictionary"):
        prompt_token_range(["Hello"], None, None)
