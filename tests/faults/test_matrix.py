"""The fault matrix: one line a row, each row in every mode that it is about.

An outcome is written as in `CUT@2(1)`: what kind, after how many items of a stream, after how many requests. The kinds
are OK, the error classes in short (tests/support/cells.py), and ARG for arguments that are refused.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support import acts, cells, transports
from tests.support.acts import (
    JSON,
    SSE,
    chunked,
    close,
    close_at_once,
    error,
    hang,
    head,
    ok,
    raw,
    reply,
    reset,
    stream,
)
from tests.support.cells import MODES, TRIO_MODES, Outcome
from tests.support.fault_server import Act, Connection, serve
from tests.support.replies import DONE, chunk, completion, envelope, event, events, whole_stream

TWO = events(chunk("Pa"), chunk("ris"))
FINISHED = events(chunk("Paris."), chunk("", finish_reason="stop"))
BOMB = gzip.compress(bytes(200 * 2**20), 9)
STALL = {"timeout": 0.3}
SILENCE = {"timeout": 0.1}  # where nothing comes that could be late
BACKOFF = [0.5, 0.75]
NAN = float("nan")
BOM = b"\xef\xbb\xbf"


@dataclass
class Row:
    """A row of the matrix.

    Attributes:
        id: Its name in the specification of reliability, where variants have a letter of their own.
        acts: What the server does with each request.
        plain: What comes of a plain call, or None where the row is about streams.
        stream: What comes of a streamed call; `=` the same, None where the row is about plain calls.
        requests: How many requests the server sees, if not as many as there are attempts.
        naps: What is slept between the attempts.
        settings: The client's.
        call: The call's own arguments.
        calls: How many calls are made; the last one counts.
        check: Looks closer at the outcome.
        trio: Whether it is tried on trio too.
        over: What comes of streams over a transport where that differs, by its name.
    """

    id: str
    what: str
    acts: list[Act]
    plain: str | None
    stream: str | None = "="
    requests: int | None = None
    naps: list[float] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)
    calls: int = 1
    check: Callable[[Outcome], object] = bool
    trio: bool = False
    over: dict[str, str] = field(default_factory=dict)

    def expected(self, mode: str) -> str | None:
        """What should come of it in a mode."""
        if mode.endswith("plain"):
            return self.plain
        return self.over.get(transports.way_of(mode).transport, self.plain if self.stream == "=" else self.stream)


def said_paris(outcome: Outcome) -> None:
    assert outcome.text == "Paris."


def knows_the_cost(outcome: Outcome) -> None:
    source = outcome.stream if outcome.stream is not None else outcome.reply
    assert source.routing_metadata.cost.usd == 0.00193
    assert source.usage.total_tokens == 1881
    assert source.request_id == "req_1"


def knows_the_cost_of_paris(outcome: Outcome) -> None:
    said_paris(outcome)
    source = outcome.stream if outcome.stream is not None else outcome.reply
    assert source.routing_metadata.cost.usd == 0.00193


def has_code(code: str) -> Callable[[Outcome], None]:
    def check(outcome: Outcome) -> None:
        assert outcome.error.code == code

    return check


def knows_no_cost(outcome: Outcome) -> None:
    assert outcome.stream.routing_metadata is None
    assert outcome.stream.usage is None


def has_body(expected: Any) -> Callable[[Outcome], None]:
    def check(outcome: Outcome) -> None:
        body = outcome.error.body
        assert body.startswith(expected) if isinstance(body, str) and isinstance(expected, str) else body == expected

    return check


def both(body: Any, streamed: bytes, **headers: Any) -> Act:
    """One answer for plain calls, another for streams, both with status 200."""

    def act(connection: Connection) -> None:
        if connection.request.json.get("stream"):
            reply(200, streamed, content_type=SSE, **headers)(connection)
        else:
            reply(200, body, **headers)(connection)

    return act


def after(first: bytes) -> Act:
    """The answer that was asked for, after something else."""

    def act(connection: Connection) -> None:
        connection.send(first)
        ok(connection)

    return act


def merged_tool_calls(outcome: Outcome) -> None:
    pieces: dict[int, dict[str, str]] = {}
    for item in outcome.items:
        for choice in item.choices:
            for call in choice.delta.tool_calls or []:
                into = pieces.setdefault(call.index, {"id": "", "arguments": ""})
                into["id"] = call.id or into["id"]
                into["arguments"] += (call.function and call.function.arguments) or ""
    assert pieces == {0: {"id": "call_a", "arguments": '{"city": "Paris"}'}, 3: {"id": "call_b", "arguments": "{}"}}


def tool_chunk(index: int, **fields: Any) -> dict[str, Any]:
    tool_calls = [{"index": index, **fields}]
    return {**chunk(), "choices": [{"index": 0, "delta": {"tool_calls": tool_calls}}]}


def _compressed(text: bytes) -> bytes:
    """The beginning of something compressed, from which all of this can be read."""
    compressor = zlib.compressobj(wbits=31)
    return compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)


TOOLS = events(
    tool_chunk(3, function={"name": "now", "arguments": "{"}),
    tool_chunk(0, id="call_a", function={"name": "weather", "arguments": '{"city": '}),
    tool_chunk(3, id="call_b", type="function", function={"arguments": "}"}),
    tool_chunk(0, function={"arguments": '"Paris"}'}),
    chunk(None, finish_reason="tool_calls"),
)
ODD = completion(
    choices=[{"index": 0, "message": {"role": "assistant", "content": None, "x": 1}, "finish_reason": "new"}], y=[{}]
)
CYCLE: dict[str, Any] = {}
CYCLE["self"] = CYCLE
HTML = b"<html><h1>Bad gateway</h1></html>"
LATE = {"Retry-After": "Sat, 21 Nov 2015 12:00:00 GMT"}


def asked(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


ROWS = [
    Row("C4", "accepts, closes at once", [close_at_once], "CONN(3)", naps=BACKOFF, trio=True),
    Row("C5", "RST after the request", [reset], "CONN(3)", naps=BACKOFF, trio=True),
    Row(
        "C6a", "a stale connection, seen in time", [ok, close_at_once, ok], "OK", requests=3, calls=2, check=said_paris
    ),
    Row(
        "C6b", "a stale connection, seen when it is used", [ok, close, ok], "OK", requests=3, calls=2, check=said_paris
    ),
    Row("C7", "garbage instead of HTTP", [raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")], "CONN(3)", naps=BACKOFF),
    Row("C7b", "endless headers", [raw(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000)], "CONN(3)"),
    Row("C8", "no headers in time", [hang], "TIME(3)", naps=BACKOFF, settings=SILENCE, trio=True),
    Row(
        "C8b", "half the headers in time", [raw(b"HTTP/1.1 200 OK\r\ncontent", end="hang")], "TIME(3)", settings=SILENCE
    ),
    Row(
        "C10",
        "fails twice, then answers",
        [error(503), reset, ok],
        "OK",
        requests=3,
        naps=BACKOFF,
        check=said_paris,
        trio=True,
    ),
    Row(
        "C10b",
        "fails twice, one retry allowed",
        [error(503), reset, ok],
        "CONN(2)",
        settings={"max_retries": 1},
        naps=[0.5],
    ),
    Row("C10c", "fails once, no retry allowed", [error(503), ok], "STATUS(1)", call={"max_retries": 0}, naps=[]),
    *(
        Row("S1", f"{status}", [reply(status, envelope("invalid_request_error"))], "BAD(1)", naps=[])
        for status in (400, 413, 422)
    ),
    Row("S2a", "401", [error(401, "authentication_error", "invalid_api_key")], "AUTH(1)"),
    Row("S2b", "403", [error(403, "permission_error")], "PERM(1)"),
    Row("S2c", "404", [error(404, "not_found_error", "model_not_found")], "NOTFOUND(1)"),
    Row("S3", "409", [error(409, "invalid_request_error")], "CONFLICT(1)"),
    Row(
        "S3b",
        "409 that may be retried",
        [error(409, "invalid_request_error", x_error_retryable="true")],
        "CONFLICT(3)",
        naps=BACKOFF,
    ),
    Row("S4a", "429", [error(429, "rate_limit_error", "rate_limit_exceeded")], "RATE(3)", naps=BACKOFF, trio=True),
    Row("S4b", "500", [error(500)], "SRV(3)", naps=BACKOFF),
    *(Row("S4c", f"{status}", [error(status)], "STATUS(3)", naps=BACKOFF) for status in (408, 502, 503, 504, 529)),
    *(
        Row("S4d", f"{status} without a body", [reply(status)], "STATUS(3)", naps=BACKOFF)
        for status in (408, 502, 503, 504, 529)
    ),
    Row("S4e", "500 internal_error", [error(500, "api_error", "internal_error")], "SRV(1)", naps=[]),
    Row("S5", "429 insufficient_quota", [error(429, "rate_limit_error", "insufficient_quota")], "RATE(1)", naps=[]),
    Row("S6", "503 that must not be retried", [error(503, x_error_retryable="false")], "STATUS(1)", naps=[]),
    Row("S7", "Retry-After 2", [error(429, "rate_limit_error", Retry_After="2")], "RATE(3)", naps=[2.0, 2.0]),
    Row("S8a", "Retry-After 3600", [error(429, "rate_limit_error", Retry_After="3600")], "RATE(1)", naps=[]),
    Row("S8b", "Retry-After inf", [error(429, "rate_limit_error", Retry_After="inf")], "RATE(3)", naps=BACKOFF),
    Row("S8c", "Retry-After 1e9", [error(429, "rate_limit_error", Retry_After="1e9")], "RATE(1)", naps=[]),
    *(
        Row(
            "S9", f"Retry-After {value!r}", [error(429, "rate_limit_error", Retry_After=value)], "RATE(3)", naps=BACKOFF
        )
        for value in ("nan", "-5", "", "Sat, 21 Nov 2015 12:00:00 GMT", "Sat, 99 Nov")
    ),
    Row("S10a", "HTML", [reply(400, HTML, content_type="text/html")], "BAD(1)", check=has_body("<html>")),
    Row(
        "S10b", "HTML from a proxy", [reply(502, HTML, content_type="text/html")], "STATUS(3)", check=has_body("<html>")
    ),
    Row("S10c", "empty", [reply(404)], "NOTFOUND(1)", check=has_body(None)),
    Row("S10d", "5 MiB", [reply(400, b"x" * 5 * 2**20)], "BAD(1)", check=has_body("x" * 2**16)),
    Row("S10e", "bad JSON", [reply(401, b'{"error": {')], "AUTH(1)", check=has_body('{"error": {')),
    Row("S10f", "a list", [reply(403, [])], "PERM(1)", check=has_body([])),
    Row(
        "S10g",
        "a string",
        [reply(404, {"error": "No such model"})],
        "NOTFOUND(1)",
        check=has_body({"error": "No such model"}),
    ),
    Row(
        "S10h",
        "another vendor's",
        [reply(429, {"type": "error", "error": {"type": "requests", "message": "m"}})],
        "RATE(3)",
    ),
    Row("S10i", "a framework's", [reply(422, {"detail": [{"loc": ["body"], "msg": "m"}]})], "BAD(1)"),
    Row(
        "S10j",
        "a byte order mark",
        [reply(404, BOM + json.dumps(envelope("not_found_error", "x")).encode())],
        "NOTFOUND(1)",
        check=has_code("x"),
    ),
    Row("S11a", "body cut", [reply(400, b'{"error":', length=100, end="close")], "BAD(1)", check=has_body('{"error":')),
    Row("S11b", "body reset", [reply(403, b'{"error":', length=100, end="reset")], "PERM(1)"),
    Row(
        "S11c",
        "body stalls",
        [reply(400, b"half", length=100, end="hang")],
        "BAD(1)",
        settings=STALL,
        check=has_body("half"),
        trio=True,
    ),
    *(
        Row("S12", f"{status} to the same origin", [reply(status, location="/v2")], "STATUS(1)", naps=[])
        for status in (301, 302, 307, 308)
    ),
    Row("S12b", "307 to another origin", [reply(307, location="http://other.example/")], "STATUS(1)", naps=[]),
    Row("S13a", "100, then 200", [after(b"HTTP/1.1 100 Continue\r\n\r\n")], "OK", check=said_paris),
    Row("S13a", "103, then 200", [after(b"HTTP/1.1 103 Hints\r\nlink: x\r\n\r\n")], "OK", check=said_paris),
    Row("S13b", "204", [raw(head(204), end="keep")], "RESP(1)", naps=[]),
    Row("S13c", "206", [reply(206, completion())], "RESP(1)", naps=[]),
    Row("B1a", "JSON as text/html", [reply(200, completion(), content_type="text/html")], "OK", "RESP(1)"),
    Row("B1b", "HTML", [reply(200, HTML, content_type="text/html")], "RESP(1)", check=has_body("<html>")),
    Row("B1c", "no content type", [raw(head(content_length=4) + b"null")], "RESP(1)"),
    Row("B1d", "an error with status 200", [reply(200, envelope("invalid_request_error"))], "BAD(1)"),
    Row("B1e", "a rate limit with status 200", [reply(200, envelope("rate_limit_error"))], "RATE(3)"),
    *(
        Row("B2", f"{body[:20]!r}", [reply(200, body)], "RESP(1)", naps=[])
        for body in (
            b"",
            b"null",
            b"[]",
            b"{}",
            b"7",
            b'"x"',
            b"{",
            b'{"choices": 1}',
            b'{"choices": [7]}',
            b"\xff\xfe",
            b'{"choices": [NaN]}',
        )
    ),
    *(
        Row("B2s", f"{body[:20]!r} as a stream", [reply(200, body, content_type=SSE)], "RESP(1)", "CUT(1)", naps=[])
        for body in (b"", b"null", b"[]", b"{}", b": ping\n\n", b"event: x\nid: 1\n\n", b"data", b"data:\n\n")
    ),
    Row(
        "B3",
        "Content-Length is too large",
        [reply(200, TWO, content_type=SSE, length=9999, end="close")],
        "CONN(3)",
        "CUT@2(1)",
        trio=True,
    ),
    Row(
        "B3b",
        "cut before the first item",
        [reply(200, b"data: {", content_type=SSE, length=99, end="close")],
        "CONN(3)",
        "CUT(3)",
        naps=BACKOFF,
    ),
    Row("B4a", "bad gzip", [reply(200, b"\x1f\x8b not gzip", content_encoding="gzip", content_type=SSE)], "RESP(1)"),
    Row(
        "B4b",
        "bad gzip after two items",
        [stream(gzip.compress(TWO)[:-8], b"rubbish!", content_encoding="gzip")],
        "RESP(1)",
        "RESP@2(1)",
    ),
    Row(
        "B4c",
        "good gzip",
        [
            both(
                gzip.compress(json.dumps(completion()).encode()), gzip.compress(whole_stream()), content_encoding="gzip"
            )
        ],
        "OK",
    ),
    Row("B5", "gzip bomb", [both(BOMB, BOMB, content_encoding="gzip")], "RESP(1)"),
    Row("B6", "65 MiB", [both(b" " * 65 * 2**20, event(b"x" * 17 * 2**20))], "RESP(1)"),
    Row("B6b", "17 MiB after two items", [stream(TWO, b"data: ", b"x" * 17 * 2**20)], None, "RESP@2(1)"),
    Row(
        "B7",
        "a slow drip",
        [acts.drip(head(content_type=JSON, content_length=10**6), b" ")],
        "TIME(1)",
        None,
        settings={"deadline": 0.2},
        trio=True,
    ),
    Row("B8a", "odd fields", [both(ODD, events(chunk("Paris.", finish_reason="new", x=1)) + DONE)], "OK"),
    Row("B8b", "no choices", [both(completion(choices=[]), events({**chunk(), "choices": []}) + DONE)], "OK"),
    Row(
        "B8c",
        "metadata is broken",
        [both(completion(routing_metadata=7, usage="x"), events(chunk(routing_metadata=7, usage="x")) + DONE)],
        "OK",
    ),
    Row(
        "B8d",
        "a byte order mark",
        [both(BOM + json.dumps(completion()).encode(), BOM + whole_stream())],
        "OK",
        check=knows_the_cost_of_paris,
    ),
    Row(
        "B8e",
        "the same, an error with status 200",
        [reply(200, BOM + json.dumps(envelope("rate_limit_error")).encode())],
        "RATE(3)",
    ),
    Row("E1a", "the end without [DONE] or finish_reason", [stream(TWO)], None, "CUT@2(1)", trio=True),
    Row("E1b", "the end without [DONE], every choice finished", [stream(FINISHED)], None, "OK", check=knows_no_cost),
    Row("E1c", "the same, one of two choices finished", [stream(events(chunk(index=1)) + FINISHED)], None, "CUT@3(1)"),
    Row(
        "E1d",
        "the same, the connection closed",
        [raw(head(content_type=SSE) + FINISHED)],
        None,
        "OK",
        check=knows_no_cost,
    ),
    Row("E2", "the end in the middle of an event", [stream(TWO, event(chunk())[:50])], None, "CUT@2(1)", trio=True),
    Row("E3a", "chunked, cut", [stream(TWO, end="close")], None, "CUT@2(1)", trio=True),
    Row("E3b", "chunked, RST", [stream(TWO, 0.05, end="reset")], None, "CUT@2(1)", trio=True),
    Row("E3c", "chunked, cut before the first item", [stream(end="close")], None, "CUT(3)", naps=BACKOFF),
    Row("E3d", "chunked, cut after the last item", [stream(FINISHED, end="close")], None, "CUT@2(1)"),
    Row(
        "E3e",
        "a chunk's size is garbage",
        [raw(head(content_type=SSE, transfer_encoding="chunked") + chunked(TWO) + b"xyz\r\n")],
        None,
        "CUT@2(1)",
    ),
    Row(
        "E3f",
        "a later chunk's size is garbage",
        [raw(head(content_type=SSE, transfer_encoding="chunked") + chunked(TWO), 0.05, b"xyz\r\n")],
        None,
        "CUT@2(1)",
    ),
    Row(
        "E3g",
        "compressed, cut after two items",
        [stream(_compressed(TWO), end="close", content_encoding="gzip")],
        None,
        "CUT@2(1)",
    ),
    Row("E4", "silence", [stream(TWO, end="hang")], None, "TIME@2(1)", settings=STALL, trio=True),
    Row("E4b", "silence before the first item", [stream(end="hang")], None, "TIME(3)", settings=SILENCE, naps=BACKOFF),
    Row("E6a", "a rate limit first", [stream(event(envelope("rate_limit_error")))], None, "RATE(3)", naps=BACKOFF),
    Row("E6b", "a bad request first", [stream(event(envelope("invalid_request_error")))], None, "BAD(1)", naps=[]),
    Row("E6c", "upstream_timeout first", [stream(event(envelope("api_error", "upstream_timeout")))], None, "STATUS(3)"),
    Row("E6d", "quota first", [stream(event(envelope("rate_limit_error", "insufficient_quota")))], None, "RATE(1)"),
    Row("E6e", "a rate limit after two items", [stream(TWO, event(envelope("rate_limit_error")))], None, "RATE@2(1)"),
    Row(
        "E6f",
        "upstream_timeout after two items",
        [stream(TWO, event(envelope("api_error", "upstream_timeout")))],
        None,
        "STATUS@2(1)",
    ),
    Row(
        "E6g", "an unknown type after two items", [stream(TWO, event(envelope("overloaded", "x")))], None, "STATUS@2(1)"
    ),
    Row(
        "E6h",
        "500 by its code after two items",
        [stream(TWO, event(envelope("api_error", "internal_error")))],
        None,
        "SRV@2(1)",
    ),
    Row(
        "E6i",
        "an error on a chunk",
        [stream(TWO, event({**chunk(), **envelope("permission_error")}))],
        None,
        "PERM@2(1)",
    ),
    Row("E6j", "first fails, then streams", [stream(event(envelope())), ok], None, "OK", requests=2, check=said_paris),
    *(
        Row("E7", f"{data[:20]!r} after two items", [stream(TWO, event(data))], None, "RESP@2(1)")
        for data in (
            "{",
            "[]",
            "7",
            "null",
            '{"a": 1}',
            '{"choices": 1}',
            '{"choices": [NaN]}',
            "[DONE",
            "]" * 9999,
            "[" * 99_999,
        )
    ),
    Row(
        "E8",
        "[DONE], then more",
        [stream(whole_stream(), TWO, b"data: {\n\n", event(envelope()))],
        None,
        "OK",
        check=said_paris,
    ),
    Row("E8b", "[DONE], then a megabyte", [stream(whole_stream(), b"x" * 2**20)], None, "OK", check=said_paris),
    Row(
        "E9",
        "[DONE], then an open socket",
        [stream(whole_stream(), end="hang")],
        None,
        "OK",
        check=knows_the_cost,
        trio=True,
    ),
    Row("E9b", "[DONE], then RST", [stream(whole_stream(), 0.02, end="reset")], None, "OK", check=knows_the_cost),
    Row("E10a", "CRLF", [stream(whole_stream().replace(b"\n", b"\r\n"))], None, "OK", check=said_paris),
    Row("E10b", "CR", [stream(whole_stream().replace(b"\n", b"\r"))], None, "OK", check=said_paris),
    Row(
        "E10c",
        "byte order mark, comments",
        [stream(b"\xef\xbb\xbf: hi\n\n", whole_stream())],
        None,
        "OK",
        check=said_paris,
    ),
    Row(
        "E10d",
        "U+2028, U+0085",
        [stream(events(json.dumps(chunk("\u2028\u0085"), ensure_ascii=False)) + DONE)],
        None,
        "OK",
    ),
    Row(
        "E10e",
        "bad UTF-8",
        [stream(event(json.dumps(chunk("Paris.?")).encode().replace(b"?", b"\xff")) + DONE)],
        None,
        "OK",
    ),
    Row("E10f", "the last blank line is missing", [stream(whole_stream()[:-1])], None, "OK", check=knows_the_cost),
    Row("E10g", "spaces around [DONE]", [stream(TWO, b"data:  [DONE] \n\n")], None, "OK"),
    Row(
        "E11",
        "blocks without data",
        [stream(b"id: 1\n\nretry: 5\n\nevent: x\n\ndata:\n\ndata:  \n\n", whole_stream())],
        None,
        "OK",
        check=knows_the_cost,
    ),
    Row("E12a", "one event of 15 MiB", [stream(events(chunk("x" * 15 * 2**20)), DONE)], None, "OK"),
    Row("E12b", "a byte at a time", [stream(*(bytes([b]) for b in whole_stream()))], None, "OK", check=said_paris),
    Row("E13", "tool calls in pieces", [stream(TOOLS, DONE)], None, "OK", check=merged_tool_calls),
    Row("A1a", "NaN", [ok], "ARG", requests=0, call={"temperature": NAN}),
    Row("A1b", "a lone surrogate", [ok], "ARG", requests=0, call=asked("a\ud800")),
    Row("A1c", "bytes", [ok], "ARG", requests=0, call=asked(b"x")),
    Row("A1d", "a set", [ok], "ARG", requests=0, call=asked({"x"})),
    Row("A1e", "a cycle", [ok], "ARG", requests=0, call=asked(CYCLE)),
    Row("A1f", "an unknown parameter", [ok], "ARG", requests=0, call={"temprature": 1}),
    Row("A1g", "an object", [ok], "ARG", requests=0, call=asked(object())),
    Row("A2a", "negative retries", [ok], "ARG", requests=0, call={"max_retries": -1}),
    Row("A2b", "negative timeout", [ok], "ARG", requests=0, call={"timeout": -1}),
    Row("A2c", "negative deadline", [ok], "ARG", requests=0, call={"deadline": -1}),
    Row("A2d", "a header with a line break", [ok], "ARG", requests=0, call={"extra_headers": {"X": "a\r\nY: b"}}),
]


# Rows in which it matters how a connection ends.
ENDINGS = ("C4", "C6", "C7", "S11a", "B1c", "B3", "E1d", "E3")


def cells_of(rows: list[Row]) -> list[Any]:
    return [
        pytest.param(row, mode, wire, id=f"{row.id}-{row.what}-{mode}-{wire}")
        for row in rows
        for mode in (TRIO_MODES if row.trio else MODES)
        for wire in ("tcp", "tls", *(["cut tls"] if row.id.startswith(ENDINGS) else []))
        if row.expected(mode) is not None
    ]


@pytest.mark.parametrize(("row", "mode", "wire"), cells_of(ROWS), indirect=["wire"])
def test_cell(row: Row, mode: str, wire: str, naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """One call against a server that fails, what comes of it, and nothing left over."""
    monkeypatch.setattr("auriko._rules.exchange.DRAIN_PATIENCE", 0.05)
    with serve(*row.acts) as server:
        outcome = cells.run(mode, server.url, row.settings, row.call, row.calls)
        expected = row.expected(mode)
        assert outcome.described() == expected, outcome.error
        attempts = re.search(r"\((\d+)\)", expected)
        requests = row.requests if row.requests is not None else int(attempts[1]) if attempts else 1
        server.wait_for(requests)
        assert server.performed == requests
        assert [r.header("X-Auriko-Retry-Count") for r in server.requests[row.calls :]] == [
            str(n) for n in range(row.calls, len(server.requests))
        ] or row.calls > 1
        if row.naps is not None:
            assert naps == pytest.approx(row.naps)
        row.check(outcome)
        server.wait_until_unused()
