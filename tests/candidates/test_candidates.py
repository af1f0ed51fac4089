"""Who can serve a request, and why others cannot (API sections 5, 5.2 and 11.6)."""

import inspect
import re
from typing import Any

import pytest

from auriko import AsyncClient, Client, RoutingOptions
from auriko.candidates import Candidate, Candidates, CandidateSearch
from auriko.errors import BadRequestError
from auriko.sandbox import Sandbox
from tests.support.acts import reply
from tests.support.clients import serving
from tests.support.directory import NOW, directory, entry, tier

MODEL = "claude-sonnet-4-6"


def find(*entries: dict[str, Any], models: Any = MODEL, **search: Any) -> Candidates:
    """Candidates among these entries."""
    return CandidateSearch(models=models, **search).find(directory(*entries), NOW)


def only(*entries: dict[str, Any], **search: Any) -> Candidate:
    """The only candidate."""
    (candidate,) = find(*entries, **search)
    return candidate


def test_a_candidate_carries_the_prices_and_limits_of_its_entry() -> None:
    candidate = only(entry("anthropic", tier(cache_read_price=0.3)))
    assert (candidate.model, candidate.provider, candidate.tier, candidate.verdict) == (
        MODEL,
        "anthropic",
        "standard",
        "qualifies",
    )
    assert (candidate.input_price, candidate.output_price, candidate.mean_price) == (3, 15, 9)
    assert candidate.prices.cache_read_price == 0.3
    assert candidate.entry.context_window == 200_000
    assert candidate.reasons == ()


@pytest.mark.parametrize(
    ("offer", "search", "code", "said"),
    [
        ({}, {"routing": {"providers": ["openai"]}}, "provider_not_in_allowlist", "providers"),
        ({}, {"routing": {"exclude_providers": ["anthropic"]}}, "provider_blocked", "exclude_providers"),
        ({}, {"routing": {"max_cost_per_1m": 8.9}}, "cost_constraint_exceeded", r"\$9 is above max_cost_per_1m=8.9"),
        ({}, {"routing": {"data_policy": "zdr"}}, "no_compatible_endpoint", "no_training, not zdr"),
        (
            {},
            {"routing": {"require_parameters": True}, "params": ["temperature", "seed", "n"]},
            "required_params_not_supported",
            "n, seed",
        ),
        ({"supported_endpoints": ["responses"]}, {}, "response_api_only", "Responses API only"),
        ({}, {"endpoint": "responses"}, "no_responses_endpoint", "not served by the Responses API"),
        ({"tiers": [tier("priority", 18, 90)]}, {}, "tier_opt_in_required", "tier='priority'"),
        ({"accepted_params": None}, {"params": ["reasoning_effort"]}, "reasoning_not_supported", "reasoning_effort"),
        ({"supported_parameters": None}, {"params": ["reasoning_effort"]}, "reasoning_not_supported", "reasoning_eff"),
        ({"shutdown_at": "2026-09-30T00:00:00Z"}, {}, "model_unavailable", "2026-09-30"),
        ({"shutdown_at": "2026-09-30"}, {}, "model_unavailable", "2026-09-30"),
        ({"shutdown_at": "2026-10-01T00:00:00Z"}, {}, "model_unavailable", "2026-10-01"),
        ({"accepted_params": [], "supported_parameters": []}, {"params": ["tools"]}, "tools_not_supported", "tools"),
        ({}, {"params": ["reasoning_effort"]}, "reasoning_not_supported", "reasoning_effort"),
        ({}, {"params": ["response_format"]}, "structured_output_not_supported", "response_format"),
    ],
)
def test_whoever_is_excluded_has_a_reason_and_the_gateways_code(
    offer: dict[str, Any], search: dict[str, Any], code: str, said: str
) -> None:
    found = find(entry(**offer), **search)
    (candidate,) = found.excluded
    (reason,) = candidate.reasons
    assert reason.code == code
    assert re.search(said, reason.text), reason.text
    assert found.error_code == code
    assert found.qualifying == found.undecided == []


@pytest.mark.parametrize(
    ("offer", "search"),
    [
        ({}, {"routing": {"max_cost_per_1m": 9}}),
        ({}, {"routing": {"data_policy": "no_training"}}),
        ({}, {"routing": {"data_policy": "none"}}),
        ({"data_policy": "zdr"}, {"routing": {"data_policy": "no_training"}}),
        ({"data_policy": None}, {"routing": {"data_policy": "none"}}),
        ({}, {"routing": {"providers": ["anthropic", "openai"], "exclude_providers": ["openai"]}}),
        ({}, {"routing": {"require_parameters": True}, "params": ["temperature", "top_k", "max_completion_tokens"]}),
        ({}, {"routing": {"require_parameters": True}}),
        ({"tiers": [tier("priority")]}, {"routing": {"tier": "priority"}}),
        ({"tiers": None}, {}),
        ({"supported_endpoints": None}, {"endpoint": "responses"}),
        ({"shutdown_at": "2026-10-01T00:00:01Z"}, {}),
        ({"shutdown_at": "some day"}, {}),
        ({"accepted_params": None, "supported_parameters": None}, {"params": ["tools", "seed"]}),
        ({}, {"routing": {"optimize": "ttft", "prefer": "nobody", "mode": "fallback"}}),
    ],
)
def test_who_meets_the_request_qualifies(offer: dict[str, Any], search: dict[str, Any]) -> None:
    found = find(entry(**offer), **search)
    assert len(found.qualifying) == 1
    assert found.error_code is None


