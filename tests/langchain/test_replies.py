"""What comes back: content, usage, cost and routing are the same whether the reply was streamed or not."""

import json

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage

from auriko import RoutingMetadata
from auriko_langchain import AurikoGatewayWarning, get_routing_metadata
from tests.support.langchain_ways import call
from tests.support.scripted_gateway import ROUTING, USAGE

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["invoke", "ainvoke", "stream", "astream"])
def ask(request, gateway):
    """Scripts a reply and returns the message, by each of the four ways."""

    async def ask(message, *, model=None, deltas=None, **fields):
        if "stream" in request.param:
            gateway.streams(*(deltas or [message]), **fields)
        else:
            gateway.says(message=message, **fields)
        return await call(model or gateway.model(), request.param, "hi")

    return ask


async def test_text_usage_cost_and_routing(ask):
    message = await ask({"content": "hello"})
    assert message.text == "hello"
    assert message.content == "hello"
    assert message.usage_metadata == {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    metadata = message.response_metadata
    assert metadata["model_name"] == "m-1"
    assert metadata["model_provider"] == "auriko"
    assert metadata["finish_reason"] == "stop"
    assert metadata["cost"] == 0.0021
    assert metadata["routing_metadata"] == ROUTING
    assert json.loads(json.dumps(metadata)) == metadata
    typed = get_routing_metadata(message)
    assert isinstance(typed, RoutingMetadata)
    assert typed.cost.usd == 0.0021


async def test_the_model_that_answered_is_named(ask):
    message = await ask({"content": "x"}, routing_metadata={**ROUTING, "model_canonical": "m-2"})
    assert message.response_metadata["model_name"] == "m-2"


async def test_a_cost_that_is_not_known_is_not_zero(ask):
    message = await ask({"content": "x"}, routing_metadata={"provider": "p"})
    assert message.response_metadata["cost"] is None
    assert message.response_metadata["model_name"] == "m-1"
    assert message.response_metadata["routing_metadata"] == {"provider": "p"}


async def test_a_reply_without_usage_and_routing(ask):
    message = await ask({"content": "x"}, usage=None, routing_metadata=None)
    assert message.usage_metadata is None
    assert message.response_metadata["cost"] is None
    assert get_routing_metadata(message) is None


async def test_details_of_usage_are_whole_numbers(ask):
    usage = {
        **USAGE,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 1, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 1},
        "cost": 0.5,
    }
    message = await ask({"content": "x"}, usage=usage)
    assert message.usage_metadata == {
        "input_tokens": 7,
        "output_tokens": 3,
        "total_tokens": 10,
        "input_token_details": {"cache_read": 5, "cache_creation": 1, "audio": 0},
        "output_token_details": {"reasoning": 2, "audio": 1},
    }


@pytest.mark.parametrize("told", [None, {}])
async def test_details_that_are_not_told_are_not_zero(ask, told):
    message = await ask(
        {"content": "x"}, usage={**USAGE, "prompt_tokens_details": told, "completion_tokens_details": told}
    )
    assert message.usage_metadata == {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}


CALLS = [
    {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}, "provider_signature": "s1"},
    {"id": "c2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
]
CALL_DELTAS = [
    {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "add", "arguments": ""}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}, "provider_signature": "s1"}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]},
    {"tool_calls": [{"index": 1, "id": "c2", "type": "function", "function": {"name": "now", "arguments": "{}"}}]},
]
PARSED = [
    {"name": "add", "args": {"a": 1}, "id": "c1", "type": "tool_call"},
    {"name": "now", "args": {}, "id": "c2", "type": "tool_call"},
]


@pytest.mark.parametrize("output_version", ["v0", "v1"])
async def test_tool_calls_and_their_signatures_go_round(ask, gateway, output_version):
    model = gateway.model(output_version=output_version)
    message = await ask(
        {"content": None, "tool_calls": CALLS}, deltas=CALL_DELTAS, model=model, finish_reason="tool_calls"
    )
    assert message.tool_calls == PARSED
    assert [b["type"] for b in message.content_blocks] == ["tool_call", "tool_call"]
    assert [b["args"] for b in message.content_blocks] == [{"a": 1}, {}]
    gateway.says("done")
    model.invoke([HumanMessage("hi"), message])
    assert gateway.bodies[-1]["messages"][1] == {"role": "assistant", "tool_calls": CALLS}


