"""Messages that other chat models have made are read, or refused by an error that names the field; never lost."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from auriko.history.messages import ready_messages
from auriko_langchain._to_wire import to_wire
from tests.support.foreign_messages import CALL, LANGCHAIN
from tests.support.mutate import change


def sent(*messages: BaseMessage) -> list[dict[str, Any]]:
    return json.loads(json.dumps(ready_messages(to_wire(messages))))


@pytest.mark.parametrize("kept", LANGCHAIN.values(), ids=LANGCHAIN)
def test_messages_of_other_classes_are_read(kept) -> None:
    asked, answered = sent(AIMessage(**copy.deepcopy(kept)), ToolMessage("1", tool_call_id="call_1"))
    (call,) = asked.pop("tool_calls")
    assert asked == {"role": "assistant", "content": "Hi", "reasoning_content": "hm"}
    assert call == {"id": call["id"], "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    assert answered == {"role": "tool", "content": "1", "tool_call_id": call["id"]}


def test_results_of_tools_in_a_message_of_the_user() -> None:
    text = {"type": "text", "text": "and?"}
    results = [
        {"type": "tool_result", "tool_use_id": "c1", "content": "3"},
        {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "4"}], "is_error": True},
        {"type": "tool_result", "tool_use_id": "c3"},
    ]
    tools = [
        {"role": "tool", "content": "3", "tool_call_id": "c1"},
        {"role": "tool", "content": "4", "tool_call_id": "c2"},
        {"role": "tool", "content": "", "tool_call_id": "c3"},
    ]
    assert sent(HumanMessage([*results, text])) == [*tools, {"role": "user", "content": [text]}]
    assert sent(HumanMessage(results)) == tools
    image = {"type": "image", "url": "u"}
    *_, media, asked = sent(
        HumanMessage([{"type": "tool_result", "tool_use_id": "c1", "content": [image]}]), HumanMessage("and?")
    )
    assert media["content"][1] == {"type": "image_url", "image_url": {"url": "u"}}
    assert asked == {"role": "user", "content": "and?"}


def test_a_call_without_input_and_a_call_of_the_older_form() -> None:
    (message,) = sent(AIMessage([{"type": "tool_use", "id": "c1", "name": "now"}]))
    assert message["tool_calls"][0]["function"] == {"name": "now", "arguments": "{}"}
    (older,) = sent(AIMessage("", additional_kwargs={"function_call": {"name": "add", "arguments": '{"a": 1}'}}))
    assert older == {
        "role": "assistant",
        "content": "",
        "function_call": {"name": "add", "arguments": '{"a": 1}'},
    }


def test_signed_reasoning_of_other_classes_goes_back_signed() -> None:
    bedrock = {"type": "reasoning_content", "reasoning_content": {"text": "hm", "signature": "s"}}
    google = {"type": "thinking", "thinking": "hm", "signature": "s"}
    for block in (bedrock, google):
        (message,) = sent(AIMessage([block, "Hi"]))
        assert message["reasoning"] == [{"type": "thinking", "thinking": "hm", "signature": "s"}]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "audio", "file_id": "f-1"},
        {"type": "image", "file_id": "f-1"},
        {"type": "video", "file_id": "f-1"},
        {"type": "image", "source": {"type": "file", "file_id": "f-1"}},
        {"type": "document", "source": {"type": "file", "file_id": "f-1"}},
    ],
)
def test_files_that_were_uploaded_before(block) -> None:
    (message,) = sent(HumanMessage([block]))
    assert message["content"] == [{"type": "file", "file": {"file_id": "f-1"}}]


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "media", "mime_type": "image/png", "data": "QUJD"}, "image_url"),
        ({"type": "media", "mime_type": "audio/wav", "data": "QUJD"}, "input_audio"),
        ({"type": "media", "mime_type": "video/mp4", "file_uri": "gs://x"}, "video_url"),
        ({"type": "media", "mime_type": "application/pdf", "data": "QUJD"}, "file"),
        ({"type": "document", "source": {"type": "content", "content": "hello"}}, "text"),
        ({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}, "y"]}}, "text"),
        ({"type": "file", "base64": "IyBhCg==", "mime_type": "text/markdown", "name": "a.md"}, "text"),
    ],
)
def test_media_of_google_and_documents_of_anthropic(block, part) -> None:
    (message,) = sent(HumanMessage([block]))
    assert [found["type"] for found in message["content"]] == [part]


def test_a_file_has_a_name_with_an_ending() -> None:
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    names = [
        sent(HumanMessage([{"type": "file", "base64": "QUJD", "mime_type": kind, **more}]))[0]["content"][0]["file"][
            "filename"
        ]
        for kind, more in [
            (word, {}),
            ("application/pdf", {"name": "report"}),
            ("application/pdf", {"extras": {"filename": "a.pdf"}}),
            ("application/x-new", {}),
        ]
    ]
    assert names == ["file.docx", "report.pdf", "a.pdf", "file.x-new"]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (HumanMessage([{"type": "image", "url": 3}]), r"messages\[1\]\.content\[0\]\.url is of type int"),
        (HumanMessage([{"cachePoint": {}}]), r"messages\[1\]\.content\[0\]\.type is missing"),
        (HumanMessage([{"type": "image_url"}]), r"messages\[1\]\.content\[0\]\.image_url is missing"),
        (HumanMessage([{"type": "text"}]), r"messages\[1\]\.content\[0\]\.text is missing"),
        (HumanMessage([{"type": "file", "base64": "*", "mime_type": "a/b"}]), r"content\[0\]\.base64 is no base64"),
        (HumanMessage([{"type": "tool_result"}]), r"messages\[1\]\.content\[0\]\.tool_use_id is missing"),
        (AIMessage([{"type": "tool_use", "id": "c"}]), r"messages\[1\]\.content\[0\]\.name is missing"),
        (
            AIMessage("", additional_kwargs={"tool_calls": [{"id": "c", "name": 3}]}),
            r"messages\[1\]\.additional_kwargs\.tool_calls\[0\]\.name is of type int",
        ),
        (
            AIMessage([{"type": "thinking", "thinking": [3]}]),
            r"\]\.content\[0\]\.thinking\[0\] is of type int",
        ),
        (
            AIMessage([{"type": "thinking", "thinking": [{"text": 3}]}]),
            r"\]\.content\[0\]\.thinking\[0\]\.text is",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_message_and_field(message, field) -> None:
    with pytest.raises(ValueError, match=f"^.*{field}"):
        to_wire([HumanMessage("x"), message])


SHAPES: list[dict[str, Any]] = [
    *({"type": "ai", **kept} for kept in LANGCHAIN.values()),
    *(
        {"type": "human", "content": [block, {"type": "text", "text": "x"}]}
        for block in (
            {"type": "image", "url": "https://x/y.png", "extras": {"detail": "low"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
            {"type": "image_url", "image_url": {"url": "u"}},
            {"type": "audio", "base64": "QUJD", "mime_type": "audio/wav"},
            {"type": "file", "base64": "QUJD", "mime_type": "application/pdf", "filename": "a.pdf"},
            {"type": "file", "file": {"file_id": "f"}},
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
            {"type": "media", "mime_type": "image/png", "data": "QUJD"},
            {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "image", "url": "u"}]},
            {"type": "non_standard", "value": {"type": "hologram"}},
        )
    ),
    {"type": "tool", "tool_call_id": "c1", "content": [{"type": "search_result", "title": "t", "content": []}]},
]
CLASSES = {"ai": AIMessage, "human": HumanMessage, "tool": ToolMessage}


@pytest.mark.no_cover
@given(st.sampled_from(SHAPES), st.integers(0, 2**32).map(random.Random), st.integers(1, 3))
@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
def test_a_message_that_is_broken_anywhere_is_sent_or_refused_with_its_place(shape, chance, times) -> None:
    for _ in range(times):
        shape = change(shape, chance) if shape else shape
    try:
        message = CLASSES[shape.pop("type")](**shape)
    except Exception:  # noqa: BLE001 - what LangChain itself refuses is not ours to judge
        return
    try:
        sent(HumanMessage("x"), message)
    except ValueError as error:
        assert str(error).startswith("messages[1]")  # noqa: PT017 - it may also be sent


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "file", "name": "a.txt", "size": 3}], '[{"type": "file", "name": "a.txt", "size": 3}]'),
        ([{"type": "image", "width": 3}], '[{"type": "image", "width": 3}]'),
        ([{"type": "text", "txt": "ä"}], '[{"type": "text", "txt": "ä"}]'),
        ([{"type": "text", "text": "a"}, {"x": 1}], '[{"type": "text", "text": "a"}, {"x": 1}]'),
        ([{"type": "json", "json": {"a": [1]}}], '{"a": [1]}'),
        ([{"type": "text", "text": "a"}, {"type": "json", "json": 1}, "b"], "a\n1\nb"),
        (
            [{"type": "search_result", "title": "t", "content": [{"type": "text", "text": "x"}]}],
            '{"type": "search_result", "title": "t", "content": [{"type": "text", "text": "x"}]}',
        ),
        ([], ""),
    ],
)
def test_the_result_of_a_tool_is_what_the_tool_said(content, text) -> None:
    assert sent(ToolMessage(content, tool_call_id="c1")) == [{"role": "tool", "content": text, "tool_call_id": "c1"}]


def test_old_calls_that_could_not_be_read_are_sent_as_json() -> None:
    broken = {"name": None, "args": '{"a":', "id": "c2", "error": "cut", "type": "invalid_tool_call"}
    (message,) = sent(AIMessage("", invalid_tool_calls=[broken], tool_calls=[CALL]))
    assert [json.loads(call["function"]["arguments"]) for call in message["tool_calls"]] == [
        {"a": 1},
        {"INVALID_JSON": '{"a":'},
    ]
