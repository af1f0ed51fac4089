"""The decoder of server-sent events, against the WHATWG text: every vector whole, byte by byte and at every split."""

import random

import pytest

from auriko._rules.sse import MAX_EVENT_BYTES, SSEDecoder
from tests.support import sse_reference

VECTORS: dict[str, tuple[bytes, list[str]]] = {
    "one event": (b"data: a\n\n", ["a"]),
    "two events": (b"data: a\n\ndata: b\n\n", ["a", "b"]),
    "two lines are joined by LF": (b"data: a\ndata: b\n\n", ["a\nb"]),
    "three lines, the middle one empty": (b"data: a\ndata:\ndata: b\n\n", ["a\n\nb"]),
    "the specification's stock ticker": (b"data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]),
    "the specification's comment, id and id without value": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        ["first event", "second event", " third event"],
    ),
    "the specification's empty data": (b"data\n\ndata\ndata\n\ndata:\n", ["", "\n", ""]),
    "the specification's optional space": (b"data:test\n\ndata: test\n\n", ["test", "test"]),
    "empty value with a colon": (b"data:\n\n", [""]),
    "empty value without a colon": (b"data\n\n", [""]),
    "only one space is dropped": (b"data:  a\n\n", [" a"]),
    "a tab is not a space": (b"data:\ta\n\n", ["\ta"]),
    "no space": (b"data:a\n\n", ["a"]),
    "a space before the colon is another field": (b"data : a\n\n", []),
    "a space before the name is another field": (b" data: a\n\n", []),
    "names are case-sensitive": (b"Data: a\nDATA: b\n\n", []),
    "a longer name is another field": (b"data2: a\ndatax\n\n", []),
    "a colon in the value": (b"data: a:b: c\n\n", ["a:b: c"]),
    "a trailing space stays": (b"data: a \n\n", ["a "]),
    "LF": (b"data: a\n\ndata: b\n\n", ["a", "b"]),
    "CR": (b"data: a\r\rdata: b\r\r", ["a", "b"]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
    "line ends mixed": (b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\n\n", ["a\nb\nc", "d"]),
    "LF CR is two line ends": (b"data: a\n\rdata: b\r\r", ["a", "b"]),
    "CR LF LF is two line ends": (b"data: a\r\n\ndata: b\n\n", ["a", "b"]),
    "CR CR LF is two line ends": (b"data: a\r\r\ndata: b\n\n", ["a", "b"]),
    "U+2028 and U+2029 are not line ends": ("data: a\u2028b\u2029c\n\n".encode(), ["a\u2028b\u2029c"]),
    "U+0085 is not a line end": ("data: a\u0085b\n\n".encode(), ["a\u0085b"]),
    "a lone byte 0x85 is not a line end": (b"data: a\x85b\n\n", ["a\ufffdb"]),
    "VT, FF, FS, GS, RS are not line ends": (b"data: a\x0bb\x0cc\x1cd\x1de\x1ef\n\n", ["a\x0bb\x0cc\x1cd\x1de\x1ef"]),
    "NUL in data stays": (b"data: a\x00b\n\n", ["a\x00b"]),
    "a byte order mark": (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
    "two byte order marks: one is dropped": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", ["b"]),
    "a byte order mark later is text": (b"data: a\n\n\xef\xbb\xbfdata: b\n\ndata: \xef\xbb\xbfc\n\n", ["a", "\ufeffc"]),
    "a byte order mark before a comment": (b"\xef\xbb\xbf: hi\ndata: a\n\n", ["a"]),
    "a byte order mark alone": (b"\xef\xbb\xbf", []),
    "half a byte order mark is text": (b"\xef\xbbdata: a\n\ndata: b\n\n", ["b"]),
    "comments": (b": hi\n:\n:: x\ndata: a\n: in between\ndata: b\n\n", ["a\nb"]),
    "only comments": (b": ping\n\n: ping\n\n", []),
    "id only": (b"id: 1\n\n", []),
    "retry only": (b"retry: 1000\n\n", []),
    "event only": (b"event: message\n\n", []),
    "an event name does not end an event": (b"event: delta\ndata: a\n\n", ["a"]),
    "id with NUL": (b"id: a\x00b\ndata: a\n\n", ["a"]),
    "retry that is no number": (b"retry: 1s\ndata: a\n\n", ["a"]),
    "unknown fields": (b"foo: bar\nbaz\ndata: a\nx-y: z\n\n", ["a"]),
    "many blank lines": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", ["a", "b"]),
    "the last blank line is missing": (b"data: a\n\ndata: b\n", ["a", "b"]),
    "the last line end is missing": (b"data: a\n\ndata: b", ["a", "b"]),
    "the last line end is missing, several lines": (b"data: a\ndata: b", ["a\nb"]),
    "the end after a CR": (b"data: a\r", ["a"]),
    "the end in a field's name": (b"data: a\n\ndat", ["a"]),
    "the end in a comment": (b"data: a\n\n: bye", ["a"]),
    "nothing": (b"", []),
    "only line ends": (b"\r\n\n\r", []),
    "two-, three- and four-byte characters": ("data: é€😀\n\n".encode(), ["é€😀"]),
    "invalid UTF-8": (b"data: a\xffb\xc3(\n\n", ["a\ufffdb\ufffd("]),
    "a character cut by the line's end": (b"data: a\xe2\x82\ndata: b\n\n", ["a\ufffd\nb"]),
    "JSON and [DONE]": (b'data: {"a": "x\\ny"}\n\ndata: [DONE]\n\n', ['{"a": "x\\ny"}', "[DONE]"]),
}


def decode(*reads: bytes) -> list[str]:
    decoder = SSEDecoder()
    events = [event for read in reads for event in decoder.feed(read)]
    events += decoder.finish()
    assert not decoder.too_large
    return [event.decode("utf-8", "replace") for event in events]


@pytest.mark.parametrize("name", VECTORS)
def test_vector_in_every_way_it_may_arrive(name: str) -> None:
    stream, expected = VECTORS[name]
    assert sse_reference.decode(stream) == expected, "the reference decoder is wrong"
    assert decode(stream) == expected
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == expected
    for split in range(len(stream) + 1):
        assert decode(stream[:split], stream[split:]) == expected
        assert decode(stream[:split], b"", stream[split:]) == expected


def test_vector_at_every_pair_of_splits() -> None:
    for stream, expected in VECTORS.values():
        if len(stream) <= 40:
            for first in range(len(stream) + 1):
                for second in range(first, len(stream) + 1):
                    assert decode(stream[:first], stream[first:second], stream[second:]) == expected


PIECES = [b"data", b"data:", b"data: ", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"x", b"event: e"]
PIECES += [b"id: 1\x00", b"retry: 5", b"\xef\xbb\xbf", "\u2028".encode(), "\u0085".encode(), b"\x85", b"\xff"]
PIECES += [b"\xe2\x80", "é😀".encode(), b'{"a":1}']


def random_stream(chance: random.Random) -> bytes:
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(60))
    return b"".join(chance.choices(PIECES, k=chance.randrange(24)))


def random_reads(stream: bytes, chance: random.Random) -> list[bytes]:
    cuts = sorted(chance.randrange(len(stream) + 1) for _ in range(chance.randrange(6)))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


@pytest.mark.parametrize("seed", range(4))
def test_random_streams_are_decoded_like_the_reference(seed: int) -> None:
    """20,000 streams: bytes and the protocol's own pieces, cut anywhere."""
    chance = random.Random(seed)
    for _ in range(5_000):
        stream = random_stream(chance)
        reads = random_reads(stream, chance)
        assert decode(*reads) == sse_reference.decode(stream), reads


def test_event_is_dispatched_with_the_read_that_ends_it() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\r\r") == [b"a"], "a CR may not be held back until it is known whether LF follows"
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"data: b\n") == []
    assert decoder.feed(b"\n") == [b"b"]


def test_event_of_16_mib_passes() -> None:
    value = b"x" * MAX_EVENT_BYTES
    decoder = SSEDecoder()
    assert decoder.feed(b"data: " + value) == []
    assert decoder.feed(b"\n\n") == [value]
    assert not decoder.too_large


def test_event_beyond_16_mib_does_not() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: " + b"x" * (MAX_EVENT_BYTES + 100) + b"\n\n") == []
    assert decoder.too_large


@pytest.mark.parametrize(("more", "too_large"), [(0, False), (1, True)])
@pytest.mark.parametrize(
    ("before", "taken"),
    [
        pytest.param(b"", 0, id="the first event"),
        pytest.param(b"data: whole\n\n", 0, id="after an event"),
        pytest.param(b"data: ab\n", 3, id="after a line of two bytes and its end"),
    ],
)
def test_limit_to_the_last_byte(before: bytes, taken: int, more: int, too_large: bool) -> None:
    """16 MiB, and 64 bytes for names of fields and the like."""
    decoder = SSEDecoder()
    decoder.feed(before)
    decoder.feed(b"data: " + b"x" * (MAX_EVENT_BYTES + 64 - len(b"data: ") - taken + more))
    assert decoder.too_large is too_large


@pytest.mark.parametrize(
    "reads",
    [
        pytest.param([b"data: " + b"x" * 2**16], id="one unfinished line"),
        pytest.param([b"data: " + b"x" * 2**16 + b"\n\n"], id="one whole event"),
        pytest.param([b"data: " + b"x" * 2**12 + b"\n"] * 17, id="many lines"),
        pytest.param([b"data\n" * 2**12] * 17, id="many empty lines"),
        pytest.param([b":" + b"x" * 2**12] * 17, id="a comment without end"),
    ],
)
def test_event_beyond_the_limit_ends_the_stream(reads: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before it is kept, nothing after it is, and it is not held in memory."""
    monkeypatch.setattr("auriko._rules.sse._LIMIT", 2**16)
    decoder = SSEDecoder()
    assert decoder.feed(b"data: before\n\n" + reads[0]) == [b"before"]
    for read in [*reads[1:], b"\n\ndata: after\n\n"]:
        assert decoder.feed(read) == []
    assert decoder.finish() == []
    assert decoder.too_large
    assert not decoder._data
    assert not decoder._pending


def test_large_read_with_a_small_rest_is_not_too_large() -> None:
    """The size is that of one event, whatever else the read holds."""
    line = b"data: " + b"x" * (MAX_EVENT_BYTES - 10)
    decoder = SSEDecoder()
    assert decoder.feed(line) == []
    assert decoder.feed(b"\n\n" + b"data: " + b"y" * 2**20) == [line[6:]]
    assert decoder.feed(b"\n\n") == [b"y" * 2**20]
