"""Connections to a host by its name, in threads: one bound holds for finding its addresses and for trying them all."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from auriko._http.bounds import remaining


def connect(
    backend: httpcore.NetworkBackend,
    host: str,
    port: int,
    until: float,
    local_address: str | None,
    socket_options: Iterable[Any] | None,
) -> httpcore.NetworkStream:
    """A connection to the first address that takes one; Python would give each of them all of the time.

    Raises:
        httpcore.ConnectTimeout, httpcore.ConnectError: None does until then, on the monotonic clock.
    """
    addresses = _addresses(host, port, until)
    options = list(socket_options) if socket_options is not None else None
    while True:
        address = addresses.pop(0)
        left = until - time.monotonic()
        try:
            # Each has its share of what is left, so that a silent one leaves something to the next.
            share = max(left / (len(addresses) + 1), 0.001)
            return backend.connect_tcp(address, port, share, local_address, options)
        except (httpcore.ConnectTimeout, httpcore.ConnectError):
            if not addresses or time.monotonic() >= until:
                raise


def _addresses(host: str, port: int, until: float) -> list[str]:
    """The addresses of a host. The system cannot be told how long to look for them, so a thread of its own does."""
    found: list[Any] = []
    failures: list[OSError] = []

    def look() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failures.append(error if isinstance(error, OSError) else OSError(str(error)))

    try:
        thread = threading.Thread(target=look, name="auriko-getaddrinfo", daemon=True)
        thread.start()
    except RuntimeError:  # while the interpreter ends there are no new ones
        look()
    else:
        thread.join(remaining(until))
    if failures:
        raise httpcore.ConnectError(str(failures[0])) from failures[0]
    if not found:
        raise httpcore.ConnectTimeout("The host's addresses were not found in time.")
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
