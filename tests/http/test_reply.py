"""Replies as they arrive, whole, in any two parts and byte by byte: what RFC 9112 allows, and what it forbids."""

from __future__ import annotations

import httpcore
import pytest

from auriko._http.reply import ArrivingReply

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"content-length: 3\r\n\r\nabc"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n"
TRAILER = CHUNKED[:-2] + b"x-late: 1\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
CLOSES = OK + b"connection: close\r\ncontent-length: 3\r\n\r\nabc"

# What was sent, whether the connection can be used again, and what the body is; None for what is no HTTP.
REPLIES = {
    "a length": (LENGTH, True, b"abc"),
    "no body": (OK + b"content-length: 0\r\n\r\n", True, b""),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", True, b""),
    "chunks": (CHUNKED, True, b"abc"),
    "a trailer": (TRAILER, True, b"abc"),
    "an interim reply": (INTERIM + LENGTH, True, b"abc"),
    "two interim replies": (INTERIM + INTERIM + CHUNKED, True, b"abc"),
    "the end of the connection": (OK + b"\r\nabc", False, b"abc"),
    "it closes": (CLOSES, False, b"abc"),
    "HTTP/1.0": (LENGTH.replace(b"1.1", b"1.0"), False, b"abc"),
    "another reply": (LENGTH + LENGTH, False, b"abc"),
    "another reply after chunks": (CHUNKED + LENGTH, False, b"abc"),
    "another reply's body": (LENGTH + b"HTTP/1.1 500 E\r\nx: 1\r\ncontent-length: 1\r\n\r\n!", False, b"abc"),
    "an empty line": (LENGTH + b"\r\n", False, b"abc"),
    "a line feed": (LENGTH + b"\n", False, b"abc"),
    "an empty line after chunks": (CHUNKED + b"\r\n", False, b"abc"),
    "an empty line before it": (b"\r\n" + LENGTH, False, None),
    "junk": (LENGTH + b"junk", False, b"abc"),
    "junk after it closes": (CLOSES + b"junk", False, b"abc"),
    "an interim reply after it": (LENGTH + INTERIM, False, b"abc"),
    "two lengths": (OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabc", False, None),
    "a length and chunks": (CHUNKED.replace(b"transfer", b"content-length: 3\r\ntransfer"), False, None),
    "a negative length": (OK + b"content-length: -1\r\n\r\n", False, None),
    "bare line feeds": (LENGTH.replace(b"\r\n", b"\n"), False, None),
    "a space before the colon": (LENGTH.replace(b":", b" :"), False, None),
    "a folded header": (OK + b"x: a\r\n b\r\ncontent-length: 0\r\n\r\n", False, None),
    "a NUL in a header": (OK + b"x: \x00\r\ncontent-length: 0\r\n\r\n", False, None),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", False, None),
    "another protocol": (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nabc", False, None),
    "another coding": (OK + b"transfer-encoding: gzip\r\n\r\nabc", False, None),
    "two codings": (CHUNKED.replace(b"chunked", b"chunked, chunked"), False, None),
    "two replies of two codings": (2 * CHUNKED.replace(b"chunked", b"gzip, chunked"), False, None),
    "a chunk that is too long": (CHUNKED.replace(b"a\r\n2", b"ab\r\n2"), False, None),
    "a size that is none": (CHUNKED.replace(b"2;", b"g;"), False, None),
    "a length cut": (LENGTH[:-1], False, None),
    "chunks cut": (CHUNKED[:-2], False, None),
    "a head cut": (LENGTH[:20], False, None),
    "nothing": (b"", False, None),
}


def outcome(*reads: bytes) -> tuple[bool, bytes | None]:
    """What came of it; the connection ends after these reads."""
    reply = ArrivingReply(None)
    body = b""
    try:
        for read in (*reads, b""):
            if not reply.reusable:  # else nothing more is read
                reply.add(read)
            while part := reply.take():
                body += part
    except httpcore.RemoteProtocolError:
        return False, None
    assert reply.has_head
    assert reply.status in {200, 204}
    assert not {b"link", b"x-late", b"x"} & {name for name, _ in reply.headers}
    return reply.reusable, body


@pytest.mark.parametrize(("sent", "reusable", "body"), REPLIES.values(), ids=REPLIES)
def test_replies(sent: bytes, reusable: bool, body: bytes | None) -> None:
    assert outcome(sent) == (reusable, body)
    for at in range(1, len(sent)):
        first = outcome(sent[:at], sent[at:])
        # Where the second read is beyond the reply, the first one does not know of it.
        assert first == (reusable, body) or (first == outcome(sent[:at]) and outcome(sent[:at])[0])


def test_reply_is_read_byte_by_byte() -> None:
    for sent, reusable, body in REPLIES.values():
        if reusable:
            assert outcome(*(bytes([byte]) for byte in sent)) == (True, body)


def test_parts_are_the_chunks_that_were_sent() -> None:
    reply = ArrivingReply(None)
    reply.add(CHUNKED)
    assert [reply.take_part() for _ in range(4)] == [b"a", b"bc", b"", b""]


def test_what_came_before_what_is_no_http_is_taken() -> None:
    reply = ArrivingReply(None)
    reply.add(OK + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbcXX")
    assert reply.take() == b"abc"
    with pytest.raises(httpcore.RemoteProtocolError, match="no HTTP"):
        reply.take()
    reply.add(b"more")
    with pytest.raises(httpcore.RemoteProtocolError, match="no HTTP"):
        reply.take()


def test_head_is_bounded() -> None:
    reply = ArrivingReply(None)
    reply.add(OK)
    for _ in range(3):
        reply.add(b"x: " + b"a" * 40_000 + b"\r\n")
    with pytest.raises(httpcore.RemoteProtocolError, match="too large"):
        reply.take()


def test_reply_that_is_let_go() -> None:
    reply = ArrivingReply("a connection")
    reply.add(LENGTH[:-1])
    assert reply.let_go() == "a connection"
    assert reply.let_go() is None
    assert reply.take() == b"ab"
    with pytest.raises(httpcore.RemoteProtocolError, match="closed"):
        reply.take()
