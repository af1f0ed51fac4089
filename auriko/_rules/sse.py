"""Server-sent events from bytes, by the WHATWG event stream rules. No I/O.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

It differs from a browser in one thing: the last event counts even if the blank line after it is missing.
"""

from __future__ import annotations

from typing import Final

MAX_EVENT_BYTES: Final = 16 * 1024 * 1024
_LIMIT: Final = MAX_EVENT_BYTES + 64  # the field's name and line ends are not part of the event
_BOM: Final = b"\xef\xbb\xbf"


class SSEDecoder:
    """Turns reads of any size into the data of events, in time linear in their length.

    Only the `data` field is kept: nothing in the gateway's protocol uses event names, ids or retry times.

    Attributes:
        too_large: Whether an event was larger than 16 MiB; nothing comes after it.
    """

    __slots__ = ("_at_start", "_data", "_data_size", "_pending", "_skip_lf", "too_large")

    def __init__(self) -> None:
        self.too_large = False
        self._pending = bytearray()  # an unfinished line
        self._data: list[bytes] = []  # the data lines of an unfinished event
        self._data_size = 0
        self._skip_lf = False  # the last read ended in CR, which may be half of a CRLF
        self._at_start = True

    def feed(self, read: bytes) -> list[bytes]:
        """The data of every event that this read completes; lines of one event are joined by LF."""
        if self._skip_lf and read:
            self._skip_lf = False
            if read[:1] == b"\n":
                read = read[1:]
        if b"\r" in read:
            if read[-1:] == b"\r":
                self._skip_lf = True
            read = read.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in read:
            self._hold(read)
            return []
        *lines, rest = read.split(b"\n")
        if self._pending:
            lines[0] = bytes(self._pending + lines[0])
            self._pending.clear()
        events = self._dispatch(lines)
        if rest:
            self._hold(rest)
        return events

    def finish(self) -> list[bytes]:
        """The data of an event that the end of the body completes, if any."""
        line = bytes(self._pending)
        self._pending.clear()
        return self._dispatch([line, b""])

    def _hold(self, piece: bytes) -> None:
        if not self.too_large:
            self._pending += piece
            self._check_size()

    def _check_size(self) -> None:
        if len(self._pending) + self._data_size > _LIMIT:
            self.too_large = True
            self._pending.clear()
            self._data.clear()

    def _dispatch(self, lines: list[bytes]) -> list[bytes]:
        if self._at_start:
            self._at_start = False
            lines[0] = lines[0].removeprefix(_BOM)
        events: list[bytes] = []
        data = self._data
        for line in lines:
            if self.too_large:
                break
            if line.startswith(b"data:"):
                self._take(line[6:] if line[5:6] == b" " else line[5:])
            elif line == b"data":
                self._take(b"")
            elif not line and data:
                events.append(data[0] if len(data) == 1 else b"\n".join(data))
                data.clear()
                self._data_size = 0
        return events

    def _take(self, value: bytes) -> None:
        self._data.append(value)
        self._data_size += len(value) + 1
        self._check_size()
