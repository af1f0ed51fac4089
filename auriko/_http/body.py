"""Bodies of replies as their bytes arrive."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Final

import h11
import httpcore

from auriko._http.chunked import ChunkDecoder

MAX_READ: Final = 64 * 1024


class ReadableBody(ABC):
    """A body as its bytes arrive.

    Attributes:
        connection: To read more from: bytes by `read(at most, bound in seconds)`, awaited on event loops.
    """

    __slots__ = ("connection",)

    connection: Any

    @abstractmethod
    def add(self, read: bytes) -> None:
        """Takes what was read; nothing is the end of the connection."""

    @abstractmethod
    def take(self) -> bytes | None:
        """All that has arrived and was not taken before: empty at the body's end, None if more is to be read.

        Raises:
            httpcore.ProtocolError, httpx.HTTPError: The connection ended within the body, or brought what is no HTTP.
        """


class ArrivedBody(ReadableBody):
    """A body in httpcore, which hands out one HTTP chunk at a time, through four generators.

    Args:
        protocol: What h11 knows of the connection; it stands before the body's first byte.
        connection: What to read more from.
        chunks: What reads chunks in its place, where there are any.

    Attributes:
        chunked: Whether the body comes in chunks.
    """

    __slots__ = ("_chunks", "_emptied", "_ended", "_failure", "_parts", "_protocol", "chunked")

    def __init__(self, protocol: h11.Connection, connection: Any, chunks: ChunkDecoder | None = None) -> None:
        self.connection = connection
        self._protocol = protocol
        self._chunks = chunks
        self.chunked = chunks is not None
        self._parts: list[bytes] = []
        self._emptied = False  # h11 has said that it needs more; to ask again takes it as long as an event does
        self._ended = False
        self._failure: Exception | None = None

    def add(self, read: bytes) -> None:
        chunks = self._chunks
        if chunks is not None:
            if read:
                self._parts += chunks.feed(read)
            else:
                chunks.finish()
            if chunks.malformed:
                self._failure = h11.RemoteProtocolError("malformed chunk footer")
            if chunks.rest is None:
                return
            self._chunks = None  # h11 stands where the rest begins
            if chunks.rest:
                self._protocol.receive_data(chunks.rest)
            if read:
                return
        self._protocol.receive_data(read)
        self._emptied = False

    def take(self) -> bytes | None:
        parts, self._parts = self._parts, []
        if self._chunks is None and self._failure is None:
            self._ask_protocol(parts)
        if parts:
            return parts[0] if len(parts) == 1 else b"".join(parts)
        if self._failure is not None:
            raise httpcore.RemoteProtocolError(str(self._failure)) from self._failure
        return b"" if self._ended else None

    def _ask_protocol(self, parts: list[bytes]) -> None:
        try:
            while not self._ended and not self._emptied:
                event = self._protocol.next_event()
                if isinstance(event, h11.Data):
                    parts.append(event.data)
                elif event is h11.NEED_DATA:
                    self._emptied = True
                else:
                    self._ended = True
        except h11.RemoteProtocolError as error:
            self._failure = error
