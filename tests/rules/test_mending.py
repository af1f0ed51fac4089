"""Nothing that has been paid for is refused for a value that only informs or can be made, whole or streamed."""

import copy
import json
from typing import Any

import pytest

from auriko import Client
from auriko.models import ChatCompletion
from tests.support import replies
from tests.support.acts import SSE, chunked, head, raw, reply
from tests.support.cells import ASK, KEY
from tests.support.fault_server import serve

CALL: dict[str, Any] = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"city": "Oslo"}'},
}
ABSENT: Any = object()
# The path inside an answer, and what stands there.
NULLS = [
    (path, value)
    for path, values in {
        "choices.0.index": [None, ABSENT],
        "choices.0.finish_reason": ["tool_calls"],
        "choices.0.logprobs": [None, ABSENT],
        "choices.0.message.role": [None, ABSENT, ""],
        "choices.0.message.content": [None, ABSENT, ""],
        "choices.0.message.refusal": [None, ABSENT],
        "choices.0.message.tool_calls.0.index": [None, ABSENT],
        "choices.0.message.tool_calls.0.id": [None, ABSENT, ""],
        "choices.0.message.tool_calls.0.type": [None, ABSENT, ""],
        "choices.0.message.tool_calls.0.function.arguments": [None, ABSENT, "", " ", "null", '""', "[]", {}],
        "usage": [None, ABSENT, {}, []],
        "routing_metadata": [None, ABSENT, {}, "none"],
        "id": [None, ABSENT],
        "created": [None, ABSENT],
        "model": [None, ABSENT],
        "object": [None, ABSENT],
    }.items()
    for value in values
]


def answer(path: str, value: Any) -> dict[str, Any]:
    """An answer with a tool call, in which this value stands at this path."""
    whole = replies.completion(None)
    whole["choices"][0]["message"]["tool_calls"] = [copy.deepcopy(CALL)]
    whole["choices"][0]["finish_reason"] = "tool_calls"
    *way, last = path.split(".")
    place: Any = whole
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is ABSENT:
        place.pop(last, None)
    else:
        place[last] = value
    return whole


def streamed(whole: dict[str, Any]) -> bytes:
    """The same answer in one chunk of a stream."""
    choices = [{**choice, "delta": choice["message"]} for choice in whole["choices"]]
    for choice in choices:
        del choice["message"]
    events = replies.event({**whole, "object": "chat.completion.chunk", "choices": choices}) + replies.DONE
    return head(200, content_type=SSE, transfer_encoding="chunked") + chunked(events) + b"0\r\n\r\n"


def said(completion: ChatCompletion) -> tuple[Any, ...]:
    """What an answer says, without the id that was made."""
    (choice,) = completion.choices
    (call,) = choice.message.tool_calls or [None]
    assert call is not None
    assert call.id.startswith("call_")
    assert call.type == "function"
    return choice.index, choice.message.content or None, call.function.name, json.loads(call.function.arguments)


@pytest.mark.parametrize(("path", "value"), NULLS)
def test_a_paid_answer_is_taken_and_says_the_same_streamed(path: str, value: Any) -> None:
    whole = answer(path, value)
    with serve(reply(200, whole), raw(streamed(whole))) as server, Client(api_key=KEY, base_url=server.url) as client:
        plain = client.chat.completions.create(**ASK)
        joined = client.chat.completions.create(**ASK, stream=True).collect()
        arguments = {} if path.endswith("arguments") else {"city": "Oslo"}
        assert said(plain) == said(joined) == (0, None, "look_up", arguments)
        assert len(server.requests) == 2


def test_two_calls_never_share_a_made_id() -> None:
    whole = answer("choices.0.message.tool_calls", [{**CALL, "id": None}, {**CALL, "index": 1, "id": ""}])
    with serve(reply(200, whole)) as server, Client(api_key=KEY, base_url=server.url) as client:
        calls = client.chat.completions.create(**ASK).choices[0].message.tool_calls or []
    assert len({call.id for call in calls}) == 2


def test_an_answer_without_choices_is_taken() -> None:
    whole = answer("choices", None)
    with serve(reply(200, whole)) as server, Client(api_key=KEY, base_url=server.url) as client:
        plain = client.chat.completions.create(**ASK)
    assert plain.choices == []
    assert plain.routing_metadata is not None
