"""Tool calls that come in pieces, or are none."""

import pytest
from pydantic import ValidationError

from auriko.meaning.mending import chat_model
from auriko.meaning.tool_calls import CallsInPieces
from auriko.models import ChatCompletion, ToolCallDelta


def pieces(*calls: dict[str, object]) -> CallsInPieces:
    said = CallsInPieces()
    for call in calls:
        said.add(ToolCallDelta.model_validate({"index": 0, "id": "c1", **call}))
    return said


def test_fields_of_a_server_that_nobody_knows_stay_on_the_call() -> None:
    (call,) = pieces({"function": {"name": "add"}, "cache": "x"}).said()
    assert (call.whole().model_extra or {})["cache"] == "x"


def test_a_call_can_be_read_once_its_arguments_are_an_object() -> None:
    begun = {"function": {"name": "add", "arguments": '{"a": '}}
    (call,) = pieces(begun).said()
    assert not call.is_readable()
    (call,) = pieces(begun, {"function": {"arguments": "1}"}}).said()
    assert call.is_readable()


def test_a_call_that_is_no_object_is_refused() -> None:
    reply = {"choices": [{"message": {"role": "assistant", "tool_calls": ["x"]}}]}
    with pytest.raises(ValidationError, match="tool_calls"):
        chat_model(ChatCompletion, reply)
