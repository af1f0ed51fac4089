"""Chunks of HTTP are read as h11 reads them, however they are cut and whatever is wrong with them."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auriko._http.chunked import ChunkDecoder
from tests.support.acts import chunked

END = b"0\r\n\r\n"


class H11:
    """What h11 makes of a body in chunks."""

    def __init__(self) -> None:
        self.data = b""
        self.state = "open"
        self._connection = h11.Connection(h11.CLIENT)
        self._connection.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
        self._connection.send(h11.EndOfMessage())
        self._connection.receive_data(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert isinstance(self._connection.next_event(), h11.Response)

    def feed(self, read: bytes) -> None:
        self._connection.receive_data(read)
        while self.state == "open":
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError:
                self.state = "malformed"
                return
            if isinstance(event, h11.Data):
                self.data += bytes(event.data)
            elif event is h11.NEED_DATA:
                return
            else:
                self.state = "over"


def read_by_h11(reads: list[bytes]) -> tuple[bytes, str]:
    protocol = H11()
    for read in reads:
        if protocol.state == "open":
            protocol.feed(read)
    return protocol.data, protocol.state


def read_by_us(reads: list[bytes]) -> tuple[bytes, str]:
    decoder = ChunkDecoder()
    data = b""
    for number, read in enumerate(reads):
        parts = decoder.feed(read)
        assert all(parts)
        data += b"".join(parts)
        if decoder.malformed:
            return data, "malformed"
        if decoder.rest is not None:
            rest, state = read_by_h11([decoder.rest, *reads[number + 1 :]])
            return data + rest, state
    return data, "open"


def cut(raw: bytes, sizes: list[int]) -> list[bytes]:
    reads = []
    for size in sizes:
        if not raw:
            break
        reads.append(raw[:size])
        raw = raw[size:]
    return [*reads, raw] if raw else reads


SIZES = st.lists(st.integers(1, 40), max_size=60)
BODIES = st.lists(st.binary(min_size=1, max_size=60), max_size=6)
SPOILED = st.tuples(st.integers(0, 400), st.sampled_from([b"", b"\r", b"\n", b"0", b"g", b" ", b";", b"ff", b"-"]))


@given(BODIES, SIZES)
def test_body_is_the_same_however_it_is_cut(chunks: list[bytes], sizes: list[int]) -> None:
    assert read_by_us(cut(chunked(*chunks) + END, sizes)) == (b"".join(chunks), "over")


@given(BODIES, SIZES, SPOILED)
def test_spoiled_body_is_what_h11_says(chunks: list[bytes], sizes: list[int], spoiled: tuple[int, bytes]) -> None:
    raw = chunked(*chunks) + END
    place = spoiled[0] % len(raw)
    reads = cut(raw[:place] + spoiled[1] + raw[place + 1 :], sizes)
    assert read_by_us(reads) == read_by_h11(reads)


def test_part_of_a_chunk_does_not_wait_for_the_rest() -> None:
    decoder = ChunkDecoder()
    assert decoder.feed(b"1") == []
    assert decoder.feed(b"0\r") == []
    assert decoder.feed(b"\nabc") == [b"abc"]
    assert decoder.feed(b"0123456789abc") == [b"0123456789abc"]
    assert decoder.feed(b"\r") == []
    assert decoder.feed(b"\n2\r\nde\r\n1\r\nf\r\n" + END) == [b"de", b"f"]
    assert (decoder.rest, decoder.malformed) == (END, False)


@pytest.mark.parametrize(
    "rest", [END, b"0\r\nTrailer: x\r\n\r\n", b"5;name=value\r\nhello\r\n", b"005\r\nhello\r\n", b"x", b"123456789\r\n"]
)
def test_what_is_no_plain_chunk_is_left_to_h11(rest: bytes) -> None:
    decoder = ChunkDecoder()
    assert decoder.feed(chunked(b"hi") + rest) == [b"hi"]
    assert (decoder.rest, decoder.malformed) == (rest, False)


@pytest.mark.parametrize("begun", [b"", b"5", b"5\r", b"5\r\nhel", b"5\r\nhello", b"5\r\nhello\r"])
def test_connection_that_ends_within_the_body_is_left_to_h11(begun: bytes) -> None:
    decoder = ChunkDecoder()
    decoder.feed(chunked(b"hi") + begun)
    assert decoder.rest is None
    decoder.finish()
    assert decoder.rest == (begun if begun in {b"5", b"5\r"} else b"")
