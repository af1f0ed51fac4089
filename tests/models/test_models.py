"""What the gateway answers: unknown fields are kept, and what only informs never fails a reply."""

import json
from itertools import product
from typing import Any

import pytest

from auriko import ChatCompletion, ChatCompletionChunk, ResponseHeaders
from auriko._rules.exchange import Answer, parse_reply
from auriko._streams.chat import ChatReader
from auriko._streams.responses import ResponsesReader
from auriko.errors import APIResponseValidationError, BadRequestError, RateLimitError
from auriko.models import (
    ApiKeyIdentity,
    DirectoryResponse,
    ModelList,
    ModelsListResponse,
    ProviderInfo,
    ProviderList,
    RedactedReasoningBlock,
    Response,
    ThinkingReasoningBlock,
)
from tests.support.cases import failures
from tests.support.replies import METADATA, USAGE, chunk, completion, envelope, event

HEADERS = ResponseHeaders({"X-Request-ID": "req_1"})
BROKEN = [5, "x", [], [[]], True, 1.5, {"a": {}}, [None]]


def parse(value: Any, model: Any = ChatCompletion) -> Any:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return parse_reply(model, body, Answer(200, HEADERS))


def read(*data: Any) -> ChatReader:
    reader = ChatReader(HEADERS)
    for one in data:
        reader.feed(event(one))
    return reader


def test_completion() -> None:
    reply = parse(completion(system_fingerprint="fp", service_tier="default"))
    assert reply.choices[0].message.content == "Paris."
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.prompt_tokens_details.cached_tokens == 1536
    assert reply.usage.completion_tokens_details.reasoning_tokens == 40
    assert reply.routing_metadata.cost.usd == 0.00193
    assert reply.routing_metadata.warnings[0].code == "seed_dropped"
    assert (reply.request_id, reply.response_headers) == ("req_1", HEADERS)
    assert ChatCompletion.model_validate(completion()).request_id is None
    assert json.loads(reply.model_dump_json(exclude_none=True))["usage"] == USAGE


def test_model_that_keeps_no_headers() -> None:
    assert parse({"id": "p"}, ProviderInfo).id == "p"


def test_parts_of_a_message() -> None:
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "provider_signature": "s"}
        ],
        "reasoning": [
            {"type": "thinking", "thinking": "t", "signature": "s"},
            {"type": "redacted", "data": "d"},
            {"type": "new"},
        ],
        "images": [{"type": "image", "mime_type": "image/png", "data": "AA=="}],
        "annotations": [{"url": "u"}],
    }
    said = parse(completion(choices=[{"message": message, "finish_reason": "tool_calls"}])).choices[0].message
    assert said.tool_calls[0].function.arguments == "{}"
    assert said.tool_calls[0].provider_signature == "s"
    thinking, redacted, new = said.reasoning
    assert isinstance(thinking, ThinkingReasoningBlock)
    assert isinstance(redacted, RedactedReasoningBlock)
    assert new == {"type": "new"}
    assert said.images[0].mime_type == "image/png"
    assert said.model_dump(exclude_none=True, exclude={"reasoning"}) == {
        k: v for k, v in message.items() if v and k != "reasoning"
    }


def test_unknown_fields_are_kept() -> None:
    value = completion(new={"a": [1]})
    value["routing_metadata"] = {**METADATA, "tier": "priority", "cost": {"usd": 1, "fee": 2}}
    reply = parse(value)
    assert reply.new == {"a": [1]}
    assert reply.model_extra == {"new": {"a": [1]}}
    assert reply.routing_metadata.tier == "priority"
    assert reply.routing_metadata.cost.fee == 2
    assert reply.model_dump()["routing_metadata"]["cost"]["fee"] == 2


def test_broken_metadata_never_fails_a_paid_call() -> None:
    def check(field: str, value: Any) -> None:
        metadata = {**METADATA, field: value}
        for seen in (parse(completion(routing_metadata=metadata)), read(chunk(routing_metadata=metadata)).ready[0]):
            assert seen.choices
            others = {name: METADATA[name] for name in METADATA if name not in {field, "cost", "warnings"}}
            assert {name: getattr(seen.routing_metadata, name) for name in others} == others

    assert not failures(check, product(METADATA, BROKEN))


