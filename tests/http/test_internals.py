"""The private names of httpx and httpcore in use exist and mean what we take them for; and bounds of single reads."""

import ast
import inspect
import time
from typing import Any

import httpcore
import httpx
import pytest

from auriko import Client
from auriko._http import bounds, internals
from auriko._http.bounds import bounded
from auriko._http.channel import Channel
from auriko._http.internals import bound_client, bound_reads, discard
from auriko._http.network_backend import Backend, _Stream

TRANSPORTS = [httpx.HTTPTransport, httpx.AsyncHTTPTransport]
POOLS = {
    "direct": {},
    "proxy": {"proxy": "http://proxy.example:1"},
}
PRIVATE = {"_pool", "_network_backend", "_optional_thread_lock", "_requests", "_connections", "_transport", "_mounts"}
PRIVATE |= {
    "_assign_requests_to_connections",
    "_httpcore_stream",
    "_stream",
    "_connection",
    "_h11_state",
    "_receive_buffer",
}


def test_private_names_in_use_are_these_and_no_others() -> None:
    used = {
        node.attr
        for node in ast.walk(ast.parse(inspect.getsource(internals)))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not (isinstance(node.value, ast.Name) and node.value.id == "self")
    }
    assert used == PRIVATE


@pytest.mark.parametrize("options", POOLS.values(), ids=POOLS)
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_transports_have_a_pool_with_a_backend(kind: Any, options: dict[str, Any]) -> None:
    transport = kind(**options)
    pool = transport._pool
    assert isinstance(pool, (httpcore.ConnectionPool, httpcore.AsyncConnectionPool))
    assert isinstance(pool._network_backend, (httpcore.NetworkBackend, httpcore.AsyncNetworkBackend))
    bound_reads(transport)
    ours = pool._network_backend
    assert type(ours).__module__ == "auriko._http.network_backend"
    assert pool._connections == pool._requests == pool.connections == []
    assert pool._assign_requests_to_connections() == []
    with pool._optional_thread_lock:
        pass
    origin = httpcore.URL("http://h/").origin
    connection = pool.create_connection(origin)
    assert (connection.is_idle(), connection.is_closed()) == (False, False)
    assert connection.aclose if kind is httpx.AsyncHTTPTransport else connection.close


def test_clients_have_transports_and_mounts() -> None:
    """And are left as they were, when the last that uses them is done."""
    with httpx.Client(mounts={"all://a.example": httpx.HTTPTransport(), "all://b.example": None}) as client:
        pools: list[Any] = [client._transport._pool, *(t._pool for t in client._mounts.values() if t is not None)]
        assert len(pools) >= 2
        before = [pool._network_backend for pool in pools]
        ours = [Client(api_key="k", http_client=client) for _ in range(2)]
        assert all(type(pool._network_backend) is Backend for pool in pools)
        ours[0].close()
        ours[0].close()
        assert all(type(pool._network_backend) is Backend for pool in pools)
        del ours[1:]
        assert [pool._network_backend for pool in pools] == before
    with httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(200))) as client:
        bound_client(client)()


def test_everything_of_a_network_passes_through() -> None:
    """What we have forgotten would raise NotImplementedError in a user's own client."""
    for ours, theirs in [(Backend, httpcore.NetworkBackend), (_Stream, httpcore.NetworkStream)]:
        names = {name for name in vars(theirs) if not name.startswith("_")}
        assert names <= set(vars(ours))


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_requests_of_a_pool_know_their_extensions_and_their_connection(kind: Any) -> None:
    """What a failed call left is taken out, and nothing of other calls."""
    transport = kind()
    pool = transport._pool
    mine, other = object(), object()
    requests = []
    for mark in (mine, other):
        request = httpcore.Request("GET", "http://h/", extensions={internals.MARK: mark})
        module = httpcore._async if kind is httpx.AsyncHTTPTransport else httpcore._sync
        pool_request = getattr(
            module.connection_pool, "AsyncPoolRequest" if "Async" in kind.__name__ else "PoolRequest"
        )(request)
        assert pool_request.connection is None
        requests.append(pool_request)
        pool._requests.append(pool_request)
    for pool_request in requests:
        pool_request.connection = pool.create_connection(httpcore.URL("http://h/").origin)
        pool._connections.append(pool_request.connection)
    discard(transport, mine)
    assert pool._requests == [requests[1]]
    assert pool.connections == [requests[1].connection]
    discard(transport, mine)
    assert pool.connections == [requests[1].connection]


@pytest.mark.parametrize(
    ("asked", "ahead", "cut"), [(5, 60, 5), (60, 5, 5), (None, 5, 5), (5, -1, 0.001), (None, -1, 0.001)]
)
def test_timeouts_are_cut_to_the_bound(asked: float | None, ahead: float, cut: float) -> None:
    with bounded(time.monotonic() + ahead):
        assert bounds.clamp_here(asked) == pytest.approx(cut, abs=0.05)
    with bounded(None):
        assert bounds.clamp_here(asked) == asked
    assert bounds.clamp_here(asked) == asked, "outside there is no bound"


def test_bounds_nest() -> None:
    with bounded(time.monotonic() + 60):
        with bounded(time.monotonic() + 5):
            assert bounds.clamp_here(None) == pytest.approx(5, abs=0.05)
        assert bounds.clamp_here(None) == pytest.approx(60, abs=0.05)


def test_connection_that_two_calls_were_given_is_not_lost_with_the_first() -> None:
    """httpcore hands an idle connection to a second call before the first has begun; the second tries another."""
    with Client(api_key="ak_x", base_url="http://127.0.0.1:1") as client:
        pool = client._caller.pool
        first, second = Channel(pool), Channel(pool)
        first._shard = second._shard = pool.take()
        assert pool.take() is first._shard
        inner: Any = first._shard.transport._pool
        left_behind = inner.create_connection(httpcore.URL("http://127.0.0.1:1/").origin)
        inner._connections.append(left_behind)
        waiting = httpcore._sync.connection_pool.PoolRequest(httpcore.Request("GET", "http://127.0.0.1:1/"))
        waiting.connection = left_behind
        inner._requests.append(waiting)
        first._release(failed=True)
        assert inner.connections == [left_behind], "the second may be using it"
        inner._requests.clear()
        second._release(failed=False)
        assert inner.connections == []
