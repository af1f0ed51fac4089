"""Messages of earlier turns go out as they came, without nulls, and their calls can be read."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auriko.history.fields import MessageError, below, needed
from auriko.history.messages import ready_messages
from auriko.history.tool_calls import arguments_to_send, as_call
from auriko.models import ChatCompletion, ChoiceMessage
from auriko.resources.chat import chat_call
from tests.support.replies import completion


def sent(*messages: Any) -> list[dict[str, Any]]:
    """The messages of the body that goes over the wire."""
    body = chat_call({"model": "m", "messages": messages}, stream=False).body or b""
    found: list[dict[str, Any]] = json.loads(body)["messages"]
    return found


def call(call_id: Any = "c1", name: Any = "add", arguments: Any = '{"a": 1}', **more: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def asks(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def result(call_id: str | None, content: str = "3") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


SAID = {
    "role": "assistant",
    "content": None,
    "tool_calls": [call(provider_signature="sig")],
    "reasoning_content": "hm",
    "reasoning": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "redacted", "data": "d"}],
}
BACK = {name: value for name, value in SAID.items() if value is not None}


def reply() -> ChoiceMessage:
    return ChatCompletion.model_validate(completion(choices=[{"message": SAID}])).choices[0].message


@pytest.mark.parametrize(
    "back",
    [
        lambda said: said,
        lambda said: said.model_dump(),
        lambda said: said.model_dump(mode="json", exclude_unset=True),
        lambda said: json.loads(said.model_dump_json()),
        copy.deepcopy,
        lambda said: said.model_copy(update={"role": "assistant"}),
        lambda said: {"role": "assistant", "tool_calls": said.tool_calls, **BACK_OTHERS},
        lambda said: {"role": "assistant", "tool_calls": iter(said.tool_calls), **BACK_OTHERS},
        lambda said: {"role": "assistant", "tool_calls": tuple(said.model_dump()["tool_calls"]), **BACK_OTHERS},
    ],
)
def test_what_goes_back_is_what_came(back: Any) -> None:
    (message,) = sent(back(reply()))
    assert message == BACK


BACK_OTHERS = {name: BACK[name] for name in ("reasoning", "reasoning_content")}


def test_an_answer_without_calls_goes_back_without_nulls() -> None:
    said = ChatCompletion.model_validate(completion("hi")).choices[0].message
    assert sent(said.model_dump()) == [{"role": "assistant", "content": "hi"}]
    assert sent({"role": "assistant", "content": "hi", "tool_calls": [], "refusal": None}) == [
        {"role": "assistant", "content": "hi"}
    ]


@pytest.mark.parametrize(
    "silent",
    [
        {"role": "assistant"},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "assistant", "content": [], "refusal": ""},
        {"role": "assistant", "reasoning_content": "hm"},
        ChoiceMessage(role="assistant", content=None),
    ],
)
def test_an_answer_that_said_nothing_is_left_out(silent: Any) -> None:
    questions = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    assert sent(questions[0], silent, questions[1]) == questions
    assert sent({"role": "assistant", "content": None, "refusal": "No."}) == [{"role": "assistant", "refusal": "No."}]
    assert sent({"role": "user", "content": ""}) == [{"role": "user", "content": ""}]


def test_parts_lose_their_nulls_and_messages_are_not_changed() -> None:
    message = {"role": "user", "name": None, "content": [{"type": "text", "text": "x", "cache_control": None}]}
    before = copy.deepcopy(message)
    assert sent(message) == [{"role": "user", "content": [{"type": "text", "text": "x"}]}]
    broken = [asks(call(None, arguments="{")), result(None)]
    kept = copy.deepcopy(broken)
    sent(*broken)
    assert (message, broken) == (before, kept)


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('{ "a" :\t1 }', '{ "a" :\t1 }'),
        ({"a": None}, '{"a": null}'),
        ("", "{}"),
        (None, "{}"),
        ("null", "{}"),
        ("[]", "{}"),
        ('{"code": "a\nb"}', '{"code": "a\\nb"}'),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
        ('{"a":', '{"INVALID_JSON": "{\\"a\\":"}'),
        ('{"a": NaN}', '{"INVALID_JSON": "{\\"a\\": NaN}"}'),
        ("[1]", '{"INVALID_JSON": "[1]"}'),
        ("\ud800", '{"INVALID_JSON": "?"}'),
    ],
)
def test_arguments_are_a_json_object(arguments: Any, written: str) -> None:
    assert arguments_to_send(arguments) == written
    (message,) = sent(asks(call(arguments=arguments)))
    assert message["tool_calls"][0]["function"]["arguments"] == written
    (legacy,) = sent({"role": "assistant", "function_call": {"name": "add", "arguments": arguments}})
    assert legacy["function_call"] == {"name": "add", "arguments": written}


@pytest.mark.no_cover
@given(st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(repr))
@settings(max_examples=200)
def test_any_arguments_are_sent_as_an_object(arguments: str) -> None:
    assert isinstance(json.loads(arguments_to_send(arguments)), dict)


def test_a_name_that_is_none_does_not_fail_every_later_turn() -> None:
    names = [m["tool_calls"][0]["function"]["name"] for m in sent(asks(call(name="")), asks(call(name="get it!")))]
    assert names == ["unnamed", "get_it_"]


@pytest.mark.parametrize(
    ("calls", "results", "ids", "refers"),
    [
        # Every call has its own id: nothing is touched.
        ([("c1", "add"), ("c2", "add")], ["c2", "c1"], ["c1", "c2"], ["c2", "c1"]),
        # No ids, and results that refer to the function's name (Ollama).
        ([(None, "add"), ("", "now")], ["now", "add"], ["call_0_0", "call_0_1"], ["call_0_1", "call_0_0"]),
        # The function's name for an id, twice (Gemini).
        ([("add", "add"), ("add", "add")], ["add", "add"], ["add", "call_0_1"], ["add", "call_0_1"]),
        # One without an id among others.
        ([("c1", "add"), (None, "now")], ["x", "c1"], ["c1", "call_0_1"], ["call_0_1", "c1"]),
        ([("c1", "add"), (None, "now")], ["x"], ["c1", "call_0_1"], ["call_0_1"]),
        ([(None, "add")], [["odd"]], ["call_0_0"], ["call_0_0"]),
        # A call that nobody has answered, and a result that nobody has asked for.
        ([(None, "add"), (None, "now")], ["add"], ["call_0_0", "call_0_1"], ["call_0_0"]),
        ([(None, "add")], ["add", "c9"], ["call_0_0"], ["call_0_0", "c9"]),
    ],
)
def test_calls_without_an_id_are_paired_with_their_results(
    calls: list[Any], results: list[str], ids: list[str], refers: list[str]
) -> None:
    asked, *answered, _after = sent(
        asks(*(call(call_id, name) for call_id, name in calls)),
        *map(result, results),
        {"role": "user", "content": "and?"},
    )
    assert [found["id"] for found in asked["tool_calls"]] == ids
    assert [found["tool_call_id"] for found in answered] == refers


@pytest.mark.parametrize("odd", [None, 7, "x", ["x"], {"id": 1}, {"function": 3}, {"function": {"name": None}}])
def test_what_is_no_call_is_left_for_the_gateway_to_judge(odd: Any) -> None:
    (message,) = ready_messages([{"role": "assistant", "tool_calls": [odd]}])
    assert len(message["tool_calls"]) == 1
    assert len(ready_messages([odd])) == 1


NOT_UTF8 = b"caf\xe9.txt".decode("utf-8", "surrogateescape")  # as os.listdir gives it


@pytest.mark.parametrize("role", ["tool", "function"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (NOT_UTF8, "caf?.txt"),
        ("café 😀", "café 😀"),
        ([{"type": "text", "text": NOT_UTF8}], [{"type": "text", "text": "caf?.txt"}]),
        (7, 7),
    ],
)
def test_results_of_tools_are_text_that_can_be_sent(role: str, content: Any, expected: Any) -> None:
    given = {"role": role, "tool_call_id": "c1", "content": content}
    assert sent(asks(call()), given)[1]["content"] == expected
    assert given["content"] == content


def test_text_of_ones_own_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        sent({"role": "user", "content": NOT_UTF8})


def test_values_that_are_no_dictionaries_are_written_as_ever() -> None:
    def texts() -> Iterator[dict[str, str]]:
        yield {"type": "text", "text": "x"}

    assert sent({"role": "user", "content": texts()}) == [{"role": "user", "content": [{"type": "text", "text": "x"}]}]


@pytest.mark.parametrize(
    "kept",
    [
        {"id": "c1", "function": {"name": "add", "arguments": '{"a": 1}'}},
        {"id": "c1", "type": "tool_use", "name": "add", "input": {"a": 1}},
        {"toolUseId": "c1", "name": "add", "input": {"a": 1}},
        {"call_id": "c1", "name": "add", "arguments": '{"a": 1}', "type": "function_call"},
        {"id": "c1", "name": "add", "args": {"a": 1}},
        {"tool_call_id": "c1", "tool_name": "add", "tool_kwargs": {"a": 1}},
    ],
)
def test_a_call_is_read_in_the_form_of_any_api(kept: dict[str, Any]) -> None:
    assert as_call(kept) == call()


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        (3, " is of type int, not a tool call"),
        ({}, "name is missing"),
        ({"name": 3}, "name is of type int, not str"),
        ({"name": "add", "id": 3}, "id is of type int, not str"),
        ({"function": "add"}, "function is of type str, not an object"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_field(kept: Any, says: str) -> None:
    with pytest.raises(MessageError) as caught:
        as_call(kept)
    assert str(caught.value).startswith(says)


def test_an_error_names_the_way_to_its_field() -> None:
    with pytest.raises(MessageError, match=r"^messages\[2\]\.content\[0\]\.url is missing$"):  # noqa: SIM117
        with below("messages[2]"), below("content[0]"):
            needed({}, "url", str)
    with pytest.raises(MessageError, match=r"^messages\[2\] is of type int, not dict$"), below("messages[2]"):
        needed(3, "url", str)  # type: ignore[arg-type]
