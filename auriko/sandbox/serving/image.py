"""Pictures for models that make some: a small PNG whose pattern follows from a text."""

from __future__ import annotations

import hashlib
import struct
import zlib

TOKENS = 256  # what one picture counts as
_SIDE = 64
_CELLS = 8


def draw(text: str) -> bytes:
    """A PNG of 64 x 64 pixels; another text gives another one."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    colour, paper = digest[:3], bytes(255 - value // 4 for value in digest[3:6])
    rows: list[bytes] = []
    for y in range(_CELLS):
        bits = digest[8 + y]
        # The right half mirrors the left.
        cells = [bits >> min(x, _CELLS - 1 - x) & 1 for x in range(_CELLS)]
        line = b"".join((colour if cell else paper) * (_SIDE // _CELLS) for cell in cells)
        rows.extend([b"\0" + line] * (_SIDE // _CELLS))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(rows))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
