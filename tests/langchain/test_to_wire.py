"""Messages of every make become what the API takes."""

import pytest
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from auriko_langchain._to_wire import to_wire

TEXT = {"type": "text", "text": "look"}


def wire(message):
    (result,) = to_wire([message])
    return result


def part(block):
    (result,) = wire(HumanMessage([block]))["content"]
    return result


def test_plain_conversation():
    messages = [
        SystemMessage("be brief"),
        HumanMessage("hi", name="ann"),
        AIMessage("hello"),
        ToolMessage("42", tool_call_id="c1", name="calc", status="error", artifact={"not": "sent"}),
    ]
    assert to_wire(messages) == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hi", "name": "ann"},
        {"role": "assistant", "content": "hello"},
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
    ]


def test_roles_with_classes_of_their_own():
    developer = SystemMessage("x", additional_kwargs={"__openai_role__": "developer"})
    assert wire(developer) == {"role": "developer", "content": "x"}
    assert wire(ChatMessage("x", role="developer")) == {"role": "developer", "content": "x"}
    assert wire(FunctionMessage("x", name="f")) == {"role": "function", "content": "x", "name": "f"}


def test_a_message_that_is_no_message_is_refused():
    with pytest.raises(ValueError, match="RemoveMessage"):
        to_wire([RemoveMessage(id="1")])


@pytest.mark.parametrize("make", [SystemMessage, lambda content: ToolMessage(content, tool_call_id="c1")])
def test_text_blocks_of_instructions_and_results_become_one_text(make):
    assert wire(make([TEXT, "here"]))["content"] == "look\nhere"


def test_text_marked_for_the_cache_stays_a_part():
    marked = {**TEXT, "cache_control": {"type": "ephemeral"}}
    assert wire(SystemMessage([marked, "x"]))["content"] == [marked, {"type": "text", "text": "x"}]
    assert part({**TEXT, "extras": {"cache_control": {"type": "ephemeral"}}}) == marked


def test_empty_lists_of_blocks_become_empty_texts():
    assert [m["content"] for m in to_wire([HumanMessage([]), AIMessage([]), SystemMessage([])])] == ["", "", ""]


def test_text_blocks_lose_what_is_not_the_wires():
    assert part({**TEXT, "id": "lc_1", "index": 0, "annotations": []}) == TEXT
    assert part({"text": "no type"}) == {"type": "text", "text": "no type"}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "image_url", "image_url": "https://x/y.png"},
        {"type": "image", "url": "https://x/y.png"},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
    ],
    ids=["openai", "openai-short", "langchain", "anthropic"],
)
def test_images_by_address(block):
    assert part(block) == {"type": "image_url", "image_url": {"url": "https://x/y.png"}}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": "QUJD", "mime_type": "image/png"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
    ],
    ids=["langchain", "anthropic"],
)
def test_images_by_data(block):
    assert part(block) == {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}


def test_the_detail_of_an_image_is_kept():
    assert part({"type": "image", "url": "u", "extras": {"detail": "low"}})["image_url"]["detail"] == "low"


def test_audio_video_and_files():
    audio = {"type": "audio", "base64": "QUJD", "mime_type": "audio/mpeg"}
    assert part(audio) == {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}}
    assert part({"type": "audio", "url": "u"}) == {"type": "audio_url", "audio_url": {"url": "u"}}
    video = {"type": "video", "base64": "QUJD", "mime_type": "video/mp4"}
    assert part(video) == {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,QUJD"}}
    data = "data:application/pdf;base64,QUJD"
    pdf = {"type": "file", "base64": "QUJD", "mime_type": "application/pdf"}
    assert part(pdf) == {"type": "file", "file": {"file_data": data, "filename": "file.pdf"}}
    assert part({**pdf, "extras": {"filename": "a.pdf"}})["file"]["filename"] == "a.pdf"
    ready = {"type": "file", "file": {"file_data": data, "filename": "b.pdf"}}
    assert part(ready) == ready
    assert part({"type": "file", "file_id": "f-1"}) == {"type": "file", "file": {"file_id": "f-1"}}
    assert part({"type": "file", "url": "u"}) == {"type": "file", "file": {"file_url": "u"}}
    document = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}}
    assert part(document)["file"]["file_data"] == data
    plain = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}}
    assert part(plain) == {"type": "text", "text": "hello"}
    assert part({"type": "text-plain", "text": "hello", "mime_type": "text/plain"}) == {"type": "text", "text": "hello"}


def test_an_answer_that_is_handed_on_as_a_question_is_its_text_alone():
    """As agents hand the content of one's answer to another: reasoning and calls are no part of a question."""
    call = {"type": "tool_use", "id": "c1", "name": "add", "input": {}}
    content = [{"type": "thinking", "thinking": "hm", "signature": "s"}, TEXT, call]
    assert wire(HumanMessage(content)) == wire(HumanMessage([TEXT]))


