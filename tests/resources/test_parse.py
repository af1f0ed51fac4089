"""Answers that are objects of a type: whole, streamed and many at once, of both APIs."""

import copy
import pickle
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field, TypeAdapter
from typing_extensions import TypedDict

from auriko import AsyncClient, Client, track_spend
from auriko.errors import (
    AnswerFilteredError,
    AnswerInvalidError,
    AnswerRefusedError,
    AnswerTruncatedError,
    InternalServerError,
    StructuredOutputError,
)
from auriko.sandbox import Sandbox, tool_call
from auriko.schemas.response_format import ResponseFormat, response_format_of
from tests.support.acts import ok, reply, stream
from tests.support.both import both_clients, items, settled
from tests.support.clients import serving
from tests.support.replies import chunk, completion
from tests.support.replies import events as events_of

pytestmark = pytest.mark.anyio
MESSAGES = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Line(BaseModel):
    product: str = Field(description="what was bought")
    count: int = 1


class Order(BaseModel):
    lines: list[Line]
    on: date


class Tree(BaseModel):
    name: str
    children: list["Tree"] = []


@dataclass
class Point:
    x: int
    y: int = 0


class Shape(TypedDict):
    name: str


class Colour(Enum):
    RED = "red"


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Pet(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


class Loose(BaseModel):
    anything: Any
    names: dict[str, int]


FORMS: list[tuple[Any, str, Any, bool]] = [
    (Order, '{"lines":[{"product":"pen","count":2}],"on":"2026-03-01"}', None, True),
    (Tree, '{"name":"a","children":[{"name":"b","children":[]}]}', Tree(name="a", children=[Tree(name="b")]), True),
    (Point, '{"x":1,"y":2}', Point(1, 2), True),
    (Shape, '{"name":"round"}', {"name": "round"}, True),
    (list[int], '{"value":[1,2]}', [1, 2], True),
    (list[int], "[1,2]", [1, 2], True),
    (list[Tree], '{"value":[{"name":"a","children":[]}]}', [Tree(name="a")], True),
    (Colour, '{"value":"red"}', Colour.RED, True),
    (int, '{"value":3}', 3, True),
    (TypeAdapter(Literal["a", "b"]), '{"value":"b"}', "b", True),
    (TypeAdapter(Cat | Dog), '{"value":{"kind":"dog"}}', Dog(kind="dog"), True),
    (Pet, '{"pet":{"kind":"cat"}}', Pet(pet=Cat(kind="cat")), True),
    (Loose, '{"anything":[1],"names":{"a":1}}', Loose(anything=[1], names={"a": 1}), False),
    (dict[str, int], '{"a":1}', {"a": 1}, False),
    (set[int], '{"value":[1]}', {1}, False),
]


@both_clients
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("form", "text", "value", "strict"), FORMS)
async def test_the_answer_is_an_object_of_the_type(
    kind: Any, streamed: bool, form: Any, text: str, value: Any, strict: bool
) -> None:
    with Sandbox(engines=["quote"], answers=text) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url)
        chat = await settled(
            client.chat.completions.parse(
                model="gpt-4o", messages=MESSAGES, response_format=form, **({"stream": True} if streamed else {})
            )
        )
        response = await settled(
            client.responses.parse(
                model="gpt-4o", input="Hello!", text_format=form, **({"stream": True} if streamed else {})
            )
        )
        for parsed in (chat, response):
            if streamed:
                with pytest.raises(ValueError, match="read to its end"):
                    _ = parsed.parsed
                events = await items(parsed)
                assert "".join(event.delta for event in events) == text
                assert parsed.usage.total_tokens
                assert parsed.routing_metadata.cost.usd > 0
                assert parsed.response_headers.request_id
            expected = form.model_validate_json(text) if value is None else value
            assert parsed.parsed == expected
            whole = await settled(parsed.collect()) if streamed else parsed
            assert whole.parsed == expected
            assert whole.usage.total_tokens
            assert whole.request_id
            assert copy.deepcopy(whole).parsed == pickle.loads(pickle.dumps(whole)).parsed == expected  # noqa: S301 - its own
            assert "parsed" not in whole.model_dump()
        await settled(client.close())
    asked = [request.json for request in sandbox.requests]
    format_of_chat = asked[0]["response_format"]["json_schema"]
    assert asked[0]["response_format"]["type"] == asked[1]["text"]["format"]["type"] == "json_schema"
    assert {"type": "json_schema", **format_of_chat} == asked[1]["text"]["format"]
    assert (format_of_chat.get("strict") is True) is strict
    assert format_of_chat["schema"]["type"] == "object"
    jsonschema.Draft202012Validator.check_schema(format_of_chat["schema"])
    if text.startswith("{"):
        jsonschema.validate(TypeAdapter(Any).validate_json(text), format_of_chat["schema"])


