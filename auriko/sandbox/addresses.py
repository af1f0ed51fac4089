"""Addresses that can be called, and those that are this machine's own."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import httpx


def is_loopback(host: str) -> bool:
    """True if only this machine can be reached by this name or address."""
    host = host.strip("[]").lower().rstrip(".")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def host_name(host: str) -> str:
    """The name in a `Host` header, without its port; empty if it cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def check_address(url: str) -> str:
    """The address of an API without a slash at the end; `/v1` is added where it has no path.

    Raises:
        ValueError: It is not an http(s) address, or carries a user name, a password, a query or a fragment.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise ValueError("this is not a valid address; it looks like http://127.0.0.1:11434/v1") from None
    if "@" in parts.netloc:
        raise ValueError("the address of an upstream must not carry a user name or password; its key is a variable")
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is not an address of an API; it looks like http://127.0.0.1:11434/v1")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/v1'}"