def test_blocks_that_nobody_knows_go_out_as_they_are():
    assert part({"type": "hologram", "x": 1}) == {"type": "hologram", "x": 1}
    assert part({"type": "non_standard", "value": {"type": "hologram"}}) == {"type": "hologram"}


@pytest.mark.parametrize("block", [{"type": "image"}, {"type": "image", "base64": "QUJD"}, {"type": "video"}])
def test_blocks_that_lack_something_say_what(block):
    with pytest.raises(ValueError, match=r"messages\[0\]\.content\[0\]\.(url|mime_type) is missing"):
        part(block)


def test_images_in_tool_results_follow_the_results():
    image = {"type": "image", "url": "u"}
    results = [ToolMessage([TEXT, image], tool_call_id="c1"), ToolMessage([image], tool_call_id="c2")]
    part = {"type": "image_url", "image_url": {"url": "u"}}
    after = [{"type": "text", "text": "Result of the tool call c1:"}, part]
    after += [{"type": "text", "text": "Result of the tool call c2:"}, part]
    expected = [
        {"role": "tool", "content": "look", "tool_call_id": "c1"},
        {"role": "tool", "content": "The result is in the next message of the user.", "tool_call_id": "c2"},
        {"role": "user", "content": after},
    ]
    assert to_wire(results) == expected
    assert to_wire([*results, HumanMessage("and?")]) == [*expected, {"role": "user", "content": "and?"}]


CALL = {"name": "add", "args": {"a": 1, "who": "é"}, "id": "c1", "type": "tool_call"}
WIRE_CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "who": "é"}'}}


@pytest.mark.parametrize(
    "content",
    [
        "",
        [{"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}}],
        [{"type": "tool_call", "id": "c1", "name": "add", "args": {"a": 1}}],
    ],
    ids=["text", "anthropic", "v1"],
)
def test_tool_calls_are_sent_once_and_without_escapes(content):
    message = AIMessage(content, tool_calls=[CALL])
    assert wire(message) == {"role": "assistant", "tool_calls": [WIRE_CALL]}


def test_tool_calls_in_the_content_alone():
    message = AIMessage([TEXT, {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1, "who": "é"}}])
    assert wire(message) == {"role": "assistant", "content": "look", "tool_calls": [WIRE_CALL]}


def test_calls_that_could_not_be_parsed_go_back_as_they_came():
    message = AIMessage("", invalid_tool_calls=[{"name": "f", "args": '{"a":', "id": "c2", "error": "cut"}])
    assert wire(message)["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":'}


@pytest.mark.parametrize(
    "message",
    [
        AIMessage("", tool_calls=[CALL], additional_kwargs={"provider_signatures": {"c1": "sig"}}),
        AIMessage([{**CALL, "extras": {"provider_signature": "sig"}}], tool_calls=[CALL]),
    ],
    ids=["v0", "v1"],
)
def test_signatures_of_tool_calls_go_back(message):
    assert wire(message)["tool_calls"] == [{**WIRE_CALL, "provider_signature": "sig"}]


def test_reasoning_goes_back_as_it_came():
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "redacted", "data": "d"}]
    kept = {"reasoning_content": "hm", "reasoning": [{**block, "index": i} for i, block in enumerate(blocks)]}
    assert wire(AIMessage("yes", additional_kwargs=kept)) == {
        "role": "assistant",
        "content": "yes",
        "reasoning_content": "hm",
        "reasoning": blocks,
    }


def test_reasoning_that_nobody_signed_goes_back_as_text():
    kept = {"reasoning_content": "hm", "reasoning": [{"type": "thinking", "thinking": "hm", "index": 0}]}
    assert wire(AIMessage("yes", additional_kwargs=kept)) == {
        "role": "assistant",
        "content": "yes",
        "reasoning_content": "hm",
    }


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "redacted_thinking", "data": "d"}],
        [
            {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "s"}},
            {"type": "reasoning", "reasoning": "", "extras": {"redacted_data": "d"}},
        ],
    ],
    ids=["anthropic", "v1"],
)
def test_reasoning_in_the_content(blocks):
    assert wire(AIMessage([*blocks, {"type": "reasoning", "summary": []}, "yes"])) == {
        "role": "assistant",
        "content": "yes",
        "reasoning_content": "hm",
        "reasoning": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "redacted", "data": "d"},
        ],
    }


def test_refusals_and_images_go_back():
    assert wire(AIMessage("", additional_kwargs={"refusal": "no"}))["refusal"] == "no"
    assert wire(AIMessage([{"type": "refusal", "refusal": "no"}]))["refusal"] == "no"
    image = {"type": "image", "base64": "QUJD", "mime_type": "image/png", "extras": {"thought_signature": "t"}}
    assert wire(AIMessage(["here", image]))["images"] == [{"type": "image", "mime_type": "image/png", "data": "QUJD"}]


def test_messages_are_not_changed():
    message = AIMessage(
        [TEXT], tool_calls=[CALL], additional_kwargs={"reasoning_blocks": [{"type": "redacted", "data": "d"}]}
    )
    before = message.model_copy(deep=True)
    wire(message)
    assert message == before