def test_broken_cost_is_unknown_cost() -> None:
    def check(field: str, value: Any) -> None:
        text = json.dumps(completion(routing_metadata={"provider": "p", "cost": {"usd": 1.0, field: value}}))
        reply = parse(text.replace("Infinity", "1e999").encode())
        assert reply.routing_metadata.provider == "p"
        if field == "usd":
            assert reply.routing_metadata.cost.usd is None
        else:
            assert reply.routing_metadata.cost.usd == 1.0

    assert not failures(
        check,
        product(["usd", "cache_savings_percent", "cache_savings_usd", "hosted_tool_usd"], ["x", [], {}, None, 1e999]),
    )


def test_what_only_informs_is_none_where_it_is_broken() -> None:
    def check(field: str, value: Any) -> None:
        assert getattr(parse(completion(**{field: value})), field) is None
        (item,) = read(chunk(**{field: value})).ready
        assert getattr(item, field) is None

    assert not failures(
        check, product(["routing_metadata", "usage", "system_fingerprint", "service_tier"], [5, [], [5], True, None])
    )


def test_fields_that_a_reply_can_do_without_take_their_default() -> None:
    def check(field: str, value: Any) -> None:
        default = ChatCompletion.model_fields[field].default
        assert getattr(parse(completion(**{field: value})), field) == default
        (item,) = read(chunk(**{field: value})).ready
        assert getattr(item, field) == ChatCompletionChunk.model_fields[field].default

    assert not failures(check, product(["id", "object", "created", "model"], [None, [], {}, 1.5]))


def test_broken_usage() -> None:
    def check(value: Any) -> None:
        reply = parse(
            completion(usage={"prompt_tokens": value, "completion_tokens": 3, "prompt_tokens_details": value})
        )
        assert reply.usage.completion_tokens == 3

    assert not failures(check, BROKEN)


@pytest.mark.parametrize("value", [5, "x", {}, [5], [{"message": 5}], [{"message": {"content": 5}}]], ids=repr)
def test_answer_itself_must_be_whole(value: Any) -> None:
    with pytest.raises(APIResponseValidationError, match="The reply is not what the API promises: choices") as caught:
        parse(completion(choices=value))
    assert caught.value.status_code == 200
    assert caught.value.request_id == "req_1"
    assert caught.value.body["choices"] == value
    assert not caught.value.is_retryable


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"nul", b"\x00", b"[" * 10**6, b'{"choices": [NaN]}', b'{"a": -Infinity}']
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(APIResponseValidationError, match="The reply is not what the API promises"):
        parse(body)


@pytest.mark.parametrize("depth", [300, 2_000])
def test_half_characters_deep_inside_are_refused_like_all_that_is_too_deep(depth: int) -> None:
    with pytest.raises(APIResponseValidationError):
        parse(b"[" * depth + b'"\\ud800"' + b"]" * depth)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_only_python_writes_are_broken_fields_and_no_broken_reply(number: float) -> None:
    metadata = {"provider": "p", "throughput_tps": number, "x": number, "cost": {"usd": 1.0, "hosted_tool_usd": number}}
    more = {"routing_metadata": metadata, "usage": {**USAGE, "x": number}}
    response = {"id": "r", "object": "response", "output": [], "status": "completed", **more}
    events = ResponsesReader(ResponseHeaders([]))
    events.feed(event({"type": "response.completed", "response": response}))
    for seen in (
        parse(completion(**more)),
        parse(completion(**more, service_tier=[])),  # which is not read at once
        read(chunk(**more)).ready[0],
        parse(response, Response),
        events.completed_response,
    ):
        metadata = seen.routing_metadata
        assert (metadata.provider, metadata.throughput_tps) == ("p", None)
        assert (metadata.cost.usd, metadata.cost.hosted_tool_usd) == (1.0, None)
        assert seen.usage is not None
        assert "NaN" not in seen.model_dump_json()


def test_the_words_nan_and_infinity_are_no_numbers() -> None:
    assert parse(completion("NaN, Infinity and -Infinity")).choices[0].message.content == "NaN, Infinity and -Infinity"
    assert len(read(chunk("NaN"), chunk("Infinity")).ready) == 2


@pytest.mark.parametrize(
    "value", [envelope("invalid_request_error"), {**completion(), **envelope("invalid_request_error")}]
)
def test_error_with_a_success_status(value: Any) -> None:
    with pytest.raises(BadRequestError, match="It did not work"):
        parse(value)
    assert isinstance(read(value).failure, BadRequestError)


@pytest.mark.parametrize("value", [None, "", {}, [], False, 0])
def test_empty_error_is_no_error(value: Any) -> None:
    assert parse(completion(error=value)).choices
    assert read({**chunk(), "error": value}).failure is None


