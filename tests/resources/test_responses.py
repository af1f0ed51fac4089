"""The Responses API (API sections 11.3 to 11.5)."""

import inspect
import subprocess
import sys
from typing import Any, get_args

import pytest

from auriko import AsyncClient, Client, RoutingOptions, track_spend
from auriko.errors import (
    APIResponseValidationError,
    APIStatusError,
    BadRequestError,
    RateLimitError,
    StreamInterruptedError,
)
from auriko.models import (
    ResponseCompletedEvent,
    ResponseCreatedEvent,
    ResponseFunctionCallOutputItem,
    ResponseIncompleteEvent,
    ResponseMessageOutputItem,
    ResponseReasoningOutputItem,
    ResponseRefusalContentPart,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    UnknownOutputItem,
    UnknownStreamEvent,
)
from auriko.sandbox import Sandbox
from auriko.types import ResponsesParams
from tests.support.acts import reply, stream
from tests.support.clients import serving, serving_async
from tests.support.replies import DONE, envelope, event
from tests.support.response_events import USAGE, delta, ended, message, response, started

QUESTION = "Paris is the capital of France. What is the capital of France?"
pytestmark = pytest.mark.usefixtures("quick_retries")
REQUEST: Any = {"model": "gpt-5.4", "input": "hi"}


def test_a_plain_response_comes_with_text_usage_cost_and_headers() -> None:
    with serving(reply(200, response(), x_request_id="req_7")) as (server, client):
        made = client.responses.create(**REQUEST)
    assert made.output_text == "Paris."
    assert made.usage is not None
    assert made.usage.output_tokens_details is not None
    assert (made.usage.input_tokens, made.usage.output_tokens_details.reasoning_tokens) == (11, 20)
    assert made.routing_metadata is not None
    assert made.routing_metadata.provider == "anthropic"
    assert made.request_id == "req_7"
    assert server.requests[0].target == "/v1/responses"
    assert server.requests[0].json == {"model": "gpt-5.4", "input": "hi"}


@pytest.mark.parametrize("given", [{}, {"output_text": ""}, {"output_text": None}])
def test_output_text_is_computed_where_the_gateway_left_it_out(given: dict[str, Any]) -> None:
    output = [{"type": "reasoning", "id": "rs_1", "summary": []}, message("Par"), message("is.")]
    with serving(reply(200, response(output=output, **given))) as (_, client):
        assert client.responses.create(**REQUEST).output_text == "Paris."


def test_the_gateways_own_output_text_is_kept() -> None:
    with serving(reply(200, response(output_text="its own"))) as (_, client):
        assert client.responses.create(**REQUEST).output_text == "its own"


def test_output_items_are_typed_and_unknown_ones_keep_their_fields() -> None:
    refusal = {"type": "refusal", "refusal": "No."}
    output = [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "x"}],
            "encrypted_content": "e",
        },
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}", "status": "done"},
        {**message(), "phase": "final_answer", "content": [*message()["content"], refusal, {"type": "odd", "x": 1}]},
        {"type": "web_search_call", "id": "ws_1", "action": {"query": "q"}},
        {"type": "message"},
    ]
    with serving(reply(200, response(output=output))) as (_, client):
        reasoning, call, said, search, broken = client.responses.create(**REQUEST).output
    assert isinstance(reasoning, ResponseReasoningOutputItem)
    assert reasoning.encrypted_content == "e"
    assert isinstance(call, ResponseFunctionCallOutputItem)
    assert isinstance(said, ResponseMessageOutputItem)
    assert said.phase == "final_answer"
    assert isinstance(said.content[1], ResponseRefusalContentPart)
    assert said.content[2].type == "odd"
    assert isinstance(search, UnknownOutputItem)
    assert search.data == output[3]
    assert isinstance(broken, UnknownOutputItem)


