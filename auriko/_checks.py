"""Checks of single arguments, which say what is wrong with them; a key is never part of the message."""

from __future__ import annotations

import ipaddress
import math
import re
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import SplitResult, quote, urlsplit

import httpx
from pydantic import SecretStr

from auriko.errors import AuthenticationError

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"([!-~]([\t -~]*[!-~])?)?")
_NOT_IN_URL: Final = re.compile(r"[\s\\]")
_LONGEST: Final = 1e9  # seconds; systems cannot be told to wait for some times as long
_OWN_HEADERS: Final = frozenset({"authorization", "host", "content-length", "transfer-encoding"})


def missing_key() -> AuthenticationError:
    """The error for a client without a key."""
    return AuthenticationError(
        "No API key: set AURIKO_API_KEY or pass the api_key argument. "
        "Without one, `auriko sandbox` runs a local gateway that takes any key.",
        type="authentication_error",
        code="missing_api_key",
    )


def check_api_key(key: str | SecretStr) -> SecretStr:
    """The key as a secret.

    Raises:
        AuthenticationError: The key is empty.
        ValueError: The key could not be sent in a header. It is not part of the message.
    """
    if isinstance(key, SecretStr):
        key = key.get_secret_value()
    if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"api_key is a string, not {type(key).__name__}")
    if not key:
        raise missing_key()
    if not all("!" <= character <= "~" for character in key):
        raise ValueError(
            "the API key has a space, a line break or another character that no key has "
            "(it is not shown here); copy it again without what surrounds it"
        )
    return SecretStr(key)


def check_base_url(url: str) -> str:
    """The address without a slash at the end; `/v1` is added where it has no path.

    Raises:
        ValueError: It is not an http(s) address, or carries credentials, a query or a fragment.
        TypeError: It is not a string.
    """
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"base_url is a string, not {type(url).__name__}")
    parts, host = _checked_parts(url)
    if parts.scheme == "http" and not _is_loopback(host):
        warnings.warn(
            f"base_url is plain http to {host}: the API key and the prompts travel unencrypted",
            UserWarning,
            stacklevel=5,
        )
    path = parts.path.rstrip("/") or "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


@lru_cache(maxsize=64)
def _checked_parts(url: str) -> tuple[SplitResult, str]:
    """The parts of an address, and its host; looked at once, since that takes longer than all else about a client."""
    no_address = ValueError("base_url is not a valid address; it looks like https://host/v1")
    if _NOT_IN_URL.search(url):
        raise no_address
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
        # What Python's resolver would refuse with a UnicodeError during the call.
        httpx.URL(url).raw_host.decode("ascii").encode("idna")
    except (ValueError, httpx.InvalidURL):
        raise no_address from None
    if "@" in parts.netloc:
        raise ValueError("base_url must not carry a user name or password; the key goes into api_key")
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError(f"base_url must be an http(s) address with a host, not {url!r}")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError("base_url must not have a query or fragment; default_query adds parameters")
    return parts, host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def check_timeout(timeout: float | httpx.Timeout) -> httpx.Timeout:
    """One bound for every phase from a number of seconds, or httpx's own object as it is.

    Raises:
        ValueError: A bound is zero, negative or not finite.
        TypeError: It is neither.
    """
    if isinstance(timeout, httpx.Timeout):
        for phase, seconds in timeout.as_dict().items():
            check_seconds(f"timeout.{phase}", seconds)
        return timeout
    return httpx.Timeout(check_seconds("timeout", timeout))


def check_seconds(name: str, value: float | None) -> float | None:
    """A positive number of seconds, or None.

    Raises:
        ValueError: It is zero, negative or not finite, or too long.
        TypeError: It is not a number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} is a number of seconds, not {type(value).__name__}")
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number of seconds, not {value!r}")
    if value > _LONGEST:
        raise ValueError(f"{name} must be at most {_LONGEST:.0e} seconds, not {value!r}; None is for no bound")
    return float(value)


def check_retries(max_retries: int) -> int:
    """The number of retries: 0 means one request.

    Raises:
        ValueError: It is negative.
        TypeError: It is not a whole number.
    """
    if isinstance(max_retries, bool) or not isinstance(max_retries, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"max_retries is a whole number, not {type(max_retries).__name__}")
    if max_retries < 0:
        raise ValueError(f"max_retries must be 0 or more, not {max_retries}; 0 means one request")
    return max_retries


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers that can be sent and that do not replace the client's own.

    Raises:
        ValueError: A name or value has characters that no header has, or the header belongs to the client.
        TypeError: They are no mapping of strings.
    """
    checked = dict(headers)
    for name, value in checked.items():
        if not isinstance(name, str) or not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"headers are strings by name, not {type(value).__name__} by {type(name).__name__}")
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header")
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError(
                f"the value of header {name} is not printable ASCII without spaces around it (it is not shown here)"
            )
        if name.lower() in _OWN_HEADERS:
            raise ValueError(f"header {name} belongs to the client; the key goes into api_key")
    return checked


def as_query(query: Mapping[str, Any] | None) -> dict[str, str]:
    """Query parameters as text."""
    return {str(name): str(value) for name, value in dict(query or {}).items()}


def escape(segment: str) -> str:
    """One segment of a path, with everything escaped that would leave it."""
    return quote(segment, safe="").replace(".", "%2E") if set(segment) <= {"."} else quote(segment, safe="")


def check_usd(name: str, usd: float) -> float:
    """An amount in USD.

    Raises:
        ValueError: It is negative or no number.
        TypeError: It is of the wrong type.
    """
    if isinstance(usd, bool) or not isinstance(usd, (int, float)):  # pyright: ignore[reportUnnecessaryIsInstance]
        advice = "; as a decorator, write @track_spend()" if callable(usd) else ""
        raise TypeError(f"{name} is an amount in USD, not {type(usd).__name__}{advice}")
    if not usd >= 0:
        raise ValueError(f"{name} must be 0 or more, not {usd!r}")
    return usd
