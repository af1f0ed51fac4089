"""The transports that calls go over: which one was asked for, with the environment's proxy and certificates."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx

from auriko._http.internals import bound_reads
from auriko._http.proxy_environment import proxy_for
from auriko._settings import NEEDS_HTTPTOOLS
from auriko.errors import APIConnectionError

_TLS_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")

TransportT = TypeVar("TransportT", bound=httpx.BaseTransport | httpx.AsyncBaseTransport)


def transport_kind(http_client: object, base_url: str, kind: type[Any], fast: str) -> type[Any]:
    """The transport that was asked for, but that of httpx where the environment names a proxy.

    Raises:
        APIConnectionError: It is not installed.
    """
    if http_client is None or proxy_for(base_url) is not None:
        return kind
    try:
        from auriko._http import httptools_transport
    except ImportError as error:
        raise APIConnectionError(f"{NEEDS_HTTPTOOLS} ({error})", retryable=False) from error
    transport: type[Any] = getattr(httptools_transport, fast)
    return transport


@lru_cache(maxsize=4)
def _tls_context(*variables: str | None) -> ssl.SSLContext:
    """The one TLS context of the process for these values; loading the certificates takes some 20 ms.

    Raises:
        APIConnectionError: The environment names files that cannot be used.
    """
    file, folders, _ = variables
    try:
        _check_folders(None if file else folders)
        return httpx.create_ssl_context()
    except OSError as error:
        named = [f"{name}={value}" for name, value in zip(_TLS_VARIABLES, variables, strict=True) if value]
        where = f" with {' and '.join(named)}" if named else ""
        raise APIConnectionError(f"TLS cannot be set up{where}: {error}", retryable=False) from error


def _check_folders(folders: str | None) -> None:
    """OpenSSL passes over folders that are not there, and then trusts nobody."""
    if folders and not any(Path(folder).is_dir() for folder in folders.split(os.pathsep)):
        raise NotADirectoryError("No such directory")


def _transport_options(base_url: str, connections: int, seconds_unused: float) -> dict[str, Any]:
    """The arguments of a transport for this address: certificates where it needs them, the environment's proxy."""
    parts = urlsplit(base_url)
    proxy = proxy_for(base_url)
    needs_tls = parts.scheme == "https" or (proxy is not None and proxy.startswith("https"))
    context = (
        _tls_context(*map(os.environ.get, _TLS_VARIABLES)) if needs_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )
    limits = httpx.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=seconds_unused
    )
    return {"verify": context, "limits": limits, "proxy": proxy}


def open_transport(kind: type[TransportT], base_url: str, connections: int, seconds_unused: float) -> TransportT:
    """A transport of so many connections to this address, kept so long unused, whose reads can be bounded.

    Raises:
        APIConnectionError: The environment names a proxy or certificates that cannot be used, or this machine gives
            what it needs to nobody; another attempt would not help.
    """
    try:
        transport = kind(**_transport_options(base_url, connections, seconds_unused))
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
