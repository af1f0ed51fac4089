"""Calls that are cut or cannot be read: an agent does not run them, and the model is told why."""

import json

import pytest
from langchain.agents import create_agent
from langchain_core.tools import tool

from auriko_langchain.middleware import AurikoInvalidCallMiddleware
from tests.support.langchain_ways import call

pytestmark = pytest.mark.anyio

CUT_CALL = {"id": "c1", "type": "function", "function": {"name": "remove", "arguments": '{"path": "/data'}}


def removing(gateway, middleware):
    """An agent whose tool must not be called with less than the whole path, and what it was called with."""
    removed: list[str] = []

    @tool
    def remove(path: str) -> str:
        """Remove a folder."""
        removed.append(path)
        return "done"

    return create_agent(gateway.model(), [remove], middleware=middleware), removed


def test_a_call_that_was_cut_has_its_reason_for_a_result_on_the_next_turn(gateway, caplog):
    agent, removed = removing(gateway, [])
    gateway.says(None, message={"tool_calls": [CUT_CALL]}, finish_reason="length")
    messages = agent.invoke({"messages": [("user", "Remove /data/tmp")]})["messages"]
    assert "The model's call of remove is not run: the answer was cut at its limit of tokens" in caplog.text
    gateway.says("Shall I try again?")
    gateway.model().invoke([*messages, ("user", "And?")])
    _, asked, result, _ = gateway.bodies[-1]["messages"]
    assert json.loads(asked["tool_calls"][0]["function"]["arguments"]) == {"INVALID_JSON": '{"path": "/data'}
    assert result["tool_call_id"] == "c1"
    assert result["content"].startswith("The call of remove was not run: the answer was cut at its limit of tokens")
    assert not removed


async def test_an_agent_tells_the_model_which_calls_were_cut(gateway):
    agent, removed = removing(gateway, [AurikoInvalidCallMiddleware()])
    whole = {**CUT_CALL, "function": {"name": "remove", "arguments": '{"path": "/data/tmp"}'}}
    for way in ("invoke", "ainvoke"):
        gateway.says(None, message={"tool_calls": [CUT_CALL]}, finish_reason="length")
        gateway.says(None, message={"tool_calls": [{**whole, "id": "c2"}, {**CUT_CALL, "id": "c3"}]})
        gateway.says("It is removed.")
        said = {"messages": [("user", "Remove /data/tmp")]}
        messages = (await call(agent, way, said))["messages"]
        assert messages[-1].text == "It is removed."
        assert [m.status for m in messages if m.type == "tool"] == ["error", "error", "success"]
    assert removed == ["/data/tmp", "/data/tmp"]


def test_an_agent_does_not_tell_the_model_for_ever(gateway):
    agent, removed = removing(gateway, [AurikoInvalidCallMiddleware(max_retries=1)])
    for _ in range(2):
        gateway.says(None, message={"tool_calls": [CUT_CALL]}, finish_reason="length")
    messages = agent.invoke({"messages": [("user", "Remove /data/tmp")]})["messages"]
    assert messages[-1].invalid_tool_calls
    assert not removed
    with pytest.raises(ValueError, match="max_retries"):
        AurikoInvalidCallMiddleware(-1)