@pytest.mark.parametrize(
    ("offer", "search", "code"),
    [
        ({}, {"routing": {"max_ttft_ms": 800}}, "latency_constraint_exceeded"),
        ({}, {"routing": {"min_throughput_tps": 50}}, "throughput_constraint_not_met"),
        ({}, {"routing": {"only_byok": True}}, "byok_keys_required"),
        ({}, {"routing": {"only_platform": True}}, "platform_keys_unavailable"),
        ({"tiers": [tier(price_out=None)]}, {"routing": {"max_cost_per_1m": 9}}, "cost_constraint_exceeded"),
        ({"data_policy": None}, {"routing": {"data_policy": "zdr"}}, None),
        (
            {"accepted_params": None, "supported_parameters": None},
            {"routing": {"require_parameters": True}, "params": ["seed"]},
            "required_params_not_supported",
        ),
    ],
)
def test_what_the_directory_does_not_hold_is_not_decidable_here(
    offer: dict[str, Any], search: dict[str, Any], code: str | None
) -> None:
    found = find(entry(**offer), **search)
    (candidate,) = found.undecided
    assert candidate.verdict == "not decidable here"
    assert [reason.code for reason in candidate.reasons] == [code]
    assert found.error_code is None


def test_a_reason_to_exclude_outweighs_what_cannot_be_decided() -> None:
    candidate = only(entry(), routing={"max_ttft_ms": 1, "exclude_providers": ["anthropic"]})
    assert candidate.verdict == "excluded"
    assert [reason.code for reason in candidate.reasons] == ["provider_blocked"]


def test_every_reason_is_told() -> None:
    candidate = only(entry(), routing={"exclude_providers": ["anthropic"], "data_policy": "zdr", "max_cost_per_1m": 1})
    assert {reason.code for reason in candidate.reasons} == {
        "provider_blocked",
        "no_compatible_endpoint",
        "cost_constraint_exceeded",
    }


def test_a_reason_that_all_share_is_the_error() -> None:
    """A premium tier that was not asked for does not hide what excludes everybody."""
    found = find(entry("a", tier(), tier("priority", 18, 90)), routing={"max_cost_per_1m": 1})
    assert len(found.excluded) == 2
    assert found.error_code == "cost_constraint_exceeded"


def test_several_reasons_leave_no_compatible_endpoint() -> None:
    found = find(
        entry("a"), entry("b", data_policy="none"), routing={"exclude_providers": ["a"], "data_policy": "no_training"}
    )
    assert {reason.code for candidate in found for reason in candidate.reasons} == {
        "provider_blocked",
        "no_compatible_endpoint",
    }
    assert found.error_code == "no_compatible_endpoint"


def test_dropped_parameters_are_noted_not_held_against_anybody() -> None:
    candidate = only(entry(), params=["temperature", "seed", "logprobs"])
    assert candidate.verdict == "qualifies"
    assert candidate.notes == ("would not be sent logprobs, seed",)


def test_every_tier_is_a_candidate_and_opting_in_adds_to_the_choice() -> None:
    offer = entry("anthropic", tier(), tier("priority", 18, 90))
    assert [(c.tier, c.verdict) for c in find(offer)] == [("standard", "qualifies"), ("priority", "excluded")]
    opted = find(offer, routing=RoutingOptions(tier="priority"))
    assert [(c.tier, c.verdict) for c in opted] == [("standard", "qualifies"), ("priority", "qualifies")]


@pytest.mark.parametrize("name", [MODEL, "claude-sonnet", f"{MODEL}:ttft-focus", "claude-sonnet:cost"])
def test_models_are_found_by_id_alias_and_suffix(name: str) -> None:
    assert only(entry(), models=name).model == MODEL


@pytest.mark.parametrize("name", ["gpt-99", f"{MODEL}:nitro", f"ft:{MODEL}:org:cost"])
def test_a_model_that_the_directory_does_not_have_is_told(name: str) -> None:
    candidate = only(entry(), models=[name])
    assert (candidate.model, candidate.provider, candidate.verdict) == (name, "", "excluded")
    assert candidate.reasons[0].code == "model_not_found"


def test_those_that_qualify_come_first_and_the_cheaper_before_the_dearer() -> None:
    found = find(
        entry("dear", tier(price_in=9)),
        entry("blocked", tier(price_in=0)),
        entry("unpriced", tier(price_in=None)),
        entry("cheap", tier(price_in=1)),
        routing={"exclude_providers": ["blocked"]},
    )
    assert [candidate.provider for candidate in found] == ["cheap", "dear", "unpriced", "blocked"]
    assert found[0].provider == "cheap"
    assert [candidate.provider for candidate in found[1:3]] == ["dear", "unpriced"]
    assert len(found) == 4


