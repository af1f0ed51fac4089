"""A server that is never the bottleneck: whole replies as prebuilt bytes, one event per HTTP chunk in streams.

It runs as a process of its own, prints its port, and ends with its standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator

EVENTS = 500


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(data: bytes) -> bytes:
    return _http_chunk(b"data: " + data + b"\n\n")


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


_HEAD = {"id": "chatcmpl-bench", "created": 1790000000, "model": "gpt-5.4"}
_TAIL = {
    "usage": {"prompt_tokens": 1820, "completion_tokens": 61, "total_tokens": 1881},
    "routing_metadata": {
        "provider": "openai",
        "provider_model_id": "gpt-5.4",
        "model_canonical": "gpt-5.4",
        "routing_strategy": "cost-focus",
        "ttft_ms": 288.0,
        "throughput_tps": 74.2,
        "cost": {"usd": 0.00193, "cache_savings_percent": 62, "cache_savings_usd": 0.0031},
    },
}
_MESSAGE = {"role": "assistant", "content": "Air scatters blue light more than red. " * 8}
_CHOICE = {"index": 0, "message": _MESSAGE, "finish_reason": "stop", "native_finish_reason": "end_turn"}
_BODY = _json({**_HEAD, "object": "chat.completion", "choices": [_CHOICE], **_TAIL})
PLAIN = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req-bench\r\n"
    b"x-ratelimit-limit-requests: 1000\r\nx-ratelimit-remaining-requests: 999\r\n"
    b"x-credits-balance-microdollars: 5000000\r\ncontent-length: %d\r\n\r\n" % len(_BODY)
) + _BODY
_CHUNK = {**_HEAD, "object": "chat.completion.chunk"}
STREAM = b"".join(
    (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        _event(_json({**_CHUNK, "choices": [{"index": 0, "delta": {"content": "Blue "}, "finish_reason": None}]}))
        * EVENTS,
        _event(_json({**_CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})),
        _event(_json({**_CHUNK, "choices": [], **_TAIL})),
        _event(b"[DONE]"),
        b"0\r\n\r\n",
    )
)


def _serve(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    waiting = b""
    while True:
        while b"\r\n\r\n" not in waiting:
            read = connection.recv(65536)
            if not read:
                return
            waiting += read
        head, _, body = waiting.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
        connection.sendall(STREAM if b'"stream":true' in body[:length] else PLAIN)
        waiting = body[length:]


@contextlib.contextmanager
def running() -> Generator[str]:
    """A server of its own for as long as the block runs; its address, with /v1."""
    server = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with server:
        assert server.stdout is not None  # noqa: S101 - it was asked for
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        finally:
            server.kill()


def main() -> None:
    """Serves until standard input ends."""
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _address = listener.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