def test_create_asks_for_the_same() -> None:
    with Sandbox(engines=["quote"], answers='{"x":1,"y":2}') as sandbox:
        client = Client(api_key=sandbox.api_key, base_url=sandbox.base_url)
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES, response_format=Point)
        client.chat.completions.parse(model="gpt-4o", messages=MESSAGES, response_format=Point)
        client.close()
    made, parsed = (request.json for request in sandbox.requests)
    assert made == parsed


@both_clients
async def test_partial_objects_grow(kind: Any) -> None:
    text = '{"lines": [{"product": "blue fountain pen", "count": 2}], "on": "2026-03-01"}'
    with Sandbox(engines=["quote"], answers=text) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url)
        opened = await settled(
            client.chat.completions.parse(model="gpt-4o", messages=MESSAGES, response_format=Order, stream=True)
        )
        events = await items(opened)
        partials = [event.partial for event in events if event.delta]
        assert partials[-1] == {"lines": [{"product": "blue fountain pen", "count": 2}], "on": "2026-03-01"}
        products = [partial["lines"][0].get("product", "") for partial in partials if partial and partial.get("lines")]
        assert len(set(map(str, partials))) > 3
        assert all("blue fountain pen".startswith(product) for product in products)
        assert events[0].partial is None or isinstance(events[0].partial, dict)
        with pytest.raises(ValueError, match="read only once"):
            await items(opened)
        await settled(client.close())


def test_a_stream_of_an_object_is_closed_by_its_block() -> None:
    with Sandbox(engines=["quote"], answers='{"x": 1, "y": 2}') as sandbox:
        client = Client(api_key=sandbox.api_key, base_url=sandbox.base_url)
        with client.chat.completions.parse(
            model="gpt-4o", messages=MESSAGES, response_format=Point, stream=True
        ) as opened:
            assert next(opened).item.object == "chat.completion.chunk"
            assert next(iter(opened)).text.startswith("{")
        with pytest.raises(ValueError, match="read to its end"):
            _ = opened.parsed
        client.close()


async def test_an_async_stream_of_an_object_is_closed_by_its_block() -> None:
    with Sandbox(engines=["quote"], answers='{"x": 1, "y": 2}') as sandbox:
        client = AsyncClient(api_key=sandbox.api_key, base_url=sandbox.base_url)
        async with await client.responses.parse(
            model="gpt-4o", input="Hello!", text_format=Point, stream=True
        ) as opened:
            assert (await anext(opened)).item.type == "response.created"
        await opened.aclose()
        await client.close()


BAD: list[tuple[Any, str, str | None, type[StructuredOutputError], str]] = [
    ('{"x":1,"y"', "length", None, AnswerTruncatedError, "length"),
    ('{"x":1,"y"', "content_filter", None, AnswerFilteredError, "content_filter"),
    ('{"x":1}{"x":2}', "stop", None, AnswerInvalidError, "Extra data"),
    ('{"x":"one"}', "stop", None, AnswerInvalidError, "valid integer"),
    ("No.", "stop", None, AnswerInvalidError, "Expecting value"),
    (None, "stop", "I will not.", AnswerRefusedError, "I will not."),
    (None, "stop", None, AnswerInvalidError, "there is no text"),
]