TEXT_PART: dict[str, Any] = {"type": "output_text", "text": "is."}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("is.", "is."),
        (["is", "."], "is."),
        (TEXT_PART, "is."),
        ([None, TEXT_PART], "is."),
        ([{**TEXT_PART, "annotations": None, "logprobs": "none"}], "is."),
        ([{"type": "odd"}, TEXT_PART], "is."),
        (None, ""),
    ],
)
@pytest.mark.parametrize("more", [{}, {"id": None, "role": None, "status": 3}])
def test_the_text_of_a_message_is_read_from_every_form_of_it(content: Any, text: str, more: dict[str, Any]) -> None:
    with serving(reply(200, response(output=[None, message("Par"), {**message(), "content": content, **more}]))) as (
        server,
        client,
    ):
        made = client.responses.create(**REQUEST)
        client.responses.create(model="gpt-5.4", input=[{"role": "user", "content": "hi"}, *made.output])
    assert made.output_text == f"Par{text}"
    assert [type(item) for item in made.output] == [ResponseMessageOutputItem] * 2
    assert isinstance(server.requests[1].json["input"][2]["content"], list)


@pytest.mark.parametrize(("given", "read"), [({"a": 1}, '{"a":1}'), (None, "{}"), ("", ""), ('{"a": 1}', '{"a": 1}')])
def test_arguments_of_a_call_may_be_the_object_itself(given: Any, read: str) -> None:
    called = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": given}
    output = [{"type": "reasoning", "summary": None}, called]
    with serving(reply(200, response(output=output))) as (_, client):
        reasoning, call = client.responses.create(**REQUEST).output
    assert isinstance(reasoning, ResponseReasoningOutputItem)
    assert reasoning.summary == []
    assert isinstance(call, ResponseFunctionCallOutputItem)
    assert call.arguments == read


@pytest.mark.parametrize("output", [None, "text", ["x"]])
def test_an_output_that_says_nothing_does_not_fail_the_reply(output: Any) -> None:
    with serving(reply(200, response(output=output))) as (_, client):
        made = client.responses.create(**REQUEST)
    assert (made.output, made.output_text) == ([], "")
    assert made.usage is not None


def test_output_goes_back_as_input_just_as_it_came() -> None:
    """Every item of a turn, its unknown fields and signatures included, is what the next turn sends."""
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "secret"},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}", "extra": 1},
        {**message(), "phase": "commentary"},
        {"type": "web_search_call", "id": "ws_1", "action": {"query": "q"}},
    ]
    with serving(reply(200, response(output=output))) as (server, client):
        first = client.responses.create(**REQUEST)
        client.responses.create(model="gpt-5.4", input=[{"role": "user", "content": "hi"}, *first.output])
    assert server.requests[1].json["input"][1:] == output


def test_a_failed_plain_response_comes_back_with_its_error() -> None:
    failed = response(status="failed", output=[], error={"code": "upstream_error", "message": "broke"})
    with serving(reply(200, failed)) as (_, client):
        made = client.responses.create(**REQUEST)
    assert made.status == "failed"
    assert made.error is not None
    assert (made.error.code, made.error.message) == ("upstream_error", "broke")


def test_an_error_envelope_with_status_200_is_raised() -> None:
    with (
        serving(reply(200, envelope("invalid_request_error", "invalid_request"))) as (_, client),
        pytest.raises(BadRequestError),
    ):
        client.responses.create(**REQUEST)


def test_a_reply_that_is_no_response_is_refused() -> None:
    with serving(reply(200, {"hello": 1})) as (_, client), pytest.raises(APIResponseValidationError):
        client.responses.create(**REQUEST)


