"""A server that is never the bottleneck: whole replies as prebuilt bytes, one event per HTTP chunk in streams.

It runs as a process of its own, prints its port, and ends with its standard input. The address says how it answers:
`shaped` makes one for longer streams, pauses between events, or a wait before the answer.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Generator
from typing import NamedTuple

from system import allow_open_files, keep_apart

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
_HEAD_OF_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
# Words of one length; LiteLLM takes a model that repeats itself for broken.
_CONTENTS = [
    _event(_json({**_CHUNK, "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]}))
    for word in ("Blue ", "light", " goes", " all ", "over.")
]
_END_OF_STREAM = b"".join(
    (
        _event(_json({**_CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})),
        _event(_json({**_CHUNK, "choices": [], **_TAIL})),
        _event(b"[DONE]"),
        b"0\r\n\r\n",
    )
)
_STREAMED = re.compile(rb'"stream": ?true')
_SHAPE = re.compile(rb"POST /([\d.]+)/([\d.]+)/([\d.]+)/")


@functools.cache
def _whole_stream(events: int) -> bytes:
    return _HEAD_OF_STREAM + b"".join(itertools.islice(itertools.cycle(_CONTENTS), events)) + _END_OF_STREAM


def shaped(url: str, *, events: int = EVENTS, pause: float = 0, wait: float = 0) -> str:
    """The address of `running` for streams of so many events, seconds between them, and seconds before an answer."""
    return url.replace("/v1", f"/{events}/{pause}/{wait}/v1")


class Stats(NamedTuple):
    """What the server has to say of itself."""

    cpu: float  # seconds, since it began
    peak: int  # the most requests that were waiting at once, since it was last asked


def stats(url: str) -> Stats:
    """Asks the server of `running`."""
    with urllib.request.urlopen(url.replace("/v1", "/stats")) as reply:  # noqa: S310 - it is our own
        return Stats(*json.load(reply))


class _Waiting:
    """How many requests wait, and the most there have been."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = self._peak = 0

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += 1
            self._peak = max(self._peak, self._now)
        time.sleep(seconds)
        with self._lock:
            self._now -= 1

    def report(self) -> bytes:
        with self._lock:
            peak, self._peak = self._peak, self._now
        body = _json([time.process_time(), peak])
        return b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body


_waiting = _Waiting()


def _read(connection: socket.socket, waiting: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Head and body of a request, and what was read after it; None at the end of the connection."""
    while b"\r\n\r\n" not in waiting:
        read = connection.recv(65536)
        if not read:
            return None
        waiting += read
    head, _, rest = waiting.partition(b"\r\n\r\n")
    _, found, length = head.lower().partition(b"content-length: ")
    missing = int(length.split(b"\r\n")[0]) if found else 0
    pieces = [rest]
    missing -= len(rest)
    while missing > 0:
        read = connection.recv(1 << 20)
        if not read:
            return None
        pieces.append(read)
        missing -= len(read)
    body = b"".join(pieces)
    end = len(body) + missing
    return head, body[:end], body[end:]


def _answer(connection: socket.socket, head: bytes, body: bytes) -> None:
    shape = _SHAPE.match(head)
    events, pause, wait = (int(shape[1]), float(shape[2]), float(shape[3])) if shape else (EVENTS, 0.0, 0.0)
    if wait:
        _waiting.sleep(wait)
    if not _STREAMED.search(body):
        connection.sendall(PLAIN)
    elif not pause:
        connection.sendall(_whole_stream(events))
    else:
        connection.sendall(_HEAD_OF_STREAM)
        for content in itertools.islice(itertools.cycle(_CONTENTS), events):
            connection.sendall(content)
            time.sleep(pause)
        connection.sendall(_END_OF_STREAM)


def _serve(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    waiting = b""
    with connection, contextlib.suppress(ConnectionError):
        while request := _read(connection, waiting):
            head, body, waiting = request
            if head.startswith(b"GET /stats"):
                connection.sendall(_waiting.report())
                return
            _answer(connection, head, body)


@contextlib.contextmanager
def running(*, apart: bool = False) -> Generator[str]:
    """A server of its own for as long as the block runs, on a core of its own if asked to; its address, with /v1."""
    command = [sys.executable, __file__, *(["--apart"] if apart else [])]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with server:
        assert server.stdout is not None  # noqa: S101 - it was asked for
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        finally:
            server.kill()


def main() -> None:
    """Serves until standard input ends."""
    allow_open_files()
    if "--apart" in sys.argv:
        keep_apart(server=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _address = listener.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
