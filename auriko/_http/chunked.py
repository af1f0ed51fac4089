"""Bodies in HTTP chunks (RFC 9112, section 7.1), each read at once. No I/O.

h11 makes an event of each chunk, in some 90,000 instructions, and streams have a chunk for each of their events.
"""

from __future__ import annotations

import re
from typing import Final

# As servers write it: no extensions, and not the last chunk, whose size is 0.
_SIZE: Final = re.compile(rb"([1-9A-Fa-f][0-9A-Fa-f]{0,7})\r\n")
_BEGUN: Final = re.compile(rb"(?:[1-9A-Fa-f][0-9A-Fa-f]{0,7}\r?)?")


class ChunkDecoder:
    """Takes the chunks of a body out of reads of any size, up to the first that is not plain.

    Attributes:
        rest: What it does not read: the last chunk with what follows it, or what is no plain chunk, for another to
            judge. None as long as there is nothing of that kind.
        malformed: Whether a chunk was longer than its size said; nothing comes after it.
    """

    __slots__ = ("_begun", "_missing", "malformed", "rest")

    def __init__(self) -> None:
        self.rest: bytes | None = None
        self.malformed = False
        self._begun: bytes = b""  # a part of a size
        self._missing = 0  # how much of the present chunk is to come, with the CRLF after it

    def feed(self, read: bytes) -> list[bytes]:
        """The data of the chunks in it, in pieces that are not empty; a part of a chunk does not wait for the rest."""
        parts: list[bytes] = []
        at = 0
        if self._missing:
            at = self._take(read, 0, parts)
        elif self._begun:
            read, self._begun = self._begun + read, b""
        end = len(read)
        while at < end and not self.malformed:
            size = _SIZE.match(read, at)
            if size is None:
                if _BEGUN.fullmatch(read, at):
                    self._begun = read[at:]
                else:
                    self.rest = read[at:]
                break
            self._missing = int(size[1], 16) + 2
            at = self._take(read, size.end(), parts)
        return parts

    def finish(self) -> None:
        """Takes the end of the connection: what is left is for another to judge."""
        self.rest, self._begun = self._begun, b""

    def _take(self, read: bytes, at: int, parts: list[bytes]) -> int:
        """Takes what is there of the present chunk, and where it ends."""
        end = at + self._missing
        data = read[at : end - 2] if self._missing > 2 else b""
        if data:
            parts.append(data)
        footer = read[max(at, end - 2) : end]
        self._missing = max(end - len(read), 0)
        expected = b"\r\n"[2 - min(end - at, 2) :][: len(footer)]
        self.malformed = footer != expected
        return min(end, len(read))