def test_every_field_of_the_contract_can_be_sent() -> None:
    fields: dict[str, Any] = {
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "instructions": "Be brief.",
        "tools": [{"type": "function", "name": "f", "parameters": {}}, {"type": "web_search"}],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "max_output_tokens": 10,
        "max_tool_calls": 2,
        "temperature": 0.5,
        "top_p": 0.5,
        "top_k": 4,
        "top_logprobs": 2,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.1,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
        "truncation": "auto",
        "metadata": {"a": "b"},
        "include": ["reasoning.encrypted_content"],
        "user": "u",
        "prompt_cache_key": "k",
        "safety_identifier": "s",
        "store": False,
        "extensions": {"openai": {"x": 1}},
    }
    gateway = {"models": ["gpt-5.4"], "routing": {"optimize": "cost"}, "metadata": {"tags": ["t"]}}
    with serving(reply(200, response())) as (server, client):
        client.responses.create(**fields, gateway={**gateway, "routing": RoutingOptions(optimize="cost")})  # type: ignore[typeddict-item]
    assert server.requests[0].json == {**fields, "gateway": gateway}


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"model": "m"}, TypeError, "needs input"),
        ({"model": "m", "input": "x", "max_tokens": 3}, TypeError, "max_output_tokens"),
        ({"model": "m", "input": {"role": "user"}}, ValueError, "input is a text, or a list"),
        ({"model": "m", "input": []}, ValueError, "input is empty"),
        ({"input": "x"}, ValueError, "give a model"),
        ({"input": "x", "model": "m", "gateway": {"models": ["n"]}}, ValueError, "not both"),
        ({"input": "x", "model": "m", "gateway": {"routing": {"optimise": "cost"}}}, ValueError, "optimize"),
        ({"input": "x", "model": "m", "extensions": {"thinking": {}}}, ValueError, "reasoning_effort"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_any_request(arguments: Any, error: type[Exception], said: str) -> None:
    with serving(reply(200, response())) as (server, client):
        with pytest.raises(error, match=said):
            client.responses.create(**arguments)
        assert server.requests == []


def test_help_shows_every_parameter() -> None:
    parameters = inspect.signature(Client(api_key="ak_x").responses.create).parameters
    assert set(parameters) == {"stream", *ResponsesParams.__annotations__}
    assert parameters["input"].default is inspect.Parameter.empty
    assert parameters["model"].default is None


def test_a_stream_gives_typed_events_and_ends_at_its_terminal_event() -> None:
    events = [
        started(),
        delta("Par"),
        event({"type": "response.odd", "sequence_number": 5, "x": 1}),
        delta("is."),
        ended(),
    ]
    with serving(stream(*events, end="hang")) as (_, client):
        opened = client.responses.create(**REQUEST, stream=True)
        seen = list(opened)
    kinds = [
        ResponseCreatedEvent,
        ResponseTextDeltaEvent,
        UnknownStreamEvent,
        ResponseTextDeltaEvent,
        ResponseCompletedEvent,
    ]
    assert [type(each) for each in seen] == kinds
    assert isinstance(seen[2], UnknownStreamEvent)
    assert seen[2].data == {"type": "response.odd", "sequence_number": 5, "x": 1}
    assert opened.completed_response is not None
    assert opened.completed_response.output_text == "Paris."
    assert opened.completed_response.request_id == opened.request_id == "req_1"
    assert opened.usage is not None
    assert opened.usage.model_dump(exclude_none=True) == USAGE
    assert opened.routing_metadata is not None


def test_every_event_of_the_contract_has_a_type_of_its_own() -> None:
    fields: dict[str, Any] = {
        "response": response(),
        "item": message(),
        "part": {"type": "output_text", "text": "x"},
        "delta": "x",
        "text": "x",
        "arguments": "{}",
        "item_id": "i",
    }
    for model in get_args(ResponseStreamEvent):
        if model is UnknownStreamEvent or model.__name__ in {"ResponseErrorEvent", "ResponseFailedEvent"}:
            continue
        (kind,) = get_args(model.model_fields["type"].annotation)
        with serving(stream(event({"type": kind, "sequence_number": 1, **fields}), ended())) as (_, client):
            first, *_ = client.responses.create(**REQUEST, stream=True)
        assert type(first) is model
        assert first.sequence_number == 1


@pytest.mark.parametrize("broken", ["{", "[1]", "nonsense"])
def test_an_event_that_is_no_json_object_is_refused(broken: str) -> None:
    with serving(stream(started(), event(broken))) as (_, client):
        opened = client.responses.create(**REQUEST, stream=True)
        with pytest.raises(APIResponseValidationError, match="not what the API promises"):
            list(opened)


def test_an_error_in_the_envelope_of_chat_is_raised_too() -> None:
    with serving(stream(started(), event(envelope("rate_limit_error", "rate_limit_exceeded")))) as (_, client):
        opened = client.responses.create(**REQUEST, stream=True)
        with pytest.raises(RateLimitError):
            list(opened)


def test_an_event_may_leave_out_where_it_belongs() -> None:
    kinds = {
        "response.output_item.done": {"item": message()},
        "response.output_text.delta": {"delta": "x"},
        "response.reasoning_summary_text.delta": {"delta": "x"},
        "response.function_call_arguments.delta": {"delta": "x"},
    }
    events = [event({"type": kind, **fields}) for kind, fields in kinds.items()]
    with serving(stream(*events, ended())) as (_, client):
        seen = list(client.responses.create(**REQUEST, stream=True))[:-1]
    for each, kind in zip(seen, kinds, strict=True):
        assert each.type == kind
        assert not isinstance(each, UnknownStreamEvent)
        indexes = {name: value for name, value in each.model_dump().items() if name.endswith("_index")}
        assert indexes
        assert set(indexes.values()) == {0}


def test_an_event_of_a_changed_form_is_delivered_as_unknown() -> None:
    changed = event({"type": "response.output_text.delta", "delta": {"now": "an object"}})
    with serving(stream(started(), changed, ended())) as (_, client):
        seen = list(client.responses.create(**REQUEST, stream=True))
    assert isinstance(seen[1], UnknownStreamEvent)
    assert seen[1].type == "response.output_text.delta"


def test_a_terminal_event_whose_response_is_broken_still_ends_the_stream() -> None:
    with serving(stream(started(), delta("x"), event({"type": "response.completed"}), end="hang")) as (_, client):
        opened = client.responses.create(**REQUEST, stream=True)
        assert len(list(opened)) == 3
    assert opened.completed_response is None


def test_an_incomplete_response_is_no_error() -> None:
    cut = ended("incomplete", incomplete_details={"reason": "max_output_tokens"})
    with serving(stream(started(), delta("Par"), cut)) as (_, client):
        opened = client.responses.create(**REQUEST, stream=True)
        last = list(opened)[-1]
    assert isinstance(last, ResponseIncompleteEvent)
    assert last.response.incomplete_details == {"reason": "max_output_tokens"}
    assert opened.completed_response is last.response


def test_a_failed_response_is_raised_with_what_it_cost() -> None:
    failed = ended(
        "failed", output=[], error={"code": "rate_limit_exceeded", "message": "slow down", "provider": "openai"}
    )
    with serving(stream(started(), delta("Par"), failed)) as (server, client), track_spend() as spend:
        opened = client.responses.create(**REQUEST, stream=True)
        with pytest.raises(RateLimitError, match="slow down") as raised:
            list(opened)
        assert len(server.requests) == 1
    assert (raised.value.code, raised.value.type, raised.value.provider) == (
        "rate_limit_exceeded",
        "rate_limit_error",
        "openai",
    )
    assert opened.completed_response is not None
    assert opened.completed_response.status == "failed"
    (record,) = spend.records
    assert (record.status, record.usd, record.prompt_tokens) == ("error", 0.00193, 11)


def test_a_failure_without_a_reason_is_raised_all_the_same() -> None:
    with (
        serving(stream(started(), ended("failed", output=[]))) as (_, client),
        pytest.raises(APIStatusError, match="failed without a reason"),
    ):
        list(client.responses.create(**REQUEST, stream=True))


@pytest.mark.parametrize(
    ("said", "kind", "status"),
    [
        ({"code": "context_length_exceeded", "message": "too long", "param": "input"}, BadRequestError, 400),
        ({"code": "insufficient_quota", "message": "no credits"}, RateLimitError, 429),
        ({"code": "stream_duration_exceeded", "message": "too long"}, APIStatusError, 0),
        ({"code": "brand_new_code", "message": "?"}, APIStatusError, 0),
    ],
)
def test_a_flat_error_event_is_raised_by_its_code(said: dict[str, Any], kind: type[Exception], status: int) -> None:
    with serving(stream(started(), event({"type": "error", "sequence_number": 3, **said}))) as (_, client):
        opened = client.responses.create(**REQUEST, stream=True)
        with pytest.raises(APIStatusError) as raised:
            list(opened)
    assert type(raised.value) is kind
    assert (raised.value.code, raised.value.status_code) == (said["code"], status)
    assert raised.value.message == said["message"]


def test_an_error_before_the_first_event_is_retried() -> None:
    busy = event({"type": "error", "code": "service_unavailable", "message": "busy"})
    with serving(stream(busy), stream(started(), ended())) as (server, client):
        client.responses.create(**REQUEST, stream=True).collect()
        assert len(server.requests) == 2


@pytest.mark.parametrize("code", ["insufficient_quota", "internal_error", "budget_exhausted"])
def test_an_error_that_only_the_caller_can_mend_is_not(code: str) -> None:
    with serving(stream(event({"type": "error", "code": code, "message": "no"}))) as (server, client):
        with pytest.raises(APIStatusError):
            client.responses.create(**REQUEST, stream=True)
        assert len(server.requests) == 1


def test_done_after_the_terminal_event_is_tolerated() -> None:
    with serving(stream(started() + delta("x") + ended() + DONE)) as (_, client):
        assert len(list(client.responses.create(**REQUEST, stream=True))) == 3


@pytest.mark.parametrize("rest", [b"", DONE])
def test_a_stream_without_a_terminal_event_was_cut(rest: bytes) -> None:
    with serving(stream(started() + delta("Par") + rest)) as (_, client):
        opened = client.responses.create(**REQUEST, stream=True)
        with pytest.raises(StreamInterruptedError) as raised:
            list(opened)
    assert raised.value.items_received == 2


def test_text_deltas_are_the_text_and_nothing_else() -> None:
    with serving(stream(started(), delta("Par"), delta(""), delta("is."), ended())) as (_, client):
        assert list(client.responses.create(**REQUEST, stream=True).text_deltas()) == ["Par", "is."]


def test_collect_is_the_whole_response_at_any_moment() -> None:
    with serving(stream(started(), delta("Paris."), ended())) as (_, client):
        opened = client.responses.create(**REQUEST, stream=True)
        next(opened)
        whole = opened.collect()
        assert whole.output_text == "Paris."
        assert opened.collect() is whole


def test_collect_says_so_when_the_terminal_event_holds_nothing() -> None:
    with (
        serving(stream(started(), event({"type": "response.completed"}))) as (_, client),
        pytest.raises(APIResponseValidationError, match="holds no response"),
    ):
        client.responses.create(**REQUEST, stream=True).collect()


@pytest.mark.anyio
async def test_the_async_face_does_the_same() -> None:
    acts = [reply(200, response()), stream(started(), delta("Par"), delta("is."), ended())]
    async with serving_async(*acts) as (_, client):
        assert (await client.responses.create(**REQUEST)).output_text == "Paris."
        opened = await client.responses.create(**REQUEST, stream=True)
        assert [type(each) async for each in opened] == [
            ResponseCreatedEvent,
            ResponseTextDeltaEvent,
            ResponseTextDeltaEvent,
            ResponseCompletedEvent,
        ]
        assert opened.usage is not None
        assert opened.completed_response is not None
        again = await client.responses.create(**REQUEST, stream=True)
        assert [text async for text in again.text_deltas()] == ["Par", "is."]
        third = await client.responses.create(**REQUEST, stream=True)
        whole = await third.collect()
        assert whole.output_text == "Paris."
        assert await third.collect() is whole


def test_responses_are_counted_by_trackers() -> None:
    acts = [reply(200, response()), stream(started(), delta("Paris."), ended())]
    with serving(*acts) as (_, client), track_spend() as spend:
        client.responses.create(**REQUEST)
        client.responses.create(**REQUEST, stream=True).collect()
    for record in spend.records:
        assert (record.status, record.usd, record.provider) == ("ok", 0.00193, "anthropic")
        assert (record.prompt_tokens, record.completion_tokens, record.cached_tokens) == (11, 25, 4)
        assert (record.cache_write_tokens, record.reasoning_tokens) == (2, 20)
    assert spend.usd == pytest.approx(0.00386)


def test_the_sandbox_answers_in_both_ways(client: Client) -> None:
    plain = client.responses.create(model="gpt-4o", input=QUESTION)
    with client.responses.create(model="gpt-4o", input=QUESTION, stream=True) as opened:
        streamed = opened.collect()
    assert plain.output_text == streamed.output_text == "Paris is the capital of France."
    assert plain.routing_metadata is not None
    assert plain.routing_metadata.cost is not None


@pytest.mark.anyio
async def test_the_sandbox_answers_the_async_client(sandbox: Sandbox) -> None:
    async with AsyncClient(api_key=sandbox.api_key, base_url=sandbox.base_url) as client:
        assert "Paris" in (await client.responses.create(model="gpt-4o", input=QUESTION)).output_text


def test_the_responses_models_are_imported_only_when_they_are_used() -> None:
    program = "import auriko, sys; auriko.Client(api_key='ak_x'); print('auriko.models.responses' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
