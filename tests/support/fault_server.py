"""An HTTP server on raw sockets that fails in every way a server can. It listens on 127.0.0.1, in threads of its own.

An act is what the server does with one request; the n-th request gets the n-th act, and the last act goes on.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import Self


@dataclass
class Request:
    """A request as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes
    connection: int

    def header(self, name: str) -> str | None:
        """The only value of a header, or None."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} was sent {len(values)} times"
        return values[0] if values else None

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class Connection:
    """An accepted socket."""

    sock: socket.socket
    number: int
    unread: bytes = b""
    open: bool = True
    request: Request | None = None
    notifies: bool = True

    def read_request(self) -> Request | None:
        """The next request, or None when the client has gone."""
        while b"\r\n\r\n" not in self.unread:
            if not self._read():
                return None
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        size = int(next((value for name, value in headers if name.lower() == "content-length"), "0"))
        body = bytearray(self.unread)
        while len(body) < size:
            data = self.sock.recv(65536)
            if not data:
                return None
            body += data
        self.unread = bytes(body[size:])
        return Request(method, target, headers, bytes(body[:size]), self.number)

    def _read(self) -> bool:
        data = self.sock.recv(65536)
        self.unread += data
        return bool(data)

    def send(self, data: bytes) -> None:
        """Sends it all."""
        self.sock.sendall(data)

    def hang(self) -> None:
        """Says nothing more until the client goes."""
        while self.sock.recv(65536):
            pass
        self.close()

    def close(self) -> None:
        """Closes as one should."""
        self.open = False
        with contextlib.suppress(OSError, ValueError):  # where it has been shut already
            if self.notifies and isinstance(self.sock, ssl.SSLSocket):
                self.sock.settimeout(0)
                with contextlib.suppress(ssl.SSLWantReadError):  # the client's answer is not waited for
                    self.sock.unwrap()
            self.sock.shutdown(socket.SHUT_WR)
        self.sock.close()

    def reset(self) -> None:
        """Closes with an RST."""
        self.open = False
        raw = self.sock.detach() if isinstance(self.sock, ssl.SSLSocket) else None
        sock = socket.socket(fileno=raw) if raw is not None else self.sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


Act = Callable[[Connection], None]


@dataclass(frozen=True)
class Encryption:
    """How servers encrypt.

    Attributes:
        context: Their certificate.
        notifies: Whether they announce that they close, as TLS wants it; many do not.
    """

    context: ssl.SSLContext
    notifies: bool = True


# How servers encrypt that are not told to, as the fixture of the wire wants it.
ENCRYPTION: list[Encryption] = []


@dataclass
class AtAccept:
    """An act that does not wait for the request."""

    act: Act

    def __call__(self, connection: Connection) -> None:
        """Performs it."""
        self.act(connection)


@dataclass
class FaultServer:
    """The server; use it in a `with` block. It listens on a port, or at a path of the file system."""

    acts: tuple[Act, ...]
    tls: Encryption | None = None
    path: str | None = None
    requests: list[Request] = field(default_factory=list, repr=False)
    performed: int = 0
    accepted: int = 0

    def __post_init__(self) -> None:
        if self.path is None:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port: int = self._listener.getsockname()[1]
        else:
            self._listener = socket.create_server(self.path, family=socket.AF_UNIX)
            self.port = 80
        self._changed = threading.Condition()
        self._open: dict[int, Connection] = {}
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _start(self, work: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, name="fault-server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self.path is None:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # pieces go when they are sent
            with self._changed:
                self.accepted += 1
                connection = Connection(sock, self.accepted)
                self._open[connection.number] = connection
            self._start(self._serve, connection)

    def _next_act(self) -> Act:
        return self.acts[min(self.performed, len(self.acts) - 1)]

    def _serve(self, connection: Connection) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            if self.tls is not None:
                connection.notifies = self.tls.notifies
                connection.sock = self.tls.context.wrap_socket(connection.sock, server_side=True)
            while connection.open:
                act = self._next_act()
                if not isinstance(act, AtAccept):
                    request = connection.read_request()
                    if request is None:
                        break
                    connection.request = request
                    with self._changed:
                        self.requests.append(request)
                        act = self._next_act()
                        self.performed += 1
                        self._changed.notify_all()
                else:
                    with self._changed:
                        self.performed += 1
                        self._changed.notify_all()
                act(connection)
        with self._changed:
            self._open.pop(connection.number, None)
            self._changed.notify_all()
        connection.sock.close()

    def wait_for(self, count: int) -> None:
        """Returns when so many acts have begun."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.performed >= count, 5), "the request did not come"

    def wait_until_unused(self) -> None:
        """Returns when no connection is open any more."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, 5), f"{len(self._open)} connections are still open"

    def close(self) -> None:
        """Ends every connection and thread."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._changed:
            connections = list(self._open.values())
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), "the fault server did not end"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def serve(*acts: Act, tls: ssl.SSLContext | None = None) -> FaultServer:
    """A server that performs these acts."""
    return FaultServer(acts, Encryption(tls) if tls is not None else next(iter(ENCRYPTION), None))


@contextlib.contextmanager
def nobody_listening() -> Iterator[str]:
    """The address of a port that refuses connections."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


@contextlib.contextmanager
def full_backlog(host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The address of a port where a connection is neither accepted nor refused."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(64):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.1)
            try:
                waiting.connect(listener.getsockname())
            except TimeoutError:
                break
        else:
            raise AssertionError("the backlog never filled")
        yield f"http://{host}:{listener.getsockname()[1]}"