REASONING = [{"type": "thinking", "thinking": "let me see", "signature": "s"}, {"type": "redacted", "data": "xyz"}]
REASONED = {"content": "yes", "reasoning_content": "let me see", "reasoning": REASONING}
REASONING_DELTAS = [
    {"role": "assistant", "reasoning_content": "let "},
    {"reasoning_content": "me see"},
    {"reasoning_signature": "s"},
    {"reasoning_redacted_data": "xyz"},
    {"content": "yes"},
]


@pytest.mark.parametrize("output_version", ["v0", "v1"])
async def test_reasoning_is_shown_and_goes_round(ask, gateway, output_version):
    model = gateway.model(output_version=output_version)
    message = await ask(REASONED, deltas=REASONING_DELTAS, model=model)
    assert message.text == "yes"
    blocks = [{k: v for k, v in block.items() if k != "index"} for block in message.content_blocks]
    assert blocks == [
        {"type": "reasoning", "reasoning": "let me see", "extras": {"signature": "s"}},
        {"type": "reasoning", "reasoning": "", "extras": {"redacted_data": "xyz"}},
        {"type": "text", "text": "yes"},
    ]
    gateway.says("done")
    model.invoke([HumanMessage("hi"), message])
    assert gateway.bodies[-1]["messages"][1] == {"role": "assistant", **REASONED}


async def test_reasoning_without_signatures(ask, gateway):
    message = await ask(
        {"content": "yes", "reasoning_content": "hm"}, deltas=[{"reasoning_content": "hm"}, {"content": "yes"}]
    )
    assert message.additional_kwargs["reasoning_content"] == "hm"
    assert message.content_blocks[0]["reasoning"] == "hm"
    gateway.says("done")
    gateway.model().invoke([HumanMessage("hi"), message])
    assert gateway.bodies[-1]["messages"][1] == {"role": "assistant", "content": "yes", "reasoning_content": "hm"}


IMAGES = [
    {"type": "image", "mime_type": "image/png", "data": "QUJD", "thought_signature": "t"},
    {"type": "image", "mime_type": "image/png", "data": "REVG"},
]


@pytest.mark.parametrize("output_version", ["v0", "v1"])
async def test_images_are_blocks_and_go_round(ask, gateway, output_version):
    model = gateway.model(output_version=output_version)
    message = await ask(
        {"content": "here", "images": IMAGES},
        deltas=[{"content": "he"}, {"content": "re"}, {"images": IMAGES[:1]}, {"images": IMAGES[1:]}],
        model=model,
    )
    assert message.text == "here"
    assert [b.get("base64") for b in message.content_blocks] == [None, "QUJD", "REVG"]
    gateway.says("done")
    model.invoke([HumanMessage("hi"), message])
    sent = [{k: v for k, v in image.items() if k != "thought_signature"} for image in IMAGES]
    assert gateway.bodies[-1]["messages"][1] == {"role": "assistant", "content": "here", "images": sent}


@pytest.mark.parametrize("output_version", ["v0", "v1"])
async def test_refusals_are_kept(ask, gateway, output_version):
    model = gateway.model(output_version=output_version)
    message = await ask(
        {"content": None, "refusal": "I will not"}, deltas=[{"refusal": "I will"}, {"refusal": " not"}], model=model
    )
    assert message.additional_kwargs["refusal"] == "I will not"
    assert [b["value"] for b in message.content_blocks] == [{"type": "refusal", "refusal": "I will not"}]


@pytest.mark.parametrize("output_version", ["v0", "v1"])
async def test_citations_are_annotations_of_the_text(ask, gateway, output_version):
    cited = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 3}}
    message = await ask(
        {"content": "yes", "annotations": [cited]},
        deltas=["yes", {"annotations": [cited]}],
        model=gateway.model(output_version=output_version),
    )
    (block,) = message.content_blocks
    assert block["text"] == "yes"
    assert block["annotations"] == [{"type": "citation", "url": "u", "title": "t", "start_index": 0, "end_index": 3}]


async def test_annotations_of_another_kind_are_kept_as_they_are(ask):
    found = {"type": "file_citation", "file_citation": {"file_id": "f"}}
    message = await ask({"content": "yes", "annotations": [found]}, deltas=["yes", {"annotations": [found]}])
    (block,) = message.content_blocks
    assert block["annotations"] == [{"type": "non_standard_annotation", "value": found}]


