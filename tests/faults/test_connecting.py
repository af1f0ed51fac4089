"""Rows C1, C2, C3, C9, T1 and T2 of the fault matrix: what happens before a request is on its way."""

import asyncio
import contextlib
import gc
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

import auriko._http.shards
import auriko._http.transports
from auriko import APIStatusError, APITimeoutError, Client
from tests.support import cells
from tests.support.acts import hang, head, ok, raw, reply, stream
from tests.support.cells import ASK, KEY, TRIO_MODES
from tests.support.clients import async_client
from tests.support.fault_server import AtAccept, Connection, full_backlog, nobody_listening, serve
from tests.support.replies import chunk, event
from tests.support.tls import Authority
from tests.support.transports import ON_LOOPS

_real_getaddrinfo = socket.getaddrinfo
EVERY_MODE = pytest.mark.parametrize("mode", TRIO_MODES)


@EVERY_MODE
def test_c1_connection_refused(mode: str, naps: list[float]) -> None:
    with nobody_listening() as url:
        outcome = cells.run(mode, url, {}, {})
    assert outcome.described() == "CONN(3)"
    assert naps == [0.5, 0.75]


@EVERY_MODE
def test_c2_dns_failure(mode: str, naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host: Any, *_args: Any, **_more: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    outcome = cells.run(mode, "https://gateway.example", {}, {})
    assert outcome.described() == "CONN(3)"
    assert "Name or service not known" in str(outcome.error)


@EVERY_MODE
def test_c3_connecting_takes_too_long(mode: str, naps: list[float]) -> None:
    with full_backlog() as url:
        outcome = cells.run(mode, url, {"timeout": 0.05}, {})
    assert outcome.described() == "TIME(3)"
    assert "while connecting" in str(outcome.error)


def finding(monkeypatch: pytest.MonkeyPatch, *addresses: str, after: float = 0) -> None:
    """Every name has these addresses, which are found after some seconds."""

    def getaddrinfo(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host in addresses:
            return _real_getaddrinfo(host, port, *args, **more)
        time.sleep(after)
        return [_real_getaddrinfo(address, port, 0, socket.SOCK_STREAM)[0] for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@EVERY_MODE
def test_c3_bound_holds_for_all_addresses_of_a_host(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with full_backlog() as url, contextlib.ExitStack() as stack:
        port = urlsplit(url).port or 0
        for host in ("127.0.0.2", "127.0.0.3"):
            stack.enter_context(full_backlog(host, port))
        finding(monkeypatch, "127.0.0.1", "127.0.0.2", "127.0.0.3")
        started = time.monotonic()
        outcome = cells.run(mode, f"http://gateway.localhost:{port}", {"deadline": 0.5, "timeout": 60}, {})
        assert outcome.described() == "TIME(1)"
        assert time.monotonic() - started < 1
        started = time.monotonic()
        settings = {"timeout": httpx.Timeout(60, connect=0.5), "max_retries": 0}
        assert cells.run(mode, f"http://gateway.localhost:{port}", settings, {}).described() == "TIME(1)"
        assert time.monotonic() - started < 1


@EVERY_MODE
def test_c3_address_that_is_silent_leaves_time_for_the_next(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(ok) as server, full_backlog("127.0.0.2", server.port):
        finding(monkeypatch, "127.0.0.2", "127.0.0.1")
        outcome = cells.run(mode, f"http://gateway.localhost:{server.port}", {"timeout": 0.8}, {})
        assert outcome.described() == "OK", outcome.error


@EVERY_MODE
def test_c1_address_that_refuses_is_followed_by_the_next(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(ok) as server:
        finding(monkeypatch, "127.0.0.3", "127.0.0.2", "127.0.0.1")
        outcome = cells.run(mode, f"http://gateway.localhost:{server.port}", {}, {})
        assert outcome.described() == "OK", outcome.error
        assert len(server.requests) == 1


@EVERY_MODE
def test_c1_all_addresses_refuse(mode: str, naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    with nobody_listening() as url:
        finding(monkeypatch, "127.0.0.1", "127.0.0.2")
        outcome = cells.run(mode, f"http://gateway.localhost:{urlsplit(url).port}", {}, {})
        assert outcome.described() == "CONN(3)"


@pytest.mark.anyio
async def test_c1_of_two_addresses_that_take_a_connection_one_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auriko._http.asyncio_connecting._HEAD_START", 0)
    with serve(ok) as server, socket.create_server(("127.0.0.2", server.port)) as other:
        finding(monkeypatch, "127.0.0.1", "127.0.0.2")
        async with async_client(base_url=f"http://gateway.localhost:{server.port}") as client:
            assert (await client.chat.completions.create(**ASK)).choices
            await asyncio.sleep(0)
            other.settimeout(5)
            beaten, _ = other.accept()
            with beaten:
                beaten.settimeout(5)
                with contextlib.suppress(ConnectionResetError):
                    assert beaten.recv(1) == b""
            assert (server.accepted, len(server.requests)) == (1, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [0, 0.01, 0.3])
async def test_l5_cancelled_while_it_tries_several_addresses(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Whatever is left open warns, which is an error here."""
    with full_backlog() as url, full_backlog("127.0.0.2", urlsplit(url).port or 0):
        finding(monkeypatch, "127.0.0.1", "127.0.0.2")
        async with async_client(base_url=f"http://gateway.localhost:{urlsplit(url).port}") as client:
            call = asyncio.ensure_future(client.chat.completions.create(**ASK))
            await asyncio.sleep(seconds)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.sleep(0)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert not [task for task in others if "connect" in repr(task)]
            gc.collect()


@EVERY_MODE
def test_c2_bound_holds_while_addresses_are_looked_for(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    finding(monkeypatch, "127.0.0.1", after=0.6)
    settings = {"timeout": httpx.Timeout(60, connect=0.1), "max_retries": 0}
    started = time.monotonic()
    outcome = cells.run(mode, "http://gateway.localhost", settings, {})
    assert outcome.described() == "TIME(1)", outcome.error
    assert "while connecting" in str(outcome.error)
    if mode.startswith("sync"):  # event loops wait for their threads when they end
        assert time.monotonic() - started < 0.5
    time.sleep(0.7)


@EVERY_MODE
def test_c3_tls_is_within_the_bound_of_connecting(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    finding(monkeypatch, "127.0.0.1", after=0.6)
    with serve(AtAccept(hang)) as server:
        settings = {"timeout": httpx.Timeout(60, connect=0.8), "max_retries": 0}
        started = time.monotonic()
        outcome = cells.run(mode, f"https://gateway.example:{server.port}", settings, {})
        assert outcome.described() == "TIME(1)"
        assert time.monotonic() - started < 1.2


def test_c2_addresses_are_looked_for_while_the_interpreter_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started."""

    def start(**_how: Any) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with serve(ok) as server:
        monkeypatch.setattr("auriko._http.sync_connecting.threading", SimpleNamespace(Thread=start))
        assert cells.run("sync plain", server.url, {}, {}).described() == "OK"


def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auriko._http.shards, "SHARD_SIZE", 1)
    monkeypatch.setattr(auriko._http.shards, "SHARDS", 1)


def test_c9_pool_is_full(naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    one_connection(monkeypatch)
    with serve(stream(event(chunk()), end="hang")) as server, Client(api_key=KEY, base_url=server.url) as client:
        held = client.chat.completions.create(**ASK, stream=True)
        with held, pytest.raises(APITimeoutError, match="waiting for a free connection") as caught:
            client.chat.completions.create(**ASK, timeout=httpx.Timeout(5, pool=0.05))
        assert caught.value.attempts == 3
        assert len(server.requests) == 1
        server.acts = (ok,)
        assert client.chat.completions.create(**ASK).choices
        cells.assert_clean(client)


@pytest.mark.parametrize("anyio_backend", ON_LOOPS, indirect=True)
@pytest.mark.anyio
async def test_c9_pool_is_full_async(anyio_backend: str, naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    one_connection(monkeypatch)
    with serve(stream(event(chunk()), end="hang")) as server:
        async with async_client(base_url=server.url) as client:
            async with await client.chat.completions.create(**ASK, stream=True):
                with pytest.raises(APITimeoutError, match="waiting for a free connection") as caught:
                    await client.chat.completions.create(**ASK, timeout=httpx.Timeout(5, pool=0.05))
            assert caught.value.attempts == 3
            assert len(server.requests) == 1
            server.acts = (ok,)
            assert (await client.chat.completions.create(**ASK)).choices
            cells.assert_clean(client)


@EVERY_MODE
def test_t1_certificate_that_nobody_vouches_for(mode: str, naps: list[float], authority: Authority) -> None:
    with serve(ok, tls=authority.server()) as server:
        outcome = cells.run(mode, server.url, {}, {})
        assert outcome.described() == "CONN(1)"
        assert "certificate does not verify" in str(outcome.error)
        assert server.requests == []
        server.wait_until_unused()


@EVERY_MODE
@pytest.mark.usefixtures("trusted")
def test_t1_certificate_of_another_host(mode: str, naps: list[float], authority: Authority) -> None:
    with serve(ok, tls=authority.server("other.example")) as server:
        outcome = cells.run(mode, server.url, {}, {})
        assert outcome.described() == "CONN(1)"
        assert "certificate does not verify" in str(outcome.error)
        assert server.requests == []
        server.wait_until_unused()


@EVERY_MODE
@pytest.mark.usefixtures("trusted")
def test_t1_certificate_that_is_trusted(mode: str, authority: Authority) -> None:
    with serve(ok, tls=authority.server()) as server:
        outcome = cells.run(mode, server.url, {}, {}, calls=2)
        assert outcome.described() == "OK"
        assert outcome.text == "Paris."
        assert server.accepted == 1, "the connection is used again"
        server.wait_until_unused()


@EVERY_MODE
def test_t1_server_that_speaks_no_tls(mode: str, naps: list[float]) -> None:
    with serve(AtAccept(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"))) as server:
        outcome = cells.run(mode, f"https://127.0.0.1:{server.port}", {}, {})
        assert outcome.described() == "CONN(3)"
        server.wait_until_unused()


@EVERY_MODE
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_t2_proxy_that_is_not_there(mode: str, scheme: str, naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    with nobody_listening() as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", proxy)
        outcome = cells.run(mode, f"{scheme}://gateway.localhost", {}, {})
    assert outcome.described() == "CONN(3)"


@EVERY_MODE
def test_t2_proxy_that_asks_for_credentials(mode: str, naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(reply(407)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        outcome = cells.run(mode, "https://gateway.example", {}, {})
        assert outcome.described() == "CONN(1)"
        assert "The proxy refused: 407" in str(outcome.error)
        assert [request.method for request in proxy.requests] == ["CONNECT"]
        proxy.wait_until_unused()


@EVERY_MODE
def test_t2_proxy_that_fails(mode: str, naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(reply(503)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        outcome = cells.run(mode, "https://gateway.example", {}, {})
        assert outcome.described() == "CONN(3)"
        proxy.wait_until_unused()


@EVERY_MODE
def test_t2_proxy_before_plain_http_that_asks_for_credentials(
    mode: str, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the refusal is an ordinary reply."""
    with serve(reply(407)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        outcome = cells.run(mode, "http://gateway.localhost", {}, {})
        assert outcome.described() == "STATUS(1)"
        assert isinstance(outcome.error, APIStatusError)
        assert outcome.error.status_code == 407
        assert proxy.requests[0].target == "http://gateway.localhost/v1/chat/completions"
        proxy.wait_until_unused()


@EVERY_MODE
def test_t2_tls_failure_inside_the_tunnel_leaves_nothing_in_the_pool(
    mode: str, naps: list[float], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(ok, tls=authority.server()) as server, serve(tunnel_to(server.port)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        outcome = cells.run(mode, f"https://localhost:{server.port}", {}, {}, calls=3)
        assert outcome.described() == "CONN(1)"
        proxy.wait_until_unused()
        server.wait_until_unused()


@EVERY_MODE
@pytest.mark.usefixtures("trusted")
def test_t2_proxy_that_works(mode: str, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(ok, tls=authority.server("gateway.localhost")) as server, serve(tunnel_to(server.port)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.removeprefix("http://"))
        outcome = cells.run(mode, "https://gateway.localhost", {}, {})
        assert outcome.text == "Paris."
        (connect,) = proxy.requests
        assert connect.target == "gateway.localhost:443"
        assert connect.header("Authorization") is None
        assert KEY not in repr(connect)
        assert server.requests[0].header("Authorization") == f"Bearer {KEY}"
        proxy.wait_until_unused()
        server.wait_until_unused()


@pytest.mark.parametrize("no_proxy", ["localhost", "127.0.0.1,.localhost", "*", "gateway.localhost:{port}"])
def test_t2_no_proxy_is_heeded(no_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(ok) as server, serve(reply(407)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", no_proxy.format(port=server.port))
        monkeypatch.setattr(socket, "getaddrinfo", _loopback)
        assert cells.run("sync plain", f"http://gateway.localhost:{server.port}", {}, {}).text == "Paris."
        assert proxy.requests == []


@EVERY_MODE
@pytest.mark.parametrize(
    ("variable", "named"),
    [
        ("SSL_CERT_FILE", "missing.pem"),
        ("SSL_CERT_FILE", "empty.pem"),
        ("SSL_CERT_FILE", ""),
        ("SSL_CERT_DIR", "missing"),
        ("SSLKEYLOGFILE", "missing/keys"),
    ],
)
def test_t1_files_of_the_environment_that_cannot_be_used(
    mode: str, variable: str, named: str, naps: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no matter of the network: nothing is tried again, and what to mend is named."""
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv(variable, str(tmp_path / named))
    outcome = cells.run(mode, "https://gateway.example", {}, {})
    assert outcome.described() == "CONN(1)"
    assert f"TLS cannot be set up with {variable}={tmp_path / named}: " in str(outcome.error)


@EVERY_MODE
def test_t1_certificates_that_are_named_after_a_call_has_failed(
    mode: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a notebook, whose process goes on."""
    act = stream(event(chunk("Paris.", finish_reason="stop"))) if mode.endswith("stream") else ok
    with serve(act, act, tls=authority.server()) as server:
        assert "SSL_CERT_FILE" in str(cells.run(mode, server.url, {}, {}).error)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        assert cells.run(mode, server.url, {}, {}).kind == "OK"


def test_t1_certificates_of_the_system_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def context() -> None:
        raise PermissionError(13, "Permission denied")

    auriko._http.transports._tls_context.cache_clear()
    monkeypatch.setattr(httpx, "create_ssl_context", context)
    outcome = cells.run("sync plain", "https://gateway.example", {}, {})
    assert outcome.described() == "CONN(1)"
    assert "TLS cannot be set up: [Errno 13]" in str(outcome.error)


def test_c1_transport_that_this_machine_does_not_give(monkeypatch: pytest.MonkeyPatch) -> None:
    def transport(*_options: Any) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(auriko._http.transports, "_transport_options", transport)
    outcome = cells.run("sync plain", "https://gateway.example", {}, {})
    assert outcome.described() == "CONN(1)"
    assert "cannot be prepared on this machine: [Errno 24]" in str(outcome.error)


def _loopback(_host: Any, *args: Any, **kwargs: Any) -> Any:
    return _real_getaddrinfo("127.0.0.1", *args, **kwargs)


@pytest.mark.parametrize("proxy", ["socks9://somebody:hunter2@proxy:1", "socks5://somebody:hunter2@proxy:1"])
@EVERY_MODE
def test_t2_proxy_of_an_unknown_kind(mode: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auriko._http.shards, "open_transport", _without_socks(auriko._http.shards.open_transport))
    monkeypatch.setenv("all_proxy", proxy)
    outcome = cells.run(mode, "https://gateway.example", {}, {})
    assert outcome.described() == "CONN(1)"
    assert "The proxy that the environment names cannot be used" in str(outcome.error)
    assert "hunter2" not in str(outcome.error)


def _without_socks(opened: Any) -> Any:
    """As where the package for SOCKS proxies is not installed."""

    def open_(*args: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(__import__("sys").modules, "socksio", None)
            return opened(*args)

    return open_


def tunnel_to(port: int) -> Callable[[Connection], None]:
    """What a proxy does with CONNECT: it passes bytes to a port here, whatever the name."""

    def act(connection: Connection) -> None:
        import selectors

        connection.send(head(200))
        with socket.create_connection(("127.0.0.1", port)) as upstream, selectors.DefaultSelector() as selector:
            selector.register(connection.sock, selectors.EVENT_READ, upstream)
            selector.register(upstream, selectors.EVENT_READ, connection.sock)
            while True:
                for key, _ in selector.select():
                    data = key.fileobj.recv(65536)
                    if not data:
                        connection.close()
                        return
                    key.data.sendall(data)

    return act
