"""Fixtures of the fault tests: sleeps that pass at once, certificates, no proxies."""

import gc
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import auriko._http.channel
import auriko._http.pool
import auriko._http.shards
from tests.support import clients, tls


class _Patched(ModuleType):
    """A module with some names replaced."""

    def __init__(self, module: ModuleType, **replaced: Any) -> None:
        super().__init__(module.__name__)
        self._module = module
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that clients wanted to sleep; they do not."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr(auriko._http.pool.Pool, "sleep", lambda _pool, seconds: slept.append(seconds))
    monkeypatch.setattr(auriko._http.channel, "anyio", _Patched(anyio, sleep=sleep))
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
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[ssl.SSLContext, Path]]:
    """A server's context and the certificate file for a host."""
    folder = tmp_path_factory.mktemp("certificates")
    made: dict[str, tuple[ssl.SSLContext, Path]] = {}

    def make(host: str) -> tuple[ssl.SSLContext, Path]:
        if host not in made:
            certificate, key = tls.make_certificate(folder, host)
            made[host] = tls.server_context(certificate, key), certificate
        return made[host]

    return make


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Makes clients trust a certificate from here on."""

    def trust(certificate: Path) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        auriko._http.shards._tls_context.cache_clear()

    yield trust
    monkeypatch.undo()
    auriko._http.shards._tls_context.cache_clear()


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Async tests run on asyncio, unless they ask for trio, or for asyncio and connections of aiohttp."""
    wanted = str(getattr(request, "param", "asyncio"))
    if wanted == "aiohttp":
        monkeypatch.setitem(clients.ASYNC_SETTINGS, "http_client", "aiohttp")
        return "asyncio"
    return wanted
