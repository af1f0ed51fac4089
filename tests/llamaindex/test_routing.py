"""Routing, models, labels and extensions: the LLM's, the call's, and both together."""

from __future__ import annotations

import copy

import pytest
from llama_index.core.llms import ChatMessage

from auriko import GatewayOptions, RoutingOptions
from auriko.routing import GatewayWarning

MESSAGES = [ChatMessage(role="user", content="Hi")]


def _sent(gateway, llm, /, **call) -> dict:
    gateway.says("ok")
    llm.chat(MESSAGES, **call)
    return gateway.bodies[-1]


@pytest.mark.parametrize(
    "routing", [{"optimize": "ttft", "max_ttft_ms": 900}, RoutingOptions(optimize="ttft", max_ttft_ms=900)]
)
def test_routing_is_a_dictionary_or_an_object(gateway, routing):
    expected = {"optimize": "ttft", "max_ttft_ms": 900}
    assert _sent(gateway, gateway.llm(routing=routing))["gateway"] == {"routing": expected}
    assert _sent(gateway, gateway.llm(), routing=routing)["gateway"] == {"routing": expected}


def test_a_call_wins_key_by_key(gateway):
    llm = gateway.llm(
        models=["a", "b"],
        routing={"optimize": "cost", "prefer": "x", "weights": {"cost": 1.0}},
        gateway_metadata={"tags": ["docs"], "user_id": "u"},
        extensions={"anthropic": {"a": 1, "b": 1}},
        extra_body={"one": 1, "two": 1},
    )
    call = {
        "routing": RoutingOptions(optimize="ttft", weights={"ttft": 2.0}),
        "gateway_metadata": {"user_id": "v"},
        "extensions": {"anthropic": {"b": 2}, "openai": {"c": 3}},
        "extra_body": {"two": 2},
    }
    before = copy.deepcopy((llm.to_dict(), call))
    body = _sent(gateway, llm, **call)
    assert body["gateway"] == {
        "models": ["a", "b"],
        "routing": {"optimize": "ttft", "prefer": "x", "weights": {"cost": 1.0, "ttft": 2.0}},
        "metadata": {"tags": ["docs"], "user_id": "v"},
    }
    assert body["extensions"] == {"anthropic": {"a": 1, "b": 2}, "openai": {"c": 3}}
    assert (body["one"], body["two"]) == (1, 2)
    assert (llm.to_dict(), call) == before
    # And the next call has the LLM's own again.
    assert _sent(gateway, llm)["gateway"]["routing"]["optimize"] == "cost"


@pytest.mark.parametrize("options", [{"routing": {"optimize": "tps"}}, GatewayOptions(routing={"optimize": "tps"})])
def test_a_call_may_give_the_whole_gateway_object(gateway, options):
    body = _sent(gateway, gateway.llm(routing={"prefer": "x"}), gateway=options, routing={"max_ttft_ms": 5})
    assert body["gateway"] == {"routing": {"prefer": "x", "optimize": "tps", "max_ttft_ms": 5}}


def test_a_call_with_models_drops_the_model_and_the_other_way_round(gateway):
    one, several = gateway.llm(model="a"), gateway.llm(models=["a", "b"], routing={"mode": "fallback"})
    body = _sent(gateway, one, models=["c", "d"])
    assert "model" not in body
    assert body["gateway"] == {"models": ["c", "d"]}
    body = _sent(gateway, several, model="c")
    assert body["model"] == "c"
    assert body["gateway"] == {"routing": {"mode": "fallback"}}
    body = _sent(gateway, several, gateway={"models": ["c"]})
    assert body["gateway"] == {"models": ["c"], "routing": {"mode": "fallback"}}


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ({"model": "a", "models": ["b"]}, "model"),
        ({"models": []}, "models"),
        ({"routing": {"optimise": "cost"}}, "optimize"),
        ({"gateway_metadata": {"team": "x"}}, "custom_fields"),
        ({"temperature": float("nan")}, "temperature"),
        ({"extensions": {"thinking": {}}}, "reasoning_effort"),
    ],
)
def test_a_wrong_call_is_refused_before_any_request(gateway, call, error):
    with pytest.raises(ValueError, match=error):
        gateway.llm().chat(MESSAGES, **call)
    with pytest.raises(ValueError, match=error):
        list(gateway.llm().stream_chat(MESSAGES, **call))
    assert gateway.bodies == []


def test_the_name_of_the_token_limit_is_the_calls(gateway):
    llm = gateway.llm(max_tokens=9)
    assert _sent(gateway, llm)["max_completion_tokens"] == 9
    body = _sent(gateway, llm, max_tokens=5)
    assert body["max_completion_tokens"] == 5
    assert "max_tokens" not in body
    assert _sent(gateway, llm, max_completion_tokens=4)["max_completion_tokens"] == 4


def test_none_unsets_what_the_llm_is_set_to(gateway):
    llm = gateway.llm(temperature=0.5, routing={"optimize": "cost"}, gateway_metadata={"tags": ["a"]})
    body = _sent(gateway, llm, temperature=None, routing=None)
    assert "temperature" not in body
    assert body["gateway"] == {"metadata": {"tags": ["a"]}}


def test_objects_of_options_are_merged_however_deep(gateway):
    llm = gateway.llm(extra_body={"a": {"b": 1, "c": {"d": 1}}}, additional_kwargs={"extra_body": {"a": {"b": 2}}})
    body = _sent(gateway, llm, extra_body={"a": {"c": {"e": 2}}})
    assert body["a"] == {"b": 2, "c": {"d": 1, "e": 2}}


@pytest.mark.parametrize("twice", [{"model": "a", "models": ["b"]}, {"max_tokens": 1, "max_completion_tokens": 2}])
def test_a_call_says_a_thing_once(gateway, twice):
    with pytest.raises(ValueError, match="not both"):
        gateway.llm().chat(MESSAGES, **twice)
    assert gateway.bodies == []


def test_options_of_the_call_reach_the_client(gateway):
    _sent(gateway, gateway.llm(), extra_headers={"X-Team": "a"}, idempotency_key="k1")
    assert gateway.headers[0]["x-team"] == "a"
    assert gateway.headers[0]["idempotency-key"] == "k1"


@pytest.mark.anyio
async def test_routing_of_a_call_reaches_every_mode(gateway):
    llm, call = gateway.llm(), {"routing": {"optimize": "tps"}}
    for _ in range(2):
        gateway.says("ok")
    for _ in range(2):
        gateway.streams("ok")
    llm.complete("Hi", **call)
    await llm.achat(MESSAGES, **call)
    list(llm.stream_complete("Hi", **call))
    _ = [item async for item in await llm.astream_chat(MESSAGES, **call)]
    assert [body["gateway"] for body in gateway.bodies] == [{"routing": {"optimize": "tps"}}] * 4


def test_the_gateway_warns_and_the_answer_is_kept(gateway):
    warning = {"type": "unsupported_parameter", "code": "seed_dropped", "message": "seed was not forwarded"}
    llm = gateway.llm()
    for _ in range(2):
        gateway.says("ok", routing_metadata={"warnings": [warning]})
        with pytest.warns(GatewayWarning, match="The gateway says: seed was not forwarded"):
            response = llm.chat(MESSAGES)
        assert response.additional_kwargs["routing_metadata"]["warnings"] == [warning]
