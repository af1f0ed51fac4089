"""A valid reply with a value changed or gone: no way to ask refuses what another takes, or reads it otherwise."""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auriko.errors import APIResponseValidationError, AurikoAPIError
from tests.support.meanings import Payload, ask_at_once

pytestmark = pytest.mark.no_cover  # so many trials, of what other tests reach too
WHOLE_WAYS = ("core create", "langchain invoke", "llamaindex chat")
STREAMED_WAYS = ("core collect", "langchain stream", "llamaindex stream_chat")
ABSENT: Any = object()
VALUES: list[Any] = [None, ABSENT, "", 0, 5, 1.5, True, "x", [], {}, [None], ["x"], [5], {"x": 1}, [[]], [{}]]
MESSAGE: dict[str, Any] = {
    "role": "assistant",
    "content": "Let me see.",
    "reasoning_content": "Hm.",
    "refusal": None,
    "tool_calls": [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "look_up", "arguments": '{"city": "Oslo"}'},
            "provider_signature": "p1",
        },
        {"id": "c2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
    ],
    "images": [{"type": "image", "mime_type": "image/png", "data": "aGk="}],
    "annotations": [{"type": "url_citation", "url_citation": {"url": "http://x", "title": "X"}}],
}
LOGPROBS = {
    "content": [{"token": "Let", "logprob": -0.1, "bytes": [76], "top_logprobs": [{"token": "L", "logprob": -1.0}]}]
}
REPLY: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1790000000,
    "model": "m-1",
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "tool_calls", "logprobs": LOGPROBS}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    "routing_metadata": {"provider": "p", "cost": {"usd": 0.01}},
    "system_fingerprint": "fp",
}


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if way:
        yield way
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from places(inner, (*way, step))


PLACES = list(places(REPLY))
GATEWAY = Payload()


def changed(reply: dict[str, Any], way: tuple[Any, ...], value: Any) -> dict[str, Any]:
    reply = copy.deepcopy(reply)
    place: Any = reply
    *inner, last = way
    for step in inner:
        place = place[step]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return reply


def streamed(reply: dict[str, Any]) -> list[dict[str, Any]]:
    """The same in one chunk, whose message is a delta, and the chunk that says that it is over."""
    chunk = {**reply, "object": "chat.completion.chunk"}
    choices = reply.get("choices")
    if isinstance(choices, list):
        chunk["choices"] = [
            {{"message": "delta"}.get(name, name): value for name, value in choice.items()}
            if isinstance(choice, dict)
            else choice
            for choice in choices
        ]
    return [chunk]


def outcome(way: str, reply: dict[str, Any]) -> Any:
    """What the reply means by this way, or why it is refused; made ids apart."""
    if way in STREAMED_WAYS:
        GATEWAY.streams_chunks(*streamed(reply))
    else:
        GATEWAY.answers_json(reply)
    try:
        said = ask_at_once(way, GATEWAY)
    except AurikoAPIError as error:
        return APIResponseValidationError if isinstance(error, APIResponseValidationError) else type(error)
    for call in said["calls"]:
        call["id"] = call["id"] if call["id"] in {"c1", "c2"} else "made"
    return said


@pytest.mark.parametrize("value", VALUES, ids=lambda value: "absent" if value is ABSENT else json.dumps(value))
@pytest.mark.filterwarnings("ignore::auriko.routing.GatewayWarning")
@pytest.mark.usefixtures("llamaindex")
def test_one_value_is_another_or_gone(value: Any) -> None:
    for way in PLACES:
        reply = changed(REPLY, way, value)
        outcomes = {each: outcome(each, reply) for each in WHOLE_WAYS + STREAMED_WAYS}
        first = outcomes["core create"]
        assert all(each == first for each in outcomes.values()), (way, outcomes)


@st.composite
def pieces_of_calls(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """The pieces of two calls in the chunks of a stream, split, interleaved and labelled in any way that is enough."""
    pieces: list[list[dict[str, Any]]] = [[], []]
    for index, call in enumerate(MESSAGE["tool_calls"]):
        text = call["function"]["arguments"]
        cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=5)) | {0, len(text)})
        repeats_id, repeats_name = draw(st.booleans()), draw(st.booleans())
        for place, (start, end) in enumerate(itertools.pairwise(cuts)):
            piece: dict[str, Any] = {"index": index, "function": {"arguments": text[start:end]}}
            if place == 0 or repeats_id:
                piece["id"] = call["id"]
            if place == 0 or repeats_name:
                piece["function"]["name"] = call["function"]["name"]
            pieces[index].append(piece)
    if draw(st.booleans()):  # one after the other, all at one place
        for piece in pieces[1]:
            piece["index"] = 0
        order = pieces[0] + pieces[1]
    else:
        turns = draw(st.permutations([0] * len(pieces[0][1:]) + [1] * len(pieces[1][1:])))
        order = [pieces[0].pop(0), pieces[1].pop(0), *(pieces[turn].pop(0) for turn in turns)]
    chunks: list[list[dict[str, Any]]] = []
    while order:
        size = draw(st.integers(1, 3))
        chunks.append(order[:size])
        order = order[size:]
    return chunks


@settings(max_examples=60)
@given(pieces_of_calls())
def test_however_calls_are_split_they_are_the_same(chunks: list[list[dict[str, Any]]]) -> None:
    expected = [
        {"id": "c1", "name": "look_up", "arguments": {"city": "Oslo"}},
        {"id": "c2", "name": "now", "arguments": {}},
    ]
    for way in STREAMED_WAYS:
        GATEWAY.streams(*({"tool_calls": pieces} for pieces in chunks), finish_reason="tool_calls")
        said = ask_at_once(way, GATEWAY)
        assert (said["calls"], said["not_run"]) == (expected, []), way


def numbered(reply: dict[str, Any]) -> dict[str, Any]:
    """With an index in each call: where one has lost its id and its name, nothing else tells it from the next."""
    reply = copy.deepcopy(reply)
    with contextlib.suppress(AttributeError, IndexError, KeyError, TypeError):  # there are no calls
        for index, call in enumerate(reply["choices"][0]["message"]["tool_calls"]):
            if isinstance(call, dict):
                call["index"] = index
    return reply


@settings(max_examples=60)
@example(
    [
        (("choices", 0, "message", "tool_calls", 0, "id"), None),
        (("choices", 0, "message", "tool_calls", 0, "function", "name"), None),
    ]
)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(VALUES)), min_size=2, max_size=4))
@pytest.mark.filterwarnings("ignore::auriko.routing.GatewayWarning")
def test_several_values_are_others_or_gone(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    reply = REPLY
    for way, value in changes:
        try:
            reply = changed(reply, way, value)
        except (AttributeError, IndexError, KeyError, TypeError):
            continue  # the place is gone
    outcomes = {each: outcome(each, numbered(reply)) for each in WHOLE_WAYS + STREAMED_WAYS}
    first = outcomes["core create"]
    assert all(each == first for each in outcomes.values()), outcomes
