"""How a call's arguments become bytes, and what is refused before any request."""

import enum
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from auriko import AsyncClient, Client, GatewayOptions, RoutingOptions
from auriko._rules.body import encode_body
from auriko._rules.call import take_options
from auriko.models import ChatCompletion, ChoiceMessage
from auriko.resources.chat import chat_call
from tests.support.replies import completion

MESSAGES = [{"role": "user", "content": "x"}]


def body_of(**params: Any) -> Any:
    return json.loads(chat_call({"messages": MESSAGES, "model": "m", **params}, stream=False).body or b"")


def encoded(value: Any) -> Any:
    return json.loads(encode_body({"v": value}))["v"]


class Colour(str, enum.Enum):
    RED = "red"


class Point(BaseModel):
    x: float
    y: int | None = None


@dataclass
class Pair:
    left: Any
    right: Any = None


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        (2**70, 2**70),
        (1.5, 1.5),
        ("é\u2028😀\x00", "é\u2028😀\x00"),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        ({50256: -100}, {"50256": -100}),
        ((1, 2), [1, 2]),
        ((n for n in range(3)), [0, 1, 2]),
        (map(str, [1]), ["1"]),
        ({"a": 1}.values(), [1]),
        ([{"content": iter([Point(x=1)])}], [{"content": [{"x": 1.0}]}]),
        (Colour.RED, "red"),
        (Decimal("1.5"), "1.5"),
        (datetime(2026, 1, 2, tzinfo=timezone.utc), "2026-01-02T00:00:00Z"),
        (Pair(1, [2]), {"left": 1, "right": [2]}),
        (RoutingOptions(optimize="cost"), {"optimize": "cost"}),
    ],
)
def test_values_that_json_has_a_form_for(value: Any, written: Any) -> None:
    assert encoded(value) == written


CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        [{"a": float("-inf")}],
        Point(x=float("nan")),
        Pair(float("nan")),
        iter([float("nan")]),
        {1, 2},
        frozenset(),
        b"x",
        bytearray(b"x"),
        memoryview(b"x"),
        "\ud800",
        {"\udfff": 1},
        {b"x": 1},
        {(1, 2): 3},
        {1.5: 3},
        {None: 3},
        object(),
        print,
        int,
        CYCLE,
        {"a": CYCLE},
    ],
    ids=[f"value-{number}" for number in range(22)],
)
def test_values_that_json_has_no_form_for(value: Any) -> None:
    with pytest.raises(ValueError, match="the request cannot be written as JSON"):
        encoded(value)


def test_nesting_without_end_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="the request cannot be written as JSON"):
        encoded(deep)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"messages": [{"content": [{"text": {1}}]}]}, "messages.0.content.0.text is of type set"),
        ({"logit_bias": {b"x": 1}}, "logit_bias.b'x' is a key of type bytes"),
    ],
)
def test_message_says_where(body: dict[str, Any], where: str) -> None:
    with pytest.raises(ValueError, match=where):
        encode_body(body)


def test_models_lose_what_is_none() -> None:
    reply = ChatCompletion.model_validate(completion())
    message = reply.choices[0].message
    assert encoded([message]) == [{"role": "assistant", "content": "Paris."}]
    assert encoded({"m": ChoiceMessage(content=None)}) == {"m": {"role": "assistant"}}


def test_what_can_be_read_once_is_read_once() -> None:
    """Also where a model elsewhere in the request makes a copy necessary."""
    tools = [{"type": "function", "function": {"name": "f"}}]
    answer = ChoiceMessage(content="hi")
    body = body_of(messages=(m for m in [*MESSAGES, answer]), tools=iter(tools))
    assert body["tools"] == tools
    assert body["messages"] == [*MESSAGES, {"role": "assistant", "content": "hi"}]


def test_arguments_are_not_kept() -> None:
    messages = [{"role": "user", "content": "before"}]
    gateway = {"models": ["a"], "routing": {"optimize": "cost"}}
    call = chat_call({"messages": messages, "gateway": gateway, "extra_body": {"gateway": {"x": 1}}}, stream=False)
    messages[0]["content"] = "after"
    assert json.loads(call.body or b"")["messages"][0]["content"] == "before"
    assert gateway == {"models": ["a"], "routing": {"optimize": "cost"}}


