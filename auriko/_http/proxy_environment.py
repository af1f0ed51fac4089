"""The proxy that the environment names for an address, and the hosts that go without it (NO_PROXY)."""

from __future__ import annotations

import ipaddress
import re
import urllib.request
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}
# A host, an address with or without brackets, or a network; then perhaps a port.
_ENTRY: Final = re.compile(r"(?:\[(?P<bracketed>[^]]*)\]|(?P<plain>[^:]*|.*:.*:[^:]*))(?::(?P<port>\d+))?")


def proxy_for(base_url: str) -> str | None:
    """The proxy's address, or None."""
    parts = urlsplit(base_url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy is None:
        return None
    # Windows and macOS have settings of their own, which urllib knows.
    if urllib.request.proxy_bypass(parts.netloc) or goes_without(base_url, proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def goes_without(base_url: str, no_proxy: str) -> bool:
    """Whether an entry of NO_PROXY is about this address: `*`, a host and all below it, an address, or a network."""
    parts = urlsplit(base_url)
    host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme)
    address = _network_of(host.partition("%")[0])
    for entry in re.split(r"[\s,]+", no_proxy.lower()):
        found = _ENTRY.fullmatch(entry)
        if not entry or found is None or (found["port"] and int(found["port"]) != port):
            continue
        name = found["bracketed"] or (found["plain"] or "").removeprefix("*").strip(".")
        network = _network_of(name)
        if address is not None and network is not None:
            if address.version == network.version and address.network_address in network:
                return True
        elif entry == "*" or (name and f".{host}".endswith(f".{name}")):
            return True
    return False


def _network_of(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network of an address or a CIDR; an IPv4 address within IPv6 is what it stands for."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    inner = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    return ipaddress.ip_network(inner) if inner is not None else network