def test_blocks_that_langchain_does_not_know_are_shown_as_they_are():
    """As a program adds them, or another class has made them that the message was restored from."""
    message = AIMessage(["yes", {"type": "chart", "rows": [1]}], response_metadata={"model_provider": "auriko"})
    assert message.content_blocks == [
        {"type": "text", "text": "yes"},
        {"type": "non_standard", "value": {"type": "chart", "rows": [1]}},
    ]


async def test_the_gateways_warnings_are_warnings(ask):
    said = {"type": "unsupported_parameter", "code": "seed_dropped", "message": "seed was not forwarded"}
    with pytest.warns(AurikoGatewayWarning, match="seed was not forwarded"):
        message = await ask({"content": "x"}, routing_metadata={**ROUTING, "warnings": [said]})
    assert message.response_metadata["routing_metadata"]["warnings"] == [said]


@pytest.mark.filterwarnings("error::auriko_langchain.AurikoGatewayWarning")
async def test_a_warning_never_loses_an_answer(ask):
    message = await ask({"content": "x"}, routing_metadata={**ROUTING, "warnings": [{"message": "oh"}]})
    assert message.text == "x"


async def test_broken_metadata_never_loses_an_answer(ask):
    message = await ask({"content": "x"}, routing_metadata={"cost": "a lot", "provider": 7}, usage="many")
    assert message.text == "x"
    assert message.response_metadata["cost"] is None


def test_headers_of_the_reply(gateway):
    gateway.replies(
        {"choices": [{"message": {"content": "x"}}]},
        **{
            "x-request-id": "req-1",
            "x-ratelimit-remaining-requests": "9",
            "x-budget-daily-spend": "1.5",
            "server": "s",
        },
    )
    metadata = gateway.model().invoke("hi").response_metadata
    assert metadata["request_id"] == "req-1"
    assert metadata["headers"] == {"x-ratelimit-remaining-requests": "9", "x-budget-daily-spend": "1.5"}


def test_several_answers_cost_once(gateway):
    choices = [{"index": i, "message": {"content": text}} for i, text in enumerate("ab")]
    gateway.replies({"choices": choices})
    first, second = gateway.model(n=2).generate([[HumanMessage("hi")]]).generations[0]
    assert gateway.bodies[0]["n"] == 2
    assert (first.text, second.text) == ("a", "b")
    assert first.message.usage_metadata["total_tokens"] == 10
    assert first.message.response_metadata["cost"] == 0.0021
    assert second.message.usage_metadata is None
    assert "cost" not in second.message.response_metadata


def test_several_answers_cannot_be_streamed(gateway):
    with pytest.raises(ValueError, match="n > 1"):
        list(gateway.model(n=2).stream("hi"))
    assert gateway.bodies == []


def test_logprobs(gateway):
    first, second = ({"content": [{"token": t, "logprob": -0.1}], "refusal": None} for t in "ab")
    gateway.replies({"choices": [{"message": {"content": "ab"}, "logprobs": first}]})
    assert gateway.model().invoke("hi").response_metadata["logprobs"] == first
    gateway.streams_chunks(
        {"choices": [{"delta": {"content": "a"}, "logprobs": first}]},
        {"choices": [{"delta": {"content": "b"}, "logprobs": second, "finish_reason": "stop"}]},
    )
    chunks = list(gateway.model().stream("hi"))
    merged = sum(chunks[1:], chunks[0])
    assert [t["token"] for t in merged.response_metadata["logprobs"]["content"]] == ["a", "b"]


@pytest.mark.parametrize("arguments", ['{"a": 1', "[1]", "nothing"])
def test_arguments_that_are_no_json_object(gateway, arguments):
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    gateway.says(message={"content": None, "tool_calls": [call]})
    message = gateway.model().invoke("hi")
    assert message.tool_calls == []
    (invalid,) = message.invalid_tool_calls
    assert (invalid["name"], invalid["args"], invalid["id"]) == ("f", arguments, "c1")
    assert invalid["error"]


# -- what only streams have ----------------------------------------------------------------------------------------


def stream(gateway, *deltas, **fields):
    gateway.streams(*deltas, **fields)
    return list(gateway.model().stream("hi"))


