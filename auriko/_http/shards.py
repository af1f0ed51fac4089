"""The transports of a client, each with some of its connections.

httpcore looks at every connection of a transport whenever a request starts or ends, so connections are spread over
shards: small transports, of which the first that has room is used. Any other transport is one shard with all of them.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

import httpx

from auriko._http.internals import bound_reads
from auriko._http.proxies import proxy_for
from auriko.errors import APIConnectionError

# Calls in flight at once: the product of both; those beyond wait for a connection.
SHARD_SIZE: Final = 4
SHARDS: Final = 256
# Seconds for which an unused connection is kept.
KEEP_UNUSED: Final = 30.0
_TLS_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")

TransportT = TypeVar("TransportT", bound=httpx.BaseTransport | httpx.AsyncBaseTransport)


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    """The one TLS context of the process; loading the certificates takes some 20 ms.

    Raises:
        APIConnectionError: The environment names files that cannot be used.
    """
    try:
        _check_folders(os.environ.get("SSL_CERT_DIR") if not os.environ.get("SSL_CERT_FILE") else None)
        return httpx.create_ssl_context()
    except OSError as error:
        named = [f"{name}={os.environ[name]}" for name in _TLS_VARIABLES if os.environ.get(name)]
        where = f" with {' and '.join(named)}" if named else ""
        raise APIConnectionError(f"TLS cannot be set up{where}: {error}", retryable=False) from error


def _check_folders(folders: str | None) -> None:
    """OpenSSL passes over folders that are not there, and then trusts nobody."""
    if folders and not any(Path(folder).is_dir() for folder in folders.split(os.pathsep)):
        raise NotADirectoryError("No such directory")


def _transport_options(base_url: str, connections: int) -> dict[str, Any]:
    """The arguments of a transport for this address: certificates where it needs them, the environment's proxy."""
    parts = urlsplit(base_url)
    proxy = proxy_for(base_url)
    needs_tls = parts.scheme == "https" or (proxy is not None and proxy.startswith("https"))
    context = _tls_context() if needs_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = httpx.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEEP_UNUSED
    )
    return {"verify": context, "limits": limits, "proxy": proxy}


def _open(kind: type[TransportT], base_url: str) -> TransportT:
    """A transport for this address, whose reads can be bounded.

    Raises:
        APIConnectionError: The environment names a proxy or certificates that cannot be used, or this machine gives
            what it needs to nobody; another attempt would not help.
    """
    sharded = _is_sharded(kind)
    try:
        transport = kind(**_transport_options(base_url, SHARD_SIZE if sharded else SHARD_SIZE * SHARDS))
    except (ValueError, ImportError) as error:
        raise APIConnectionError(
            f"The proxy that the environment names cannot be used: {error}", retryable=False
        ) from None
    except OSError as error:
        raise APIConnectionError(
            f"A connection cannot be prepared on this machine: {error}", retryable=False
        ) from error
    if isinstance(transport, (httpx.HTTPTransport, httpx.AsyncHTTPTransport)):
        bound_reads(transport)
    return transport


def _is_sharded(kind: type[object]) -> bool:
    return issubclass(kind, (httpx.HTTPTransport, httpx.AsyncHTTPTransport))


class Shard(Generic[TransportT]):
    """Some of a client's connections.

    Attributes:
        transport: What sends over them.
        busy: How many calls are using it.
        tainted: Whether a call has failed since all of its connections were known to be sound.
        unused_since: When it was opened or left by the last of them, on the monotonic clock.
    """

    __slots__ = ("busy", "tainted", "transport", "unused_since")

    def __init__(self, transport: TransportT) -> None:
        self.transport: TransportT = transport
        self.busy = 0
        self.tainted = False
        self.unused_since = time.monotonic()

    def give_back(self) -> None:
        """Notes that a call has left it."""
        self.busy -= 1
        if not self.busy:
            self.unused_since = time.monotonic()


class Shards(Generic[TransportT]):
    """The shards of one process or event loop; opened when those before have no room, closed when long unused."""

    def __init__(self, kind: type[TransportT], base_url: str) -> None:
        self._most = SHARDS if _is_sharded(kind) else 1
        self.opened: list[Shard[TransportT]] = []
        self._open_one: Callable[[], TransportT] = lambda: _open(kind, base_url)

    def take(self) -> Shard[TransportT]:
        """The shard for a call: the first that has room, or the least busy one."""
        for shard in self.opened:
            if shard.busy < SHARD_SIZE:
                break
        else:
            if len(self.opened) < self._most:
                shard = Shard(self._open_one())
                self.opened.append(shard)
            else:
                shard = min(self.opened, key=lambda shard: shard.busy)
        shard.busy += 1
        return shard

    def retire(self) -> TransportT | None:
        """The last transport, to be closed, if it is one too many and long unused."""
        if len(self.opened) > 1:
            last = self.opened[-1]
            if not last.busy and time.monotonic() - last.unused_since > KEEP_UNUSED:
                retired: TransportT = self.opened.pop().transport
                return retired
        return None
