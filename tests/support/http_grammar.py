"""Replies of HTTP/1.1 at random: what RFC 9112 allows, and what it forbids."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Chance = random.Random


@dataclass
class Wire:
    """What a server sends over one connection after one request.

    Attributes:
        data: All bytes.
        pieces: The same, as they arrive.
        closes: Whether the server closes after them; else it says nothing more.
        status: Of the reply that is meant.
        body: Of the reply that is meant.
        flaws: What in it is forbidden, or makes it end early or late.
        reusable: Whether another request may be sent over the connection.
    """

    status: int = 200
    body: bytes = b""
    data: bytes = b""
    closes: bool = False
    reusable: bool = True
    flaws: set[str] = field(default_factory=set)
    pieces: list[bytes] = field(default_factory=list)


def wire(chance: Chance, body: bytes | None = None, flaws: Sequence[str] = ()) -> Wire:
    """A reply, with this body and one of these flaws; else with any body, and any flaw in two of five."""
    made = Wire(body=chance.randbytes(chance.choice([0, 1, 5, 40, 300])) if body is None else body)
    flaw = chance.choice(flaws or FLAWS) if flaws or chance.random() < 0.4 else ""
    if flaw == "length too small":
        made.body += b"x"
    made.data = _interim(made, chance) + _message(made, flaw, chance) + _beyond(made, flaw, chance)
    made.closes = made.closes or chance.random() < 0.2
    cuts = sorted(chance.randrange(len(made.data) + 1) for _ in range(chance.choice([0, 0, 1, 2, 5])))
    ends = [0, *cuts, len(made.data)]
    made.pieces = [made.data[start:end] for start, end in pairwise(ends) if end > start]
    return made


# Flaws of a head, by the line that is added to it, and by its first line.
_LINES = {
    "space before colon": b"X-A : b",
    "no colon": b"X-A",
    "folded line": b"X-A: b\r\n c",
    "NUL in a value": b"X-A: b\x00c",
    "CR in a value": b"X-A: b\rc",
    "empty name": b": b",
}
_FIRSTS = {
    "bad status": b"HTTP/1.1 20 OK",
    "long status": b"HTTP/1.1 %d0 OK",
    "bad version": b"HTTP/9.1 %d OK",
    "no HTTP": b"ICY %d OK",
    "empty line first": b"\r\nHTTP/1.1 %d OK",
}
_IN_LENGTHS = (
    *("length too small", "length too large", "two lengths", "two equal lengths", "list of lengths"),
    *("signed length", "length in hex", "negative length", "length of spaces"),
)
_IN_CHUNKS = (
    *("length and chunks", "chunked twice", "size with a sign", "size in 0x", "size of nothing", "size of letters"),
    *("size with a space", "huge size", "size with underscores", "no CRLF after data", "data longer than its size"),
    *("no last chunk", "no end of trailers", "bad trailer", "LF alone in chunks"),
)
BEYOND = ("line after it", "junk after it", "reply after it", "interim after it")
FLAWS = (*_LINES, *_FIRSTS, *_IN_LENGTHS, *_IN_CHUNKS, *BEYOND, "unknown coding", "LF alone", "cut anywhere")


def _interim(made: Wire, chance: Chance) -> bytes:
    if chance.random() < 0.9:
        return b""
    return b"".join(
        chance.choice([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nX: y\r\n\r\n"])
        for _ in range(chance.randrange(1, 3))
    )


def _message(made: Wire, flaw: str, chance: Chance) -> bytes:
    if flaw:
        made.flaws.add(flaw)
        made.reusable = False
    framing = chance.choice(["length", "length", "chunked", "chunked", "close", "none"])
    if flaw in _IN_CHUNKS:
        framing = "chunked"
    elif flaw in _IN_LENGTHS:
        framing = "length"
    elif flaw == "unknown coding":
        framing = "close"
    lines, payload = _payload(made, framing, flaw, chance)
    lines.append(chance.choice([b"Server: x", b"X-Empty:", b"x-tab:\tvalue\t", b"X: caf\xe9", b"X-Request-Id: 1"]))
    if chance.random() < 0.1:
        lines.append(b"Connection: close")
        made.reusable = False
    chance.shuffle(lines)
    if flaw in _LINES:
        lines.append(_LINES[flaw])
    version = b"HTTP/1.0" if chance.random() < 0.05 and framing != "chunked" else b"HTTP/1.1"
    made.reusable &= version == b"HTTP/1.1"
    first = version + b" %d" % made.status + chance.choice([b" OK", b" ", b" caf\xe9", b" Not so\tgood"])
    if flaw in _FIRSTS:
        first = _FIRSTS[flaw].replace(b"%d", b"%d" % made.status)
    head = b"\r\n".join([first, *lines]) + b"\r\n\r\n"
    if flaw == "LF alone":
        head = head.replace(b"\r\n", b"\n")
    whole = head + payload
    return whole[: chance.randrange(len(whole))] if flaw == "cut anywhere" else whole


def _payload(made: Wire, framing: str, flaw: str, chance: Chance) -> tuple[list[bytes], bytes]:
    """The lines of a head that say where the body ends, and the body with what is around it."""
    if framing == "none":
        made.status, made.body = chance.choice([204, 304]), b""
        return [], b""
    if framing == "length":
        return _lengths(made, flaw), made.body
    if framing == "chunked":
        chunks = _chunks(made, flaw, chance)
        lines = [b"Transfer-Encoding: chunked" + (b", chunked" if flaw == "chunked twice" else b"")]
        if flaw == "length and chunks":
            lines.append(b"Content-Length: %d" % chance.choice([0, 3, len(chunks)]))
        return lines, chunks
    made.closes, made.reusable = True, False
    return [b"Transfer-Encoding: identity"] if flaw == "unknown coding" else [], made.body


def _lengths(made: Wire, flaw: str) -> list[bytes]:
    size = len(made.body)
    named = {
        "length too small": [b"%d" % (size - 1)],
        "length too large": [b"%d" % (size + 1)],
        "two lengths": [b"%d" % size, b"%d" % (size + 1)],
        "two equal lengths": [b"%d" % size] * 2,
        "list of lengths": [b"%d, %d" % (size, size)],
        "signed length": [b"+%d" % size],
        "negative length": [b"-1"],
        "length in hex": [b"0x%x" % size],
        "length of spaces": [b"%d %d" % (size, size)],
    }
    return [b"Content-Length: " + value for value in named.get(flaw, [b"%d" % size])]


def _chunks(made: Wire, flaw: str, chance: Chance) -> bytes:
    sizes: list[bytes] = []
    rest = made.body
    while rest:
        size = chance.randrange(1, len(rest) + 1)
        data, rest = rest[:size], rest[size:]
        written = chance.choice([b"%x", b"%X", b"0%x", b"%x;a=b", b'%x;a="b c"']) % size
        sizes.append(written + b"\r\n" + data + b"\r\n")
    broken = {
        "size with a sign": b"+1\r\nx\r\n",
        "size in 0x": b"0x1\r\nx\r\n",
        "size of nothing": b"\r\nx\r\n",
        "size of letters": b"xyz\r\nx\r\n",
        "size with a space": b" 1\r\nx\r\n",
        "size with underscores": b"0_1\r\nx\r\n",
        "huge size": b"%s\r\nx\r\n" % (b"f" * 30),
        "no CRLF after data": b"1\r\nx",
        "data longer than its size": b"1\r\nxyz\r\n",
        "LF alone in chunks": b"1\nx\n",
    }.get(flaw)
    if broken is not None:
        sizes.insert(chance.randrange(len(sizes) + 1), broken)
    trailers = chance.choice([b"", b"", b"X-Trailer: 1\r\n", b"A: 1\r\nB: 2\r\n"])
    last = {
        "no last chunk": b"",
        "no end of trailers": b"0\r\n" + trailers,
        "bad trailer": b"0\r\nno colon\r\n\r\n",
    }.get(flaw, chance.choice([b"0", b"000", b"0;x=y"]) + b"\r\n" + trailers + b"\r\n")
    return b"".join(sizes) + last


def _beyond(made: Wire, flaw: str, chance: Chance) -> bytes:
    beyond = {
        "line after it": b"\r\n",
        "junk after it": chance.randbytes(9),
        "reply after it": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
        "interim after it": b"HTTP/1.1 100 Continue\r\n\r\n",
    }.get(flaw, b"")
    if made.closes and beyond:  # by definition a part of the body
        made.flaws.clear()
        made.body += beyond
    return beyond
