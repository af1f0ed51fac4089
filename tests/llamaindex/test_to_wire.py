"""LlamaIndex messages as they go over the wire."""

from __future__ import annotations

import base64
import copy
import json
import logging

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from auriko_llamaindex._to_wire import to_wire

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PNG_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
CACHE = CachePoint(cache_control=CacheControl(type="ephemeral"))


def _user(*blocks) -> list[dict]:
    return to_wire([ChatMessage(role="user", blocks=list(blocks))])


@pytest.mark.parametrize(
    ("role", "wire"),
    [
        (MessageRole.SYSTEM, "system"),
        (MessageRole.DEVELOPER, "developer"),
        (MessageRole.USER, "user"),
        (MessageRole.ASSISTANT, "assistant"),
        (MessageRole.CHATBOT, "assistant"),
        (MessageRole.MODEL, "assistant"),
        (MessageRole.FUNCTION, "function"),
    ],
)
def test_every_role_has_its_name_on_the_wire(role, wire):
    message = ChatMessage(role=role, content="x", additional_kwargs={"name": "n"})
    assert to_wire([message]) == [{"role": wire, "content": "x", "name": "n"}]


def test_every_role_of_llama_index_is_known():
    for role in MessageRole:
        (wire, *_rest) = to_wire([ChatMessage(role=role, content="x", additional_kwargs={"tool_call_id": "1"})])
        assert wire["content"] == "x"


def test_text_blocks_are_joined_as_llama_index_shows_them():
    message = ChatMessage(role="user", blocks=[TextBlock(text="a"), TextBlock(text="b")])
    assert to_wire([message]) == [{"role": "user", "content": "a\nb"}]
    assert message.content == "a\nb"


def test_nothing_else_of_additional_kwargs_reaches_the_wire():
    extra = {"routing_metadata": {"cost": {"usd": 1}}, "stop": "x", "tool_calls": None}
    message = ChatMessage(role="assistant", content="x", additional_kwargs=extra)
    assert to_wire([message]) == [{"role": "assistant", "content": "x"}]


def test_an_image_by_address_keeps_its_address_and_detail():
    (message,) = _user(TextBlock(text="What is it?"), ImageBlock(url="https://example.com/a.png", detail="low"))
    assert message["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
    ]


def test_an_image_by_bytes_or_path_or_data_address_is_a_data_address(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    for block in (ImageBlock(image=PNG), ImageBlock(path=path), ImageBlock(url=PNG_URL)):
        (message,) = _user(block)
        assert message["content"] == [{"type": "image_url", "image_url": {"url": PNG_URL}}]


def test_an_image_of_unknown_type_is_refused():
    with pytest.raises(ValueError, match="image_mimetype"):
        _user(ImageBlock(image=b"no image at all"))


def test_a_document_of_text_goes_as_text():
    (message,) = _user(DocumentBlock(data=b"# Title", title="a.md", document_mimetype="text/markdown"))
    assert message["content"] == "a.md:\n# Title"


def test_another_document_goes_as_a_file():
    data = b"%PDF-1.4 not much"
    (message,) = _user(DocumentBlock(data=data, title="a.pdf", document_mimetype="application/pdf"))
    encoded = base64.b64encode(data).decode()
    file = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{encoded}"}
    assert message["content"] == [{"type": "file", "file": file}]


def test_audio_goes_with_its_format():
    (message,) = _user(AudioBlock(audio=b"RIFF\x00\x01", format="wav"))
    data = base64.b64encode(b"RIFF\x00\x01").decode()
    assert message["content"] == [{"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}]
    with pytest.raises(ValueError, match="format"):
        _user(AudioBlock(audio=b"what is this"))


def test_a_video_is_refused_aloud():
    with pytest.raises(ValueError, match=r"messages\[0\]\.blocks\[0\] is a video block"):
        _user(VideoBlock(video=b"0000"))


def test_a_citable_block_is_its_content_below_its_source():
    block = CitableBlock(title="Rates", source="rates.md", content="4 %")
    (message,) = _user(block, TextBlock(text="How much?"))
    assert message["content"] == "Rates (rates.md):\n4 %\nHow much?"


def test_a_citation_in_the_history_is_what_it_cites():
    block = CitationBlock(cited_content="4 %", source="rates.md", title="Rates", additional_location_info={})
    (message,) = to_wire([ChatMessage(role="assistant", blocks=[TextBlock(text="Four."), block])])
    assert message["content"] == "Four.\nCited from Rates (rates.md):\n4 %"


def test_a_cache_point_marks_what_is_before_it():
    (message,) = _user(TextBlock(text="long"), CACHE, TextBlock(text="short"))
    assert message["content"] == [
        {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "short"},
    ]


def test_a_cache_point_with_nothing_before_it_is_ignored(caplog):
    with caplog.at_level(logging.DEBUG, "auriko_llamaindex"):
        (message,) = _user(CACHE, TextBlock(text="a"))
    assert message["content"] == "a"
    assert "cache point" in caplog.text


def test_tool_calls_go_back_from_their_blocks():
    calls = [
        ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={"a": 1, "b": "é"}),
        ToolCallBlock(tool_call_id="c2", tool_name="now", tool_kwargs=""),
    ]
    (message,) = to_wire([ChatMessage(role="assistant", blocks=calls)])
    assert "content" not in message
    assert message["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b": "é"}'}},
        {"id": "c2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
    ]


def test_a_signature_of_a_provider_goes_back_with_its_call():
    block = ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs="{}")
    kept = [{"id": "c1", "provider_signature": "sig", "function": {"name": "add", "arguments": "{}"}}]
    (message,) = to_wire([ChatMessage(role="assistant", blocks=[block], additional_kwargs={"tool_calls": kept})])
    assert message["tool_calls"][0]["provider_signature"] == "sig"


def test_tool_calls_of_other_llm_classes_are_read_from_additional_kwargs():
    class OpenAIStyle:
        def model_dump(self) -> dict:
            return {"id": "c1", "type": "function", "index": 0, "function": {"name": "add", "arguments": "{}"}}

    for kept in (OpenAIStyle(), OpenAIStyle().model_dump()):
        message = ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [kept]})
        (wire,) = to_wire([message])
        assert wire["tool_calls"] == [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}]