@both_clients
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("content", "finish", "refusal", "error", "why"), BAD)
async def test_an_answer_that_is_no_object_raises_one_error_with_its_text(
    kind: Any, streamed: bool, content: Any, finish: str, refusal: str | None, error: Any, why: str
) -> None:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    whole = completion(choices=[{"index": 0, "message": message, "finish_reason": finish}])
    last = chunk(choices=[{"index": 0, "delta": message, "finish_reason": finish}])
    act = stream(events_of(last, "[DONE]")) if streamed else reply(200, whole, x_request_id="req_1")
    with serving(act) as (server, _), track_spend() as spend:
        client = kind(api_key="ak_x", base_url=server.url)
        opened: list[Any] = []

        async def ask() -> None:
            parse = client.chat.completions.parse
            opened.append(await settled(parse(model="m", messages=MESSAGES, response_format=Point, stream=streamed)))
            await items(opened[0])

        with pytest.raises(error, match=why) as raised:
            await ask()
        assert raised.value.text == (refusal or content or "")
        assert raised.value.request_id == "req_1"
        if streamed:
            with pytest.raises(error, match=why):
                _ = opened[0].parsed
            with pytest.raises(error, match=why):
                await settled(opened[0].collect())
        await settled(client.close())
    assert len(server.requests) == 1
    assert (spend.calls, spend.records[0].status) == (1, "ok")


@both_clients
async def test_many_answers_are_objects(kind: Any) -> None:
    def answer(prompt: Any) -> str:
        return {"1": '{"x":1}', "2": '{"x":', "3": '{"x":3}'}[prompt.messages[-1]["content"]]

    def asked(text: str) -> dict[str, Any]:
        return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}

    with Sandbox(engines=["quote"], answers=answer) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url)
        batch = client.chat.completions.batch
        one, two, three = await settled(batch([asked("1"), asked("2"), asked("3")], response_format=Point))
        assert (one.parsed, three.parsed) == (Point(1), Point(3))
        assert isinstance(two, AnswerInvalidError)
        assert two.text == '{"x":'
        with pytest.raises(AnswerInvalidError):
            await settled(batch([asked("2")], response_format=Point, on_error="raise"))
        (twice,) = await settled(batch([{**asked("1"), "response_format": Point}], response_format=Point))
        assert "said twice" in str(twice)
        (plain,) = await settled(batch([{**asked("1"), "response_format": Point}]))
        assert plain.choices[0].message.content == '{"x":1}'
        completed = client.chat.completions.batch_as_completed([asked("1")], response_format=Point)
        if kind is Client:
            with completed as replies:
                found = list(replies)
        else:
            async with completed as replies:
                found = [each async for each in replies]
        assert [reply.parsed for _, reply in found] == [Point(1)]
        await settled(client.close())


@both_clients
async def test_an_answer_that_calls_tools_has_no_object(kind: Any) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    flat = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
    with Sandbox(engines=["quote"], answers=tool_call("look")) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url)
        chat = await settled(
            client.chat.completions.parse(model="gpt-4o", messages=MESSAGES, tools=[tool], response_format=Point)
        )
        response = await settled(
            client.responses.parse(model="gpt-4o", input="Hello!", tools=[flat], text_format=Point)
        )
        for parsed in (chat, response):
            with pytest.raises(ValueError, match="called tools instead"):
                _ = parsed.parsed
        await settled(client.close())


