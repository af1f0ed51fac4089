"""Messages of ours go to LlamaIndex's LLM for OpenAI, whose converters run here without a network."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.llms.openai.utils import to_openai_message_dicts

from auriko_llamaindex._to_wire import to_wire

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
}


@pytest.mark.parametrize("model", ["gpt-4o", "o3"])
@pytest.mark.parametrize("responses", [False, True], ids=["chat completions", "responses"])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_our_messages_are_taken_by_the_llm_for_openai(gateway, answer, responses, model) -> None:
    gateway.says(answer.get("content"), message=answer)
    message = gateway.llm().chat([ChatMessage(role="user", content="Hi")]).message
    history = [ChatMessage(role="user", content="Hi"), message]
    if answer.get("tool_calls"):
        history.append(ChatMessage(role="tool", content="1", additional_kwargs={"tool_call_id": "c1"}))
    converted = to_openai_message_dicts(history, model=model, is_responses_api=responses)
    if answer.get("content"):
        assert answer["content"] in str(converted)
    if answer.get("tool_calls"):
        assert "c1" in str(converted)
    assert to_wire(history)[1]["role"] == "assistant"
