"""JSON from a server, read so that it can be shown, copied and written again."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json


def parse_json(data: bytes) -> Any:
    """The value of a JSON text, after a byte order mark too; half a surrogate pair, as some cut them, becomes U+FFFD.

    `NaN` and `Infinity` are numbers, as Python's own `json` writes them.

    Raises:
        ValueError: It is no JSON, or nested deeper than some 200 levels.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return from_json(data)
    except ValueError:
        if b"\\u" not in data:
            raise
    try:
        text = json.dumps(json.loads(data), ensure_ascii=False)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return from_json(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode())