def test_it_prints_as_a_table_with_the_reasons() -> None:
    found = find(
        entry("dear", tier(price_in=9)),
        entry("cheap"),
        models=[MODEL],
        routing={"providers": ["cheap"]},
        params=["seed"],
    )
    lines = str(found).splitlines()
    assert lines[0].split() == ["model", "provider", "tier", "verdict", "in", "$/1M", "out", "$/1M", "why"]
    assert lines[2].split()[:6] == [MODEL, "cheap", "standard", "qualifies", "3", "15"]
    assert lines[2].endswith("would not be sent seed")
    assert "it is not among providers (provider_not_in_allowlist)" in lines[3]
    assert len({line.index("standard") for line in lines[2:]}) == 1
    assert repr(found) == "Candidates(qualifying=1, undecided=0, excluded=1)"


def test_a_price_that_is_not_known_is_a_question_mark() -> None:
    assert " ?  " in str(find(entry("anthropic", tier(price_in=None))))


def test_it_shows_as_a_table_in_a_notebook_and_escapes_what_it_shows() -> None:
    html = find(entry("<b>evil</b>", tier()))._repr_html_()
    assert html.startswith("<table>")
    assert "<th" in html
    assert "&lt;b&gt;evil" in html
    assert "<b>" not in html
    assert "color" not in html


@pytest.mark.parametrize(
    ("search", "kind", "said"),
    [
        ({"models": []}, ValueError, "models is empty"),
        ({"models": "m", "routing": {"optimise": "cost"}}, ValueError, "optimize"),
        ({"models": "m", "params": ["temprature"]}, ValueError, "temperature"),
        ({}, TypeError, "needs models"),
        ({"models": "m", "route": {}}, TypeError, "routing"),
    ],
)
def test_a_wrong_question_is_refused_before_anything_is_fetched(search: Any, kind: type[Exception], said: str) -> None:
    with serving(reply(200, {"models": {}})) as (server, client):
        with pytest.raises(kind, match=said):
            client.models.candidates(**search)
        assert server.requests == []


def test_the_directory_is_fetched_without_the_key() -> None:
    with serving(reply(200, {"models": {}})) as (server, client):
        client.models.candidates(models="m", routing=None, params=None, endpoint=None)
    assert server.requests[0].target == "/v1/directory/models"
    assert server.requests[0].header("Authorization") is None


def test_help_shows_the_parameters() -> None:
    parameters = inspect.signature(Client(api_key="ak_x").models.candidates).parameters
    assert list(parameters) == ["models", "routing", "params", "endpoint"]


@pytest.mark.anyio
async def test_the_async_client_finds_the_same(sandbox: Sandbox, client: Client) -> None:
    async with AsyncClient(api_key=sandbox.api_key, base_url=sandbox.base_url) as other:
        found = await other.models.candidates(models="gpt-4o", params=["seed"])
    assert str(found) == str(client.models.candidates(models="gpt-4o", params=["seed"]))


@pytest.mark.parametrize(
    ("models", "routing", "request_fields"),
    [
        (["gpt-4o"], {}, {}),
        (["gpt-4o", "claude-sonnet-4-6"], {"data_policy": "zdr"}, {}),
        (["gpt-4o"], {"providers": ["nobody"]}, {}),
        (["gpt-4o"], {"exclude_providers": ["openai", "azure_openai"]}, {}),
        (["claude-sonnet-4-6"], {"max_cost_per_1m": 0.01}, {}),
        (["claude-sonnet-4-6"], {"require_parameters": True}, {"seed": 4, "n": 1}),
        (["claude-sonnet-4-6"], {"tier": "priority", "exclude_providers": ["aws_bedrock"]}, {}),
        (["gpt-4o"], {"require_parameters": True}, {"seed": 4}),
        (["gpt-4o"], {}, {"reasoning_effort": "high"}),
    ],
)
def test_the_sandboxs_router_agrees(client: Client, models: Any, routing: Any, request_fields: Any) -> None:
    """Whoever answers is among those that qualify; where nobody does, the error is the one that was foretold."""
    found = client.models.candidates(models=models, routing=routing, params=list(request_fields))
    request: Any = {"messages": [{"role": "user", "content": "hi"}], **request_fields}
    gateway: Any = {"models": models, "routing": routing}
    if found.error_code is not None:
        with pytest.raises(BadRequestError) as raised:
            client.chat.completions.create(**request, gateway=gateway)
        assert raised.value.code == found.error_code
    else:
        metadata = client.chat.completions.create(**request, gateway=gateway).routing_metadata
        assert metadata is not None
        assert (metadata.model_canonical, metadata.provider) in {(c.model, c.provider) for c in found.qualifying}
