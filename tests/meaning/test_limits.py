"""Answers and arguments that no reply of a file shows: numbers that were cut, and what is nested too deeply."""

import pytest

from auriko.errors import AnswerInvalidError, AnswerTruncatedError
from auriko.meaning.structured import json_value, structured_answer
from auriko.meaning.tool_calls import read_calls
from auriko.models import ToolCall, ToolCallFunction

DEEP = '{"a": ' + "[" * 100_000


def test_a_number_that_was_cut_is_none() -> None:
    assert structured_answer("12", validate=int, name="number") == 12
    with pytest.raises(AnswerTruncatedError):
        structured_answer("12", validate=int, name="number", finish_reason="length")


def test_what_is_nested_too_deeply_is_said_to_be() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        json_value(DEEP)
    with pytest.raises(AnswerInvalidError, match="nested too deeply"):
        structured_answer(DEEP, validate=dict, name="object")
    (read,) = read_calls([ToolCall(function=ToolCallFunction(name="f", arguments=DEEP))], "tool_calls")
    assert read.problem == "the arguments are nested too deeply"