@both_clients
@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output_text": '{"x":'},
            AnswerTruncatedError,
            '{"x":',
        ),
        (
            {"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]},
            AnswerRefusedError,
            "No.",
        ),
        ({"status": "failed", "error": {"code": "internal_error", "message": "Broken."}}, InternalServerError, None),
    ],
)
async def test_responses_without_an_object(kind: Any, body: dict[str, Any], error: Any, text: str | None) -> None:
    with serving(reply(200, {"id": "resp_1", "model": "m", **body}, x_request_id="req_1")) as (server, _):
        client = kind(api_key="ak_x", base_url=server.url)
        with pytest.raises(error) as raised:
            await settled(client.responses.parse(model="m", input="Hello!", text_format=Point))
        assert getattr(raised.value, "text", None) == text
        assert raised.value.request_id == "req_1"
        await settled(client.close())


@both_clients
async def test_the_http_reply_of_a_parsed_answer(kind: Any) -> None:
    with Sandbox(engines=["quote"], answers=['{"x":1}', "No."]) as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url)
        raw = client.with_raw_response(client.chat.completions.parse)
        good, bad = [await settled(raw(model="gpt-4o", messages=MESSAGES, response_format=Point)) for _ in range(2)]
        assert good.status_code == bad.status_code == 200
        assert good.parse().parsed == Point(1)
        with pytest.raises(AnswerInvalidError):
            bad.parse()
        await settled(client.close())


def test_several_answers_have_an_object_each() -> None:
    def answered(text: str) -> dict[str, Any]:
        return {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}

    whole = completion(choices=[answered('{"x":1}'), answered('{"x":2}')])
    with serving(reply(200, whole), reply(200, completion(choices=[]))) as (_, client):
        parsed = client.chat.completions.parse(model="m", messages=MESSAGES, response_format=Point, n=2)
        assert [choice.message.parsed for choice in parsed.choices] == [Point(1), Point(2)]
        with pytest.raises(AnswerInvalidError, match="there is no text"):
            client.chat.completions.parse(model="m", messages=MESSAGES, response_format=Point)


@pytest.mark.parametrize("form", ["json", 1, [Point], Client])
def test_what_is_no_type_is_refused(form: Any) -> None:
    with serving(ok) as (server, client), pytest.raises(TypeError, match="response_format"):
        client.chat.completions.parse(model="m", messages=MESSAGES, response_format=form)
    assert not server.requests


def test_what_is_said_twice_is_refused() -> None:
    with serving(ok) as (server, client):
        with pytest.raises(ValueError, match="either text_format or"):
            client.responses.parse(model="m", input="x", text_format=Point, text={"format": {"type": "text"}})
        with pytest.raises(TypeError, match=r"not \[\]"):
            client.chat.completions.create(model="m", messages=MESSAGES, response_format=[])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    assert not server.requests


def test_a_form_is_made_once_and_its_name_fits() -> None:
    assert response_format_of(Point) is response_format_of(Point)

    class Page(BaseModel):
        __module__ = "elsewhere"

    Page.__name__ = "Page[of things]"
    assert response_format_of(Page).name == "Page_of_things_"
    assert response_format_of(TypeAdapter(Point)).name == "Point"
    assert response_format_of(TypeAdapter(Literal["a"])).name == "answer"
    assert isinstance(response_format_of(int), ResponseFormat)
    assert response_format_of(int).partial("{\n") is None or response_format_of(int).partial("{\n") == {}
    assert response_format_of(int).partial("No.") is None


@both_clients
async def test_a_stream_is_collected_with_its_object(kind: Any) -> None:
    with Sandbox(engines=["quote"], answers='{"x": 1, "y": 2}') as sandbox:
        client = kind(api_key=sandbox.api_key, base_url=sandbox.base_url)
        opened = await settled(
            client.chat.completions.parse(model="gpt-4o", messages=MESSAGES, response_format=Point, stream=True)
        )
        whole = await settled(opened.collect())
        assert whole.choices[0].message.parsed == Point(x=1, y=2)
        await settled(client.close())
