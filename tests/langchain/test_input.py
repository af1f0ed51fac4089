"""Messages of the assistant as a reply has them, or as the wire has them, keep all that goes back."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.prompt_values import StringPromptValue

from auriko.models import ChoiceMessage
from auriko_langchain._input import with_answers_read

CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "add", "arguments": '{"a": 1}'},
    "provider_signature": "sig",
}
SAID = {
    "role": "assistant",
    "tool_calls": [CALL],
    "reasoning": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
    "reasoning_content": "hm",
}
USER = {"role": "user", "content": "x"}


def sent(gateway: Any, *messages: Any, runnable: Any = None) -> list[dict[str, Any]]:
    gateway.says("{}")
    (runnable or gateway.model()).invoke([USER, *messages])
    found: list[dict[str, Any]] = gateway.bodies[-1]["messages"][1:]
    return found


@pytest.mark.parametrize(
    "message",
    [
        SAID,
        {**SAID, "content": None, "refusal": None},
        {**SAID, "content": ""},
        ChoiceMessage.model_validate(SAID),
        ChoiceMessage.model_validate(SAID).model_dump(),
    ],
)
def test_what_goes_back_is_what_came(gateway, message) -> None:
    before = copy.deepcopy(message)
    result = {"role": "tool", "tool_call_id": "c1", "content": "1"}
    assert sent(gateway, message, result) == [SAID, result]
    assert message == before


def test_an_answer_in_json_mode_too(gateway) -> None:
    model = gateway.model().with_structured_output({"title": "A", "properties": {}}, method="json_mode")
    _told, *messages = gateway.bodies[-1]["messages"] if sent(gateway, SAID, runnable=model) else ()
    assert messages[-1] == SAID


def test_parts_a_name_and_other_fields_of_the_answer_stay(gateway) -> None:
    parts = [{"type": "text", "text": "Hi"}]
    message = {**SAID, "content": parts, "name": "ann", "additional_kwargs": {"refusal": "no"}}
    assert sent(gateway, message) == [{**SAID, "content": "Hi", "name": "ann", "refusal": "no"}]


def test_a_call_that_cannot_be_read_is_sent_as_json(gateway) -> None:
    broken = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":'}}
    (message,) = sent(gateway, {"role": "assistant", "tool_calls": [broken]})
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"INVALID_JSON": '{"a":'}


@pytest.mark.parametrize(
    "model_input",
    [
        "hi",
        StringPromptValue(text="hi"),
        [("user", "hi"), USER],
        [{"role": "assistant", "content": "hi"}],
        [AIMessage("hi")],
        [{"role": "assistant", "content": "", "tool_calls": [{"name": "add", "args": {}, "id": "c1"}]}],
        [{"role": "assistant", "content": "", "tool_calls": [{"function": 3}]}],
        3,
    ],
)
def test_all_else_is_left_to_langchain(model_input) -> None:
    assert with_answers_read(model_input) is model_input


def test_the_method_that_reads_a_models_input_is_there() -> None:
    """It is private to langchain-core, and `ChatAuriko` looks at the input before it."""
    assert BaseChatModel._convert_input
