"""What a call says is merged over what the model is set to by one rule, whichever framework's model it is."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.llms import ChatMessage

from auriko import GatewayOptions
from auriko_langchain import ChatAuriko
from auriko_llamaindex import Auriko
from tests.support.scripted_gateway import ScriptedGateway

COST = {"routing": {"optimize": "cost", "max_ttft_ms": 5}}


def by_langchain(gateway: ScriptedGateway, fields: dict[str, Any], call: dict[str, Any]) -> None:
    ChatAuriko(**gateway.settings(fields, "http_client", "http_async_client")).invoke("hi", **call)


def by_a_binding(gateway: ScriptedGateway, fields: dict[str, Any], call: dict[str, Any]) -> None:
    ChatAuriko(**gateway.settings(fields, "http_client", "http_async_client")).bind(**call).invoke("hi")


def by_llamaindex(gateway: ScriptedGateway, fields: dict[str, Any], call: dict[str, Any]) -> None:
    llm = Auriko(**gateway.settings(fields, "http_client", "async_http_client"))
    llm.chat([ChatMessage(role="user", content="hi")], **call)


WAYS = [by_langchain, by_a_binding, by_llamaindex]


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.parametrize(
    ("fields", "call", "sent"),
    [
        ({"temperature": 0.5}, {"temperature": None}, {}),
        ({"max_tokens": 5}, {"max_completion_tokens": 9}, {"max_completion_tokens": 9}),
        ({"max_tokens": 5}, {"max_tokens": 9}, {"max_completion_tokens": 9}),
        ({"max_tokens": 5}, {"max_tokens": None}, {}),
        ({"max_tokens": 5}, {"max_completion_tokens": None}, {}),
        ({"max_tokens": 5}, {"max_tokens": None, "max_completion_tokens": 7}, {"max_completion_tokens": 7}),
        ({"extra_body": {"a": {"b": 1, "c": 2}}}, {"extra_body": {"a": {"c": 3}}}, {"a": {"b": 1, "c": 3}}),
        ({"extensions": {"x": {"b": 1}}}, {"extensions": {"x": {"c": 1}}}, {"extensions": {"x": {"b": 1, "c": 1}}}),
        (
            COST,
            {"gateway": {"routing": {"optimize": "ttft"}}},
            {"gateway": {"routing": {"optimize": "ttft", "max_ttft_ms": 5}}},
        ),
        (
            COST,
            {"gateway": GatewayOptions.model_validate({"models": ["a"], "metadata": {"user_id": "u"}})},
            {"model": None, "gateway": {**COST, "models": ["a"], "metadata": {"user_id": "u"}}},
        ),
        (
            {"routing": {"optimize": "cost"}},
            {"extra_body": {"gateway": {"routing": {"max_ttft_ms": 5}}}},
            {"gateway": COST},
        ),
        ({}, {"model": "gpt-4o:ttft"}, {"model": "gpt-4o:ttft"}),
    ],
)
def test_a_call_is_merged_over_the_model(ask: Any, fields: Any, call: Any, sent: Any) -> None:
    gateway = ScriptedGateway()
    gateway.says("ok")
    ask(gateway, fields, call)
    expected = {"model": "m-1", **sent}
    found = {name: value for name, value in gateway.bodies[0].items() if name != "messages"}
    assert found == {name: value for name, value in expected.items() if value is not None}


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.parametrize("call", [{"max_tokens": 1, "max_completion_tokens": 2}, {"model": "a", "models": ["b"]}])
def test_a_call_that_says_a_thing_twice_is_refused(ask: Any, call: Any) -> None:
    gateway = ScriptedGateway()
    with pytest.raises(ValueError, match=r"give either .* not both"):
        ask(gateway, {}, call)
    assert gateway.bodies == []
