"""Fixtures of the fault tests: sleeps that pass at once, certificates, no proxies."""

import gc
import threading
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import auriko._http.channel
import auriko._http.pool
from tests.support import clients, fault_server, transports
from tests.support.tls import Authority


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that clients wanted to sleep; they do not."""
    slept: list[float] = []

    async def sleep(seconds: float, _news: object) -> None:
        slept.append(seconds)
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr(auriko._http.pool.Pool, "sleep", lambda _pool, seconds, _news: slept.append(seconds))
    monkeypatch.setattr(auriko._http.channel, "sleep", sleep)
    return slept


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session", autouse=True)
def _quick_collections() -> Iterator[None]:
    gc.collect()
    gc.freeze()  # so that the collection after each cell looks at that cell alone
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """No thread and no unclosed object is left behind; pytest turns the warnings of a collection into errors."""
    before = set(threading.enumerate())
    yield
    gc.collect()
    left = [
        t for t in threading.enumerate() if t not in before and not t.name.startswith(("AnyIO", "asyncio_", "Trio"))
    ]
    assert not left


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """What signs the certificates of servers."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes clients trust it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))


@pytest.fixture(params=["tcp", "tls"])
def wire(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Servers are plain, or encrypt; `cut tls` closes without saying so before."""
    name = str(request.param)
    if name != "tcp":
        request.getfixturevalue("trusted")
        server = request.getfixturevalue("authority").server()
        monkeypatch.setattr(fault_server, "ENCRYPTION", [fault_server.Encryption(server, notifies=name == "tls")])
    return name


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Async tests run on asyncio, unless they ask for another way, and their clients over its transport."""
    way = (transports.WAYS | transports.ON_UVLOOP)[getattr(request, "param", "async")]
    monkeypatch.setattr(clients, "ASYNC_SETTINGS", way.settings)
    return way.backend


@pytest.fixture(params=transports.IN_THREADS)
def in_threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Clients of `serving` run in each of the ways for threads."""
    monkeypatch.setattr(clients, "SYNC_SETTINGS", transports.WAYS[request.param].settings)
    return str(request.param)
