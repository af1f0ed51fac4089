"""Whatever a server says in a response or a stream, nothing but the client's own errors comes out."""

import json
import random
from typing import Any

import pytest

from auriko import ChatAccumulator, ChatCompletion
from auriko._rules.exchange import Answer, parse_reply
from auriko._rules.reader import StreamReader
from auriko._streams.chat import ChatReader
from auriko._streams.responses import ResponsesReader
from auriko.errors import AurikoAPIError
from auriko.models import ChatCompletionChunk, Response
from auriko.response_headers import ResponseHeaders
from tests.support.replies import METADATA, USAGE, chunk, event
from tests.support.response_events import message, response

pytestmark = pytest.mark.no_cover  # so many trials, of what other tests reach too
ROUNDS = 1500
ODD: list[Any] = [None, True, 0, -1, 1e308, "", "text", [], {}, [None], {"x": 1}, "\ud800", "type", 2**70]
CHUNK: dict[str, Any] = {
    **chunk(finish_reason="stop"),
    "choices": [
        {
            "index": 0,
            "delta": {
                "role": "assistant",
                "content": "x",
                "tool_calls": [
                    {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
                "reasoning_content": "r",
                "reasoning_signature": "s",
                "reasoning_redacted_data": "d",
                "refusal": "n",
                "images": [{"type": "image", "mime_type": "image/png", "data": "A"}],
                "annotations": [{"url": "u"}],
                "reasoning": "some gateways stream text here",
            },
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": "x"}]},
            "message": {"content": "some send this as well"},
        }
    ],
    "usage": USAGE,
    "routing_metadata": METADATA,
}
EVENTS: list[dict[str, Any]] = [
    {"type": "response.created", "sequence_number": 0, "response": response()},
    {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": message()},
    {"type": "response.output_text.delta", "sequence_number": 2, "delta": "x", "logprobs": []},
    {"type": "error", "code": "upstream_error", "message": "m", "param": None},
    {"type": "response.failed", "response": response(status="failed", error={"code": "c", "message": "m"})},
    {"type": "response.completed", "sequence_number": 9, "response": response(tool_usage={"web_search": {}})},
]


def mutated(value: Any, chance: random.Random) -> Any:
    """The value with something in it replaced, dropped or doubled."""
    if isinstance(value, (dict, list)) and value and chance.random() < 0.9:
        made: Any = dict(value) if isinstance(value, dict) else list(value)
        key = chance.choice(list(made)) if isinstance(made, dict) else chance.randrange(len(made))
        if chance.random() < 0.15:
            del made[key]
        elif isinstance(made, list) and chance.random() < 0.1:
            made.append(made[key])
        else:
            made[key] = mutated(made[key], chance)
        return made
    return chance.choice(ODD)


def written(value: Any) -> bytes:
    """The value as JSON; a lone surrogate becomes an escape."""
    return json.dumps(value).encode()


@pytest.mark.parametrize("seed", range(4))
def test_a_mutated_response_is_a_response_or_an_error_of_ours(seed: int) -> None:
    chance = random.Random(seed)
    answer = Answer(200, ResponseHeaders({}))
    outcomes = set()
    for _ in range(ROUNDS):
        whole = response(output_text="Paris.", error={"code": "c", "message": "m"}, incomplete_details={"reason": "r"})
        for _ in range(chance.randint(1, 4)):
            whole = mutated(whole, chance)
        try:
            made = parse_reply(Response, written(whole), answer)
        except AurikoAPIError:
            outcomes.add("error")
        else:
            assert isinstance(made.output_text, str)
            outcomes.add("response")
    assert outcomes == {"error", "response"}


@pytest.mark.parametrize(
    ("kind", "source"), [(ResponsesReader, EVENTS), (ChatReader, [CHUNK])], ids=["responses", "chat"]
)
def test_a_mutated_stream_gives_items_or_an_error_of_ours(
    kind: type[StreamReader[Any, Any]], source: list[Any]
) -> None:
    chance = random.Random(7)
    delivered = failures = 0
    for _ in range(ROUNDS):
        reader = kind(ResponseHeaders({}))
        for _ in range(4):
            data = mutated(chance.choice(source), chance)
            reader.feed(event(written(data)))
            if reader.over:
                break
        reader.feed(b"")
        assert reader.complete or isinstance(reader.failure, AurikoAPIError)
        delivered += len(reader.ready)
        failures += reader.failure is not None
        for item in reader.ready:
            assert isinstance(reader.text(item), str)
    assert delivered > ROUNDS / 2
    assert failures > ROUNDS / 10


def test_mutated_chunks_are_put_together_without_an_error() -> None:
    chance = random.Random(9)
    taken = 0
    for _ in range(ROUNDS):
        accumulator = ChatAccumulator()
        for _ in range(3):
            try:
                given = ChatCompletionChunk.model_validate_json(written(mutated(mutated(CHUNK, chance), chance)))
            except ValueError:
                continue
            accumulator.add(given)
            taken += 1
        made = accumulator.completion()
        assert ChatCompletion.model_validate_json(made.model_dump_json()).choices == made.choices
    assert taken > ROUNDS / 2
