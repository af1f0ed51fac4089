"""Broken replies, whole and streamed: a model, or one of our errors, never anything else."""

from __future__ import annotations

import json
import random
from typing import Any

import httpx
import pytest

from auriko import (
    APIResponseValidationError,
    APIStatusError,
    AurikoAPIError,
    ChatCompletion,
    ChatCompletionChunk,
    Client,
    StreamInterruptedError,
    track_spend,
)
from tests.support.amounts import amount
from tests.support.cases import failures
from tests.support.mutate import mutated
from tests.support.replies import DONE, METADATA, USAGE, chunk, completion, envelope, event, last_chunk

pytestmark = pytest.mark.no_cover  # so many trials, of what other tests reach too
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_retries": 0}
MESSAGE = {
    "role": "assistant",
    "content": "Paris.",
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    "reasoning": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "redacted", "data": "d"}],
    "images": [{"type": "image", "mime_type": "image/png", "data": "AA=="}],
    "annotations": [{"type": "url"}],
}
WHOLE = completion(choices=[{"index": 0, "message": MESSAGE, "finish_reason": "stop", "logprobs": {"content": []}}])
CHUNKS = [
    chunk("Pa"),
    {**chunk(), "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}}]},
    chunk("ris", finish_reason="stop", usage=USAGE),
    last_chunk(),
]


class Wire:
    """A client whose next reply is set before each call."""

    def __init__(self) -> None:
        self.body = b""
        self.headers: dict[str, str] = {}
        own = httpx.Client(transport=httpx.MockTransport(self.answer))
        self.client = Client(api_key="k", http_client=own)

    def answer(self, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=self.body, headers=self.headers)

    def plain(self, body: bytes) -> ChatCompletion:
        self.body, self.headers = body, {"content-type": "application/json"}
        return self.client.chat.completions.create(**ASK)

    def streamed(self, body: bytes) -> list[ChatCompletionChunk]:
        self.body, self.headers = body, {"content-type": "text/event-stream"}
        return list(self.client.chat.completions.create(**ASK, stream=True))


@pytest.fixture(scope="module")
def wire() -> Wire:
    return Wire()


def look_at(error: AurikoAPIError) -> None:
    assert str(error)
    assert repr(error)
    assert len(error.message) < 10_000


@pytest.mark.parametrize("seed", range(2))
def test_mutated_replies(wire: Wire, seed: int) -> None:
    chance = random.Random(seed)
    models = errors = 0
    with track_spend() as spend:
        for _ in range(amount(3_500)):
            body = mutated(WHOLE, chance)
            try:
                reply = wire.plain(body)
            except APIResponseValidationError as error:
                errors += 1
                look_at(error)
            except APIStatusError as error:
                assert b'"error"' in body
                look_at(error)
            else:
                models += 1
                assert isinstance(reply, ChatCompletion)
                json.loads(reply.model_dump_json())
                assert repr(reply)
    assert spend.calls == amount(3_500)
    assert models > amount(500)
    assert errors > amount(500)


@pytest.mark.parametrize("seed", range(2))
def test_mutated_streams(wire: Wire, seed: int) -> None:
    chance = random.Random(seed)
    whole = errors = 0
    for _ in range(amount(1_500)):
        place = chance.randrange(len(CHUNKS))
        pieces = [event(data) for data in CHUNKS]
        pieces[place] = event(mutated(CHUNKS[place], chance).replace(b"\n", b" "))
        body = b"".join(pieces) + (DONE if chance.random() < 0.9 else b"")
        try:
            items = wire.streamed(body)
        except (APIResponseValidationError, StreamInterruptedError) as error:
            errors += 1
            look_at(error)
        except APIStatusError as error:
            assert b'"error"' in body
            look_at(error)
        else:
            whole += 1
            assert all(isinstance(item, ChatCompletionChunk) for item in items)
    assert whole > amount(200)
    assert errors > amount(200)


def test_damaged_streams(wire: Wire) -> None:
    """The bytes of the whole stream, not of one event."""
    chance = random.Random(1)
    for _ in range(amount(1_000)):
        body = bytearray(b"".join(event(data) for data in CHUNKS) + DONE)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(body))
            body[place : place + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
        try:
            wire.streamed(bytes(body))
        except AurikoAPIError as error:
            look_at(error)


def deep(opening: bytes, inner: bytes, closing: bytes, depth: int) -> bytes:
    return opening * depth + inner + closing * depth


GOOD_JSON = [
    b"0",
    b"-0",
    b"1e5",
    b"1E+2",
    b"0.1e-7",
    b'"\\u00e9\\ud83d\\ude00\\n\\/"',
    b"[]",
    b"{}",
    b"[[[[1]]]]",
    b'{"":0}',
    b"true",
    b"null",
]
GOOD_JSON += [
    b'"\x7f"',
    b'"\xe2\x80\xa8"',
    b'{"a":1,"a":2}',
    b" \t\r\n1 ",
    b"1e999",
    b"-1e-999",
    b"123456789012345678901234567890",
    b"0e0",
    b"NaN",  # as Python's own json writes them
    b"Infinity",
    b"-Infinity",
]
BAD_JSON = [
    b"",
    b" ",
    b"nul",
    b"tru",
    b"True",
    b"nan",
    b"01",
    b"+1",
    b"1.",
    b".5",
    b"1e",
    b"0x1",
    b"1_0",
]
BAD_JSON += [
    b"'a'",
    b'"a',
    b'"\\x"',
    b'"\\u12"',
    b'"\\',
    b'"\x00"',
    b'"\n"',
    b'"\xff"',
    b'"\xc3"',
    b'"\xed\xa0\x80"',
    b"\xef\xbb\xbf1",
    b"\x00",
]
BAD_JSON += [
    b"[1,]",
    b"[,1]",
    b"[1 2]",
    b"[1",
    b"]",
    b"{",
    b"}",
    b'{"a"}',
    b'{"a":}',
    b'{"a":1,}',
    b"{a:1}",
    b"{1:1}",
    b'{"a":1 "b":2}',
    b"1 2",
]
BAD_JSON += [
    b"/**/1",
    b"#",
    b"<a/>",
    b'{"a":1}x',
    b"[" * 100_000,
    b'[{"":' * 50_000,
    b'{"a":' * 100_000,
    b"9" * 5_000,
]
GOOD_JSON += [b'"\\ud800"', b'"\\udc00\\ud800"']  # as some servers write half a character
DEEP_JSON = [deep(b"[", b"", b"]", n) for n in (10, 200, 500, 990, 1_100, 20_000)]
DEEP_JSON += [deep(b'{"a":', b"1", b"}", n) for n in (10, 200, 500, 990, 1_100, 20_000)]


def test_json_vectors(wire: Wire) -> None:
    """As the whole reply, and as a part of one that nothing depends on."""

    def check(text: bytes) -> None:
        with pytest.raises(APIResponseValidationError):
            wire.plain(text)
        with pytest.raises((APIResponseValidationError, StreamInterruptedError)):
            wire.streamed(b"data: " + text.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n\n")
        inside = b'{"choices": [], "usage": ' + text + b', "x": ' + text + b"}"
        try:
            assert wire.plain(inside).choices == []
            assert text not in BAD_JSON
        except APIResponseValidationError:
            assert text not in GOOD_JSON

    assert not failures(check, [*GOOD_JSON, *BAD_JSON, *DEEP_JSON])


def test_json_as_a_paid_reply(wire: Wire) -> None:
    """Whatever a field holds that only informs, the answer arrives."""

    def check(text: bytes) -> None:
        body = json.dumps({**WHOLE, "routing_metadata": METADATA}).encode()
        for name in (b'"usd": 0.00193', b'"prompt_tokens": 1820', b'"ttft_ms": 410.5', b'"created": 1790000000'):
            assert name in body
            key = name.partition(b":")[0]
            reply = wire.plain(body.replace(name, key + b": " + text))
            assert reply.choices[0].message.content == "Paris."

    assert not failures(check, GOOD_JSON)


def test_envelope_with_a_success_status(wire: Wire) -> None:
    with pytest.raises(APIStatusError):
        wire.plain(json.dumps(envelope("invalid_request_error")).encode())
