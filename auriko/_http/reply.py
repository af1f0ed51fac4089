"""Replies as they arrive, taken apart by httptools (llhttp, as in Node.js). No I/O."""

from __future__ import annotations

from typing import Any, Final

import httpcore
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from auriko._http.body import ReadableBody

# About what httpcore and h11 allow.
_MAX_HEAD: Final = 100 * 1024


class ArrivingReply(ReadableBody):
    """A reply to one request, head and body; httptools calls the methods `on_...`.

    Attributes:
        status: The status, once there is one.
        headers: The fields of the head, as far as they have come.
        has_head: Whether the head is complete.
        reusable: Whether the reply is complete, nothing came with it, and the connection can be used again.
    """

    __slots__ = (
        *("_at_end", "_beyond", "_failure", "_parser", "_parts", "_size"),
        *("has_head", "headers", "reusable", "status"),
    )

    def __init__(self, connection: Any) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.has_head = False
        self.reusable = False
        self.connection = connection
        self._parser: Any = HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._size = 0
        self._at_end = False
        self._beyond = False
        self._failure: httpcore.RemoteProtocolError | None = None

    def on_message_begin(self) -> None:
        self._beyond |= self._at_end

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.has_head:  # else it is a trailer
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._at_end or self._failure is not None:
            return
        self.status = self._parser.get_status_code()
        codings = self._values(b"transfer-encoding")
        if codings and codings != [b"chunked"]:  # others end with the connection, or are read differently by others
            self._fail("The reply's Transfer-Encoding is not just chunked.")
        else:
            self.has_head = self.status >= 200

    def on_body(self, part: bytes) -> None:
        if self.has_head and not self._at_end:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        if self.has_head:
            self.reusable = not self._at_end and self._parser.should_keep_alive()
            self._at_end = True
        else:
            self.headers.clear()  # it was an interim reply

    def add(self, read: bytes) -> None:
        if self._parser is None:
            return
        if read:
            self._feed(read)
        elif self.has_head and not self._values(b"content-length") and not self._values(b"transfer-encoding"):
            self._at_end = True
        else:
            self._fail("The connection ended within the reply.")
        if self._at_end or self._failure is not None:
            self._parser = None  # it refers to this object

    def _feed(self, read: bytes) -> None:
        if not self._size and not self.has_head and read[0] in b"\r\n":
            self._fail("The reply begins with an empty line.")
            return
        # httptools passes over empty lines, which are no part of a reply: is it complete before the last one?
        last = read[-1:] if read[-1] in b"\r\n" else b""
        try:
            self._parser.feed_data(read[:-1] if last else read)
            if last and self._at_end:
                self._beyond = True
            elif last:
                self._parser.feed_data(last)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._beyond = True
            if not self._at_end:
                self._fail(f"The reply is no HTTP: {error}")
        if self._beyond:
            self.reusable = False
        if not self.has_head:
            self._size += len(read)
            if self._size > _MAX_HEAD:
                self._fail("The head of the reply is too large.")

    def _fail(self, message: str) -> None:
        self._failure = self._failure or httpcore.RemoteProtocolError(message)

    def _values(self, wanted: bytes) -> list[bytes]:
        return [value.lower() for name, value in self.headers if name.lower() == wanted]

    def take(self) -> bytes | None:
        parts, self._parts = self._parts, []
        if parts:
            return parts[0] if len(parts) == 1 else b"".join(parts)
        return self._rest()

    def take_part(self) -> bytes | None:
        """The same, but a single HTTP chunk, so that what cannot be decompressed spoils nothing before it."""
        return self._parts.pop(0) if self._parts else self._rest()

    def _rest(self) -> bytes | None:
        if self._failure is not None:
            raise self._failure
        return b"" if self._at_end else None

    def let_go(self) -> Any:
        """The connection, which this reply is not to use again; None after the first time."""
        connection, self.connection, self._parser = self.connection, None, None
        if not self._at_end:
            self._fail("The reply is closed.")
        return connection
