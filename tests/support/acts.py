"""What the fault server does with a request."""

import json
import time
from typing import Any

from tests.support import replies
from tests.support.fault_server import Act, AtAccept, Connection

JSON = "application/json; charset=utf-8"
SSE = "text/event-stream"


def _finish(connection: Connection, end: str) -> None:
    if end == "close":
        connection.close()
    elif end == "reset":
        connection.reset()
    elif end == "hang":
        connection.hang()


def raw(*pieces: bytes | float, end: str = "close") -> Act:
    """Sends bytes as they are; a number is a pause in seconds."""

    def act(connection: Connection) -> None:
        for piece in pieces:
            if isinstance(piece, float):
                time.sleep(piece)
            else:
                connection.send(piece)
        _finish(connection, end)

    return act


def head(status: int = 200, **headers: Any) -> bytes:
    """The head of a reply; in names, underscores stand for hyphens."""
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def reply(status: int = 200, body: Any = b"", *, end: str = "keep", length: int | None = None, **headers: Any) -> Act:
    """A whole reply; anything but bytes is written as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content_type": JSON, "content_length": len(data) if length is None else length, **headers}
    return raw(head(status, **headers) + data, end=end)


def ok(connection: Connection) -> None:
    """The answer that was asked for: a chat completion or a stream of one."""
    asked_for = connection.request.json if connection.request and connection.request.body else {}
    if asked_for.get("stream"):
        stream(replies.whole_stream())(connection)
    else:
        reply(200, replies.completion(), x_request_id="req_1")(connection)


def error(status: int, type_: str = "api_error", code: str | None = None, **headers: Any) -> Act:
    """An error envelope."""
    return reply(status, replies.envelope(type_, code), **headers)


def chunked(*pieces: bytes) -> bytes:
    """Bytes as chunks of HTTP."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def stream(*pieces: bytes | float, end: str = "", status: int = 200, **headers: Any) -> Act:
    """A stream in chunks. It ends as it should, or with `close`, `reset` or `hang` before the last chunk."""
    headers = {"content_type": SSE, "transfer_encoding": "chunked", "x_request_id": "req_1", **headers}
    framed = [piece if isinstance(piece, float) else chunked(piece) for piece in pieces]
    if not end:
        framed.append(b"0\r\n\r\n")
    return raw(head(status, **headers), *framed, end=end or "keep")


def drip(first: bytes, piece: bytes, pause: float = 0.02) -> Act:
    """Sends the same piece again and again until the client goes."""

    def act(connection: Connection) -> None:
        connection.send(first)
        while True:
            connection.send(piece)
            time.sleep(pause)

    return act


def hang(connection: Connection) -> None:
    """Never answers."""
    connection.hang()


def _deaf(connection: Connection) -> None:
    time.sleep(0.3)
    connection.hang()


deaf = AtAccept(_deaf)  # does not read the request for a while


def reset(connection: Connection) -> None:
    """Closes with an RST instead of an answer."""
    connection.reset()


def close(connection: Connection) -> None:
    """Closes instead of answering."""
    connection.close()


close_at_once = AtAccept(close)