def test_error_text_of_a_reply_is_made_safe() -> None:
    with pytest.raises(APIResponseValidationError) as caught:
        parse({"models": {"\x1b[2J" + "k" * 10_000: {"providers": [{}] * 2, "x": 1}, "other": 5}}, DirectoryResponse)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 4300


def test_chunk_without_choices_but_with_usage() -> None:
    for extra in ({"usage": USAGE}, {"usage": USAGE, "choices": None}, {"routing_metadata": METADATA}):
        reader = read({"id": "x", **extra})
        assert reader.failure is None
        assert reader.ready[0].choices == []


def test_empty_objects_do_not_take_the_place_of_what_was_said() -> None:
    reader = read(
        chunk(usage=USAGE, routing_metadata=METADATA), chunk(usage={}, routing_metadata={}), chunk(usage=None)
    )
    assert reader.usage is not None
    assert reader.usage.total_tokens == 1881
    assert reader.routing_metadata is not None
    assert reader.routing_metadata.provider == "anthropic"


def test_last_of_several_counts() -> None:
    reader = read(chunk(usage=USAGE), chunk(usage={"total_tokens": 7}))
    assert reader.usage is not None
    assert reader.usage.total_tokens == 7


def test_items_before_a_failure_in_the_same_read_are_kept() -> None:
    reader = ChatReader(HEADERS)
    reader.feed(event(chunk("a")) + event(envelope("rate_limit_error")) + event(chunk("b")))
    assert [item.choices[0].delta.content for item in reader.ready] == ["a"]
    assert isinstance(reader.failure, RateLimitError)


def test_an_error_that_the_end_of_the_body_completes_is_that_error() -> None:
    reader = read(chunk("a"))
    reader.feed(event(envelope("rate_limit_error")).rstrip())
    assert not reader.over
    reader.feed(b"")
    assert isinstance(reader.failure, RateLimitError)


def test_of_an_event_that_is_refused_4096_characters_are_kept() -> None:
    reader = ChatReader(HEADERS)
    reader.feed(b"data: " + b"x" * 5000 + b"\n\n")
    assert reader.failure is not None
    assert reader.failure.body == "x" * 4096


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (
            ModelList,
            {
                "object": "list",
                "data": [{"id": "m", "context_window": 5, "providers": [{"name": "p", "input_price": 3}]}],
            },
        ),
        (ModelsListResponse, {"models": [{"id": "m", "has_free_provider": False}], "count": 1}),
        (ProviderList, {"providers": [{"id": "p", "icon": "x"}], "count": 1}),
        (
            DirectoryResponse,
            {"models": {"m": {"family": "f", "providers": [{"provider": "p", "tiers": [{"name": "standard"}]}]}}},
        ),
        (
            ApiKeyIdentity,
            {"key_id": "k", "workspace": {"id": "w"}, "scopes": ["inference"], "rate_limits": {"inference_rpm": 60}},
        ),
    ],
)
def test_other_replies(model: Any, value: Any) -> None:
    reply = parse(value, model)
    assert json.loads(reply.model_dump_json(exclude_unset=True)) == value
    assert reply.request_id == "req_1"


def test_old_shape_of_the_identity() -> None:
    reply = parse(
        {"object": "api_key_identity", "user_id": "u", "tier": "builder", "rate_limit_rpm": 60}, ApiKeyIdentity
    )
    assert reply.model_extra["rate_limit_rpm"] == 60


def test_broken_entry_of_the_directory_does_not_hide_the_rest() -> None:
    value = {
        "models": {
            "m": {"family": 5, "author": "a", "providers": [{"provider": "p", "context_window": "x", "tiers": 5}]}
        }
    }
    entry = parse(value, DirectoryResponse).models["m"]
    assert (entry.family, entry.author, entry.providers[0].provider) == (None, "a", "p")
    assert entry.providers[0].tiers is None


def test_cache_writes_under_their_older_name() -> None:
    reply = parse(completion(usage={"prompt_tokens_details": {"cache_creation_tokens": 9}}))
    assert reply.usage.prompt_tokens_details.cache_write_tokens == 9


def test_dumps_have_no_nulls_unless_they_are_asked_for() -> None:
    message = parse(completion("Paris.")).choices[0].message
    assert message.model_dump() == json.loads(message.model_dump_json()) == {"role": "assistant", "content": "Paris."}
    whole = message.model_dump(exclude_none=False)
    assert whole == json.loads(message.model_dump_json(exclude_none=False))
    assert whole["tool_calls"] is None