def test_body_of_a_call() -> None:
    body = body_of(
        temperature=0.5, seed=None, max_tokens=0, stop=[], gateway=GatewayOptions(routing=RoutingOptions(mode="pool"))
    )
    assert body == {
        "model": "m",
        "messages": MESSAGES,
        "temperature": 0.5,
        "max_tokens": 0,
        "stop": [],
        "gateway": {"routing": {"mode": "pool"}},
    }
    assert json.loads(chat_call({"messages": MESSAGES, "model": "m"}, stream=True).body or b"")["stream"] is True


def test_extra_body_is_merged_into_the_gateway() -> None:
    body = body_of(
        gateway={"routing": {"optimize": "cost", "max_ttft_ms": 5}},
        extra_body={"gateway": {"routing": {"optimize": "tps"}, "metadata": {"tags": ["a"]}}, "new": None},
    )
    assert body["gateway"] == {"routing": {"optimize": "tps", "max_ttft_ms": 5}, "metadata": {"tags": ["a"]}}
    assert body["new"] is None, "what extra_body says is sent as it is"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"model": None}, "give a model"),
        ({"gateway": {"models": ["a"]}}, r"give either model or models \(gateway.models\), not both"),
        ({"messages": []}, "messages is empty"),
        ({"messages": "hello"}, "messages is a list"),
        ({"messages": None}, "messages is a list"),
        ({"messages": {"role": "user"}}, "messages is a list"),
        ({"gateway": {"rooting": {}}}, "did you mean 'routing'"),
        ({"gateway": {"routing": {"optimise": "cost"}}}, "did you mean 'optimize'"),
        ({"gateway": 5}, "valid dictionary"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "a b"}, "idempotency_key"),
        ({"idempotency_key": "a\n"}, "idempotency_key"),
        ({"idempotency_key": 5}, "idempotency_key"),
        ({"idempotency_key": "x" * 256}, "idempotency_key"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": httpx.Timeout(-1)}, "timeout"),
        ({"deadline": float("nan")}, "deadline"),
        ({"max_retries": -1}, "max_retries"),
        ({"extra_headers": {"Authorization": "x"}}, "belongs to the client"),
        ({"extra_headers": {"X": "a\nb"}}, "header X"),
        ({"extensions": {"thinking": {}}}, "thinking"),
    ],
)
def test_arguments_that_cannot_be_sent(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        body_of(**params)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"temprature": 1}, "did you mean 'temperature'"),
        ({"messages_": []}, "did you mean 'messages'"),
        ({"zzz": 1}, "unknown argument 'zzz'"),
        ({"max_retries": "2"}, "max_retries is a whole number"),
        ({"timeout": "5"}, "timeout"),
        ({"extra_headers": 5}, None),
        ({"extra_headers": {"X": 5}}, "headers are strings"),
        ({"extra_query": 5}, None),
        ({"extra_body": 5}, None),
    ],
)
def test_arguments_of_the_wrong_name_or_type(params: dict[str, Any], message: str | None) -> None:
    with pytest.raises(TypeError, match=message):
        body_of(**params)


def test_messages_are_required() -> None:
    with pytest.raises(TypeError, match="needs messages"):
        chat_call({"model": "m"}, stream=False)


def test_options_of_a_call() -> None:
    params = {"extra_headers": {"X-A": "b"}, "extra_query": {"q": 1}, "timeout": 5, "deadline": 9, "max_retries": 0}
    params |= {"idempotency_key": "k-1", "other": 1}
    options = take_options(params)
    assert params == {"other": 1}
    assert options == {
        "headers": {"X-A": "b", "Idempotency-Key": "k-1"},
        "query": {"q": "1"},
        "timeout": httpx.Timeout(5),
        "deadline": 9.0,
        "max_retries": 0,
        "reserve_usd": None,
    }
    assert take_options({"other": 1}) == {}  # a call has its own values for what is not said


def test_refused_arguments_reach_no_server() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request} was sent")

    with httpx.Client(transport=httpx.MockTransport(refuse)) as own:
        client = Client(api_key="k", http_client=own)
        for streamed in (False, True):
            with pytest.raises(ValueError, match="cannot be written"):
                client.chat.completions.create(messages=[{"role": "user", "content": {1}}], model="m", stream=streamed)
        with pytest.raises(ValueError, match="model_id is empty"):
            client.models.retrieve("")


@pytest.mark.anyio
async def test_refused_arguments_are_raised_before_anything_is_awaited() -> None:
    client = AsyncClient(api_key="k")
    with pytest.raises(ValueError, match="give a model"):
        await client.chat.completions.create(messages=MESSAGES)
