"""Messages of ours go to the chat models of other packages, whose converters run here without a network."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from auriko_langchain._to_wire import to_wire

CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
ANSWERS: dict[str, dict[str, Any]] = {
    "text": {"content": "Hi"},
    "call": {"content": None, "tool_calls": [{**CALL, "provider_signature": "sig"}]},
    "reasoning": {
        "content": "Hi",
        "reasoning_content": "hm",
        "reasoning": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "redacted", "data": "d"},
        ],
        "tool_calls": [CALL],
    },
    "refusal": {"content": None, "refusal": "no"},
    "unreadable call": {"content": None, "tool_calls": [{**CALL, "function": {"name": "add", "arguments": "{"}}]},
}


def said(gateway, message: dict[str, Any], *, streamed: bool, **settings: Any) -> BaseMessage:
    model = gateway.model(**settings)
    if not streamed:
        gateway.says(message.get("content"), message=message)
        return model.invoke("Hi")
    delta = {name: value for name, value in message.items() if name not in ("reasoning", "content") and value}
    gateway.streams(*([message["content"]] if message.get("content") else []), delta)
    chunks = list(model.stream("Hi"))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


@pytest.mark.filterwarnings("ignore")  # theirs
@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_our_messages_are_taken_by_other_models(gateway, answer, streamed, output_version) -> None:
    # Their packages are large: imported above, every worker would load them, with warnings of their own.
    from langchain_anthropic import ChatAnthropic
    from langchain_openai import ChatOpenAI

    message = said(gateway, answer, streamed=streamed, output_version=output_version)
    history = [HumanMessage("Hi"), message]
    assert isinstance(message, AIMessage)
    history += [ToolMessage("1", tool_call_id=call["id"]) for call in message.tool_calls]
    others = {
        "chat completions": ChatOpenAI(model="gpt-4o", api_key="x"),
        "responses": ChatOpenAI(model="gpt-4o", api_key="x", use_responses_api=True),
        "responses v1": ChatOpenAI(model="gpt-4o", api_key="x", use_responses_api=True, output_version="v1"),
        "anthropic": ChatAnthropic(model="claude-sonnet-4-6", api_key="x"),
    }
    for other in others.values():
        payload = other._get_request_payload(history)
        conversation = payload.get("messages", payload.get("input"))
        if message.text:
            assert message.text in str(conversation)
        if message.tool_calls:
            assert "c1" in str(conversation)
    assert to_wire(history)[1]["role"] == "assistant"


def test_what_is_kept_for_the_next_turn_is_named_as_nobody_else_names_it(gateway) -> None:
    kept = said(gateway, ANSWERS["reasoning"], streamed=False).additional_kwargs
    assert kept.keys() == {"reasoning_content", "reasoning_blocks"}