def test_whatever_describes_the_message_is_on_one_chunk(gateway):
    chunks = stream(gateway, {"role": "assistant", "content": ""}, "a", "b")
    assert [chunk.content for chunk in chunks] == ["a", "b", ""]
    assert [chunk.usage_metadata is not None for chunk in chunks] == [False, False, True]
    assert ["cost" in chunk.response_metadata for chunk in chunks] == [False, False, True]
    assert all(isinstance(chunk, AIMessageChunk) for chunk in chunks)


def test_usage_that_is_repeated_counts_once(gateway):
    grown = [{**USAGE, "completion_tokens": n, "total_tokens": 7 + n} for n in (1, 2, 3)]
    gateway.streams_chunks(
        *({"choices": [{"delta": {"content": "x"}}], "usage": usage} for usage in grown),
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "routing_metadata": ROUTING},
    )
    chunks = list(gateway.model().stream("hi"))
    merged = sum(chunks[1:], chunks[0])
    assert merged.usage_metadata["output_tokens"] == 3
    assert merged.response_metadata["cost"] == 0.0021


def test_parallel_calls_under_one_index(gateway):
    pieces = [
        {"tool_calls": [{"index": 0, "id": call_id, "function": {"name": name, "arguments": arguments}}]}
        for call_id, name, arguments in (("c1", "add", '{"a": 1}'), ("c2", "now", "{}"))
    ]
    chunks = stream(gateway, *pieces)
    assert sum(chunks[1:], chunks[0]).tool_calls == PARSED


def test_names_and_ids_that_are_repeated(gateway):
    pieces = [
        {"tool_calls": [{"index": 3, "id": "c1", "function": {"name": "add", "arguments": piece}}]}
        for piece in ('{"a"', ": 1}")
    ]
    chunks = stream(gateway, *pieces)
    assert sum(chunks[1:], chunks[0]).tool_calls == PARSED[:1]


def test_an_id_that_comes_late(gateway):
    chunks = stream(
        gateway,
        {"tool_calls": [{"index": 0, "function": {"name": "add"}}]},
        {"tool_calls": [{"index": 0, "id": "c1", "function": {"arguments": '{"a": 1}'}}]},
    )
    assert sum(chunks[1:], chunks[0]).tool_calls == PARSED[:1]


def test_a_call_without_an_id_gets_one(gateway):
    chunks = stream(gateway, {"tool_calls": [{"index": 0, "function": {"name": "now", "arguments": "{}"}}]})
    (call,) = sum(chunks[1:], chunks[0]).tool_calls
    assert call["name"] == "now"
    assert call["id"].startswith("call_")


@pytest.mark.parametrize("arguments", ['{"a": ', '{"a": [', '{"a": "x', '{"a": ["x', '{"a": "x\\', '{"a": ["x\\'])
def test_arguments_that_are_cut_anywhere_are_not_completed(gateway, arguments):
    """LangChain would close whatever is open, and run a call of half a path."""
    piece = {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "add", "arguments": arguments}}]}
    chunks = stream(gateway, piece, finish_reason="length")
    merged = sum(chunks[1:], chunks[0])
    assert merged.tool_calls == []
    (invalid,) = merged.invalid_tool_calls
    assert (invalid["name"], invalid["id"]) == ("add", "c1")
    assert invalid["args"].startswith(arguments)


@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_text_before_a_tool_call_stays_apart(gateway, output_version):
    gateway.streams("I will add.", *CALL_DELTAS, finish_reason="tool_calls")
    chunks = list(gateway.model(output_version=output_version).stream("hi"))
    merged = sum(chunks[1:], chunks[0])
    assert [b["type"] for b in merged.content_blocks] == ["text", "tool_call", "tool_call"]
    assert merged.text == "I will add."
    assert merged.tool_calls == PARSED


def test_usage_is_asked_for_unless_it_is_not_wanted(gateway):
    for settings, arguments in (({}, {}), ({"stream_usage": False}, {}), ({}, {"stream_usage": False})):
        gateway.streams("x")
        list(gateway.model(**settings).stream("hi", **arguments))
    assert [body.get("stream_options") for body in gateway.bodies] == [{"include_usage": True}, None, None]
    assert all(body["stream"] is True for body in gateway.bodies)


def test_streaming_inside_invoke(gateway):
    gateway.streams("a", "b")
    message = gateway.model(streaming=True).invoke("hi")
    assert gateway.bodies[0]["stream"] is True
    assert isinstance(message, AIMessage)
    assert message.content == "ab"
    assert message.response_metadata["cost"] == 0.0021
