"""Reasoning: from the reply to blocks and agents, and back with tool calls."""

from __future__ import annotations

import pytest
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock

MESSAGES = [ChatMessage(role="user", content="Hi")]
CALL = {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}}
DETAILS = {"usage": {"completion_tokens_details": {"reasoning_tokens": 40}}}


def test_readable_reasoning_of_a_reply_is_a_block_before_the_text(gateway):
    gateway.says("4", message={"reasoning_content": "2 and 2"}, **DETAILS)
    thinking, text = gateway.llm().chat(MESSAGES).message.blocks
    assert (thinking.content, thinking.num_tokens, thinking.additional_information) == ("2 and 2", 40, {})
    assert text == TextBlock(text="4")


def test_signed_and_redacted_reasoning_goes_back_unchanged(gateway):
    reasoning = [
        {"type": "thinking", "thinking": "2 and 2", "signature": "sig"},
        {"type": "redacted", "data": "opaque"},
        {"type": "later_kind", "payload": {"x": 1}},
    ]
    gateway.says(None, message={"reasoning": reasoning, "reasoning_content": "2 and 2", "tool_calls": [CALL]})
    gateway.says("4")
    llm = gateway.llm()
    first = llm.chat(MESSAGES).message
    assert [block.content for block in first.blocks if isinstance(block, ThinkingBlock)] == ["2 and 2", None, None]
    stored = ChatMessage.model_validate_json(first.model_dump_json())
    llm.chat([*MESSAGES, stored])
    assert gateway.bodies[1]["messages"][1]["reasoning"] == reasoning


@pytest.mark.anyio
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_of_a_stream_is_shown_from_its_first_piece_on(gateway, field):
    deltas = [{"role": "assistant", field: "2 "}, {field: "and 2"}, {"content": "4"}]
    llm = gateway.llm()
    gateway.streams(*deltas, **DETAILS)
    sync = list(llm.stream_chat(MESSAGES))
    gateway.streams(*deltas, **DETAILS)
    for items in (sync, [item async for item in await llm.astream_chat(MESSAGES)]):
        assert [item.additional_kwargs.get("thinking_delta") for item in items] == ["2 ", "and 2", None, None, None]
        assert [item.delta for item in items] == ["", "", "4", "", ""]
        assert items[0].message.blocks == [ThinkingBlock(content="2 ")]
        assert items[-1].message.blocks == [ThinkingBlock(content="2 and 2", num_tokens=40), TextBlock(text="4")]
        assert items[-1].message.content == "4"


def test_blocks_of_reasoning_are_rebuilt_from_a_stream(gateway):
    gateway.streams(
        {"reasoning_content": "2 "},
        {"reasoning_content": "and 2"},
        {"reasoning_signature": "s1"},
        {"reasoning_redacted_data": "opaque"},
        {"reasoning_content": "is 4"},
        {"reasoning_signature": "s2"},
        {"reasoning_signature": "s3"},
        {"tool_calls": [{"index": 0, **CALL}]},
    )
    gateway.says("4")
    llm = gateway.llm()
    message = list(llm.stream_chat(MESSAGES))[-1].message
    llm.chat([*MESSAGES, message])
    assert gateway.bodies[1]["messages"][1]["reasoning"] == [
        {"type": "thinking", "thinking": "2 and 2", "signature": "s1"},
        {"type": "redacted", "data": "opaque"},
        {"type": "thinking", "thinking": "is 4", "signature": "s2"},
        {"type": "thinking", "thinking": "", "signature": "s3"},
    ]


@pytest.mark.parametrize("send", [True, False])
def test_reasoning_without_a_signature_goes_back_as_text_unless_switched_off(gateway, send):
    gateway.streams({"reasoning_content": "2 and 2"}, {"tool_calls": [{"index": 0, **CALL}]})
    gateway.says("4")
    llm = gateway.llm(send_reasoning=send)
    message = list(llm.stream_chat(MESSAGES))[-1].message
    llm.chat([*MESSAGES, message])
    assert gateway.bodies[1]["messages"][1].get("reasoning_content") == ("2 and 2" if send else None)


def test_the_effort_is_the_llms_or_the_calls(gateway):
    gateway.says("4")
    gateway.says("4")
    llm = gateway.llm(reasoning_effort="low")
    llm.chat(MESSAGES)
    llm.chat(MESSAGES, reasoning_effort="max", reasoning={"exclude": True})
    assert [body["reasoning_effort"] for body in gateway.bodies] == ["low", "max"]
    assert gateway.bodies[1]["reasoning"] == {"exclude": True}


@pytest.mark.anyio
async def test_images_and_refusals_are_part_of_the_answer(gateway):
    image = {"type": "image", "mime_type": "image/png", "data": "aGVsbG8="}
    llm = gateway.llm()
    gateway.says("Here.", message={"images": [image]})
    gateway.streams("Here.", {"images": [image]})
    gateway.says(None, message={"refusal": "No."})
    gateway.streams({"refusal": "N"}, {"refusal": "o."})
    for response in (llm.chat(MESSAGES), list(llm.stream_chat(MESSAGES))[-1]):
        text, picture = response.message.blocks
        assert text.text == "Here."
        assert picture.inline_url() == "data:image/png;base64,aGVsbG8="
    for response in (llm.chat(MESSAGES), list(llm.stream_chat(MESSAGES))[-1]):
        assert response.additional_kwargs["refusal"] == "No."