def test_a_tool_result_needs_the_id_of_its_call():
    with pytest.raises(ValueError, match="tool_call_id"):
        to_wire([ChatMessage(role="tool", content="3")])


def test_an_image_in_a_tool_result_follows_all_results_of_the_turn():
    results = [
        ChatMessage(role="tool", blocks=[ImageBlock(image=PNG)], additional_kwargs={"tool_call_id": "c1"}),
        ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "c2"}),
    ]
    for after in ([], [ChatMessage(role="assistant", content="Thanks")]):
        wire = to_wire([*results, *after])
        assert [m["role"] for m in wire] == ["tool", "tool", "user", *(m.role.value for m in after)]
        assert "next message" in wire[0]["content"]
        label, image = wire[2]["content"]
        assert "c1" in label["text"]
        assert image["image_url"]["url"] == PNG_URL


def test_an_image_that_the_assistant_made_follows_its_message():
    blocks = [TextBlock(text="Here."), ImageBlock(image=PNG)]
    wire = to_wire([ChatMessage(role="assistant", blocks=blocks), ChatMessage(role="user", content="Larger!")])
    assert [m["role"] for m in wire] == ["assistant", "user", "user"]
    assert wire[1]["content"][1]["image_url"]["url"] == PNG_URL


CALL = ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs="{}")


def test_signed_reasoning_goes_back_as_it_came():
    blocks = [
        ThinkingBlock(content="hm", additional_information={"type": "thinking", "signature": "s"}),
        ThinkingBlock(additional_information={"type": "redacted", "data": "d"}),
        CALL,
    ]
    (message,) = to_wire([ChatMessage(role="assistant", blocks=blocks)])
    assert message["reasoning"] == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted", "data": "d"},
    ]
    assert message["reasoning_content"] == "hm"


def test_reasoning_that_only_another_provider_can_read_stays_behind():
    foreign = ThinkingBlock(additional_information={"type": "reasoning", "encrypted_content": "x", "id": "rs_1"})
    messages = [[foreign, CALL], [CALL]]
    with_it, without_it = to_wire([ChatMessage(role="assistant", blocks=blocks) for blocks in messages])
    assert with_it == without_it


def test_unsigned_reasoning_goes_back_as_text():
    blocks = [ThinkingBlock(content="h"), ThinkingBlock(content="m"), CALL]
    (message,) = to_wire([ChatMessage(role="assistant", blocks=blocks)])
    assert message["reasoning_content"] == "hm"
    assert "reasoning" not in message


def test_reasoning_goes_back_with_tool_calls_only_and_not_where_it_is_switched_off():
    blocks = [ThinkingBlock(content="hm"), TextBlock(text="4")]
    assert to_wire([ChatMessage(role="assistant", blocks=blocks)]) == [{"role": "assistant", "content": "4"}]
    (message,) = to_wire([ChatMessage(role="assistant", blocks=[*blocks, CALL])], send_reasoning=False)
    assert message.keys() == {"role", "content", "tool_calls"}


def test_messages_are_left_as_they_were():
    messages = [
        ChatMessage(role="user", blocks=[TextBlock(text="a"), CACHE]),
        ChatMessage(role="assistant", blocks=[CALL], additional_kwargs={"tool_calls": [{"id": "c1"}]}),
        ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "c1"}),
    ]
    before = copy.deepcopy(messages)
    json.dumps(to_wire(messages))
    assert messages == before
