"""Messages that other LLM classes have made are read, or refused by an error that names the field; never lost."""

from __future__ import annotations

import base64
import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llama_index.core.base.llms.types import AudioBlock, ChatMessage, DocumentBlock, ImageBlock, ThinkingBlock

from auriko.history.messages import ready_messages
from auriko_llamaindex._to_wire import to_wire
from tests.support.foreign_messages import LLAMAINDEX, LLAMAINDEX_IDS
from tests.support.mutate import change


def sent(*messages: ChatMessage) -> list[dict[str, Any]]:
    return json.loads(json.dumps(ready_messages(to_wire(messages))))


def result(call_id: Any, content: str = "1") -> ChatMessage:
    return ChatMessage(role="tool", content=content, additional_kwargs={"tool_call_id": call_id})


@pytest.mark.parametrize("name", LLAMAINDEX)
def test_messages_of_other_classes_are_read(name) -> None:
    kept = copy.deepcopy(LLAMAINDEX[name])
    asked, answered = sent(ChatMessage(role="assistant", **kept), result(LLAMAINDEX_IDS.get(name, "call_1")))
    (call,) = asked.pop("tool_calls")
    assert asked == {"role": "assistant", "content": "Hi", "reasoning_content": "hm"}
    assert call["id"]
    assert call == {"id": call["id"], "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    assert answered == {"role": "tool", "content": "1", "tool_call_id": call["id"]}


def test_two_calls_of_one_function_without_ids_keep_their_results() -> None:
    blocks = [
        {"block_type": "tool_call", "tool_name": "add", "tool_kwargs": {"a": 1}},
        {"block_type": "tool_call", "tool_name": "add", "tool_kwargs": {"a": 2}},
    ]
    asked, first, second = sent(
        ChatMessage(role="assistant", blocks=blocks), result("add", "one"), result("add", "two")
    )
    ids = [call["id"] for call in asked["tool_calls"]]
    assert len(set(ids)) == 2
    assert [(m["tool_call_id"], m["content"]) for m in (first, second)] == [(ids[0], "one"), (ids[1], "two")]


def test_a_result_under_anthropics_name() -> None:
    message = ChatMessage(role="tool", content="1", additional_kwargs={"tool_use_id": "c1"})
    assert sent(message) == [{"role": "tool", "content": "1", "tool_call_id": "c1"}]


def test_text_files_go_as_text_whatever_tells_their_type(tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("# Ä")
    blank = tmp_path / "Makefile"
    blank.write_text("all:")
    blocks = [
        DocumentBlock(path=notes),
        DocumentBlock(data=b"a: 1", title="a.yaml"),
        DocumentBlock(data=b"{}", document_mimetype="application/json", title="a.json"),
        DocumentBlock(path=blank, title="Makefile"),
    ]
    (message,) = sent(ChatMessage(role="user", blocks=blocks))
    assert message["content"] == "input_document:\n# Ä\na.yaml:\na: 1\na.json:\n{}\nMakefile:\nall:"


def test_a_file_of_unknown_type_has_a_name_and_a_type() -> None:
    pdf = DocumentBlock(data=b"%PDF-1.4 x", document_mimetype="application/pdf")
    odd = DocumentBlock(data=b"\xff\xfe\x00", title="x")
    (message,) = sent(ChatMessage(role="user", blocks=[pdf, odd]))
    files = [part["file"] for part in message["content"]]
    assert [file["filename"] for file in files] == ["input_document.pdf", "x.bin"]
    data = base64.b64encode(b"\xff\xfe\x00").decode()
    assert files[1]["file_data"] == f"data:application/octet-stream;base64,{data}"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (ChatMessage(role="user", blocks=[DocumentBlock(path="/no/such/file")]), r"blocks\[0\] cannot be read: "),
        (ChatMessage(role="user", blocks=[DocumentBlock()]), r"blocks\[0\] cannot be read: "),
        (ChatMessage(role="user", blocks=[ImageBlock(image=b"?")]), r"blocks\[0\]\.image_mimetype is missing"),
        (ChatMessage(role="user", blocks=[AudioBlock(audio=b"?")]), r"blocks\[0\]\.format is missing"),
        (
            ChatMessage(role="assistant", additional_kwargs={"tool_calls": ["x"]}),
            r"additional_kwargs\.tool_calls\[0\] is of type str",
        ),
        (
            ChatMessage(role="assistant", additional_kwargs={"tool_calls": {"id": "c1"}}),
            r"additional_kwargs\.tool_calls is of type dict",
        ),
        (
            ChatMessage(
                role="assistant",
                blocks=[ThinkingBlock(content="x", additional_information={"signature": 3})],
                additional_kwargs={"tool_calls": [{"id": "c1", "name": "add", "input": {}}]},
            ),
            r"blocks\[0\]\.additional_information\.signature is of type int",
        ),
        (ChatMessage(role="tool", content="3"), r"additional_kwargs\.tool_call_id is missing"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_message_and_field(message, field) -> None:
    with pytest.raises(ValueError, match=rf"^messages\[1\]\.{field}"):
        to_wire([ChatMessage(role="user", content="x"), message])


SHAPES: list[dict[str, Any]] = [
    *({"role": "assistant", **kept} for kept in LLAMAINDEX.values()),
    *(
        {"role": "user", "blocks": [block, {"block_type": "text", "text": "x"}]}
        for block in (
            {"block_type": "image", "url": "https://x/y.png", "detail": "low"},
            {"block_type": "image", "image": "QUJD", "image_mimetype": "image/png"},
            {"block_type": "audio", "audio": "QUJD", "format": "wav"},
            {"block_type": "document", "data": "QUJD", "title": "a.pdf"},
            {"block_type": "cache", "cache_control": {"type": "ephemeral"}},
            {"block_type": "citable", "title": "t", "source": "s", "content": [{"block_type": "text", "text": "x"}]},
        )
    ),
    {"role": "tool", "blocks": [{"block_type": "text", "text": "3"}], "additional_kwargs": {"tool_call_id": "c1"}},
]


@pytest.mark.no_cover
@given(st.sampled_from(SHAPES), st.integers(0, 2**32).map(random.Random), st.integers(1, 3))
@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_message_that_is_broken_anywhere_is_sent_or_refused_with_its_place(shape, chance, times) -> None:
    for _ in range(times):
        shape = change(shape, chance) if shape else shape
    try:
        message = ChatMessage(**shape)
    except Exception:  # noqa: BLE001 - what LlamaIndex itself refuses is not ours to judge
        return
    try:
        sent(ChatMessage(role="user", content="x"), message)
    except ValueError as error:
        assert str(error).startswith("messages[1]")  # noqa: PT017 - it may also be sent
