"""Private names of httpx and httpcore, for what they cannot be asked for; a test watches over them."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any, Final

import httpcore
import httpx

from auriko._http.body import ArrivedBody, ReadableBody
from auriko._http.bounds import close_at_once
from auriko._http.chunked import ChunkDecoder
from auriko._http.network_backend import AsyncBackend, Backend

# The extension of a request by which it is found again in its pool.
MARK: Final = "auriko"
_lending: Final = threading.Lock()
_WITHOUT_BODY: Final = frozenset({204, 304})


def bound_reads(transport: httpx.HTTPTransport | httpx.AsyncHTTPTransport) -> None:
    """Puts our backend below an httpx transport, which has no argument for it."""
    pool: Any = transport._pool
    inner = pool._network_backend
    if isinstance(transport, httpx.HTTPTransport):
        pool._network_backend = Backend(inner)
    else:
        proxied = type(pool) is not httpcore.AsyncConnectionPool
        pool._network_backend = AsyncBackend(inner, proxied=proxied)


def close_now(transport: httpx.BaseTransport) -> None:
    """Closes a transport, also for threads that are connecting: their connections close as soon as they are there."""
    if isinstance(transport, httpx.HTTPTransport):
        pool: Any = transport._pool
        pool._network_backend.closed = True
    transport.close()


def bound_client(client: httpx.Client) -> Callable[[], None]:
    """Does so for the transports of a user's client; those of other libraries stay as they are.

    What comes back leaves the client as it was, when the last that uses it has called it.
    """
    pools: list[Any] = [
        transport._pool
        for transport in {client._transport, *client._mounts.values()}
        if isinstance(transport, httpx.HTTPTransport)
    ]
    for pool in pools:
        with _lending:
            if not isinstance(pool._network_backend, Backend):
                pool._network_backend = Backend(pool._network_backend, joins=False)
            pool._network_backend.users += 1

    def unbind() -> None:
        for pool in pools:
            with _lending:
                backend = pool._network_backend
                backend.users -= 1
                if not backend.users:
                    pool._network_backend = backend.inner

    return unbind


def discard(transport: httpx.BaseTransport | httpx.AsyncBaseTransport, mark: object) -> None:
    """Takes what a failed or cancelled call left in a pool out of it, at once and without awaiting.

    A task that is cancelled while httpcore 1.0 takes a lock leaves its connection or its request behind, so does a
    TLS failure inside a proxy's tunnel; a pool that has lost enough of them makes every call wait for nothing.
    """
    if not isinstance(transport, (httpx.HTTPTransport, httpx.AsyncHTTPTransport)):
        return
    pool: Any = transport._pool
    with pool._optional_thread_lock:
        requests: list[Any] = pool._requests
        requests[:] = [entry for entry in requests if entry.request.extensions.get(MARK) is not mark]
        in_use = {id(entry.connection) for entry in requests}
        lost: list[Any] = []
        for connection in pool.connections:
            if id(connection) not in in_use and not connection.is_idle() and not connection.is_closed():
                pool._connections.remove(connection)
                lost.append(connection)
        lost += pool._assign_requests_to_connections()
    for connection in lost:
        if isinstance(transport, httpx.HTTPTransport):
            connection.close()
        else:
            close_at_once(connection.aclose())


def arrived_body(response: httpx.Response) -> ReadableBody | None:
    """The body as it arrives on its connection, or None where that is not one of ours."""
    stream: Any = response.stream
    if isinstance(stream, ReadableBody):
        return stream
    try:
        protocol, connection = _below(response)
        if not _is_chunked(response):
            return ArrivedBody(protocol, connection)
        arrived = bytes(protocol._receive_buffer.maybe_extract_at_most(sys.maxsize) or b"")
    except (AttributeError, KeyError):
        return None
    body = ArrivedBody(protocol, connection, ChunkDecoder())
    if arrived:
        body.add(arrived)
    return body


def note_leftovers(response: httpx.Response, body: ReadableBody | None) -> None:
    """Marks the connection of a reply that more than the reply came over, so that it is not used again (RFC 9112, 6.3).

    What is left would be taken for the reply to the next call. httpcore does not look. Nor is one used again whose
    reply had a length as well as chunks, which another on the way may have read otherwise, or is of another version.
    """
    try:
        protocol, connection = _below(response)
    except (AttributeError, KeyError):
        return
    if protocol.trailing_data[0] or response.extensions["http_version"] != b"HTTP/1.1":
        connection.tainted = True
    elif not isinstance(body, ArrivedBody) or body.chunked:  # else it has no chunks, which is known for nothing
        headers = response.headers
        connection.tainted = "transfer-encoding" in headers and "content-length" in headers


def _below(response: httpx.Response) -> tuple[Any, Any]:
    """The protocol that h11 keeps for a reply's connection, and the connection.

    Raises:
        AttributeError, KeyError: The reply has come another way.
    """
    stream: Any = response.stream
    return stream._httpcore_stream._stream._connection._h11_state, response.extensions["network_stream"]


def _is_chunked(response: httpx.Response) -> bool:
    return (
        response.headers.get("transfer-encoding", "").strip().lower() == "chunked"
        and response.status_code not in _WITHOUT_BODY
    )
