"""What a client is set to: argument, else environment, else default; checked once, the key never shown."""

from __future__ import annotations

import contextlib
import ipaddress
import math
import os
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache, partial
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import SplitResult, quote, urlsplit

import httpx
from pydantic import SecretStr
from typing_extensions import TypedDict

from auriko._version import __version__
from auriko.errors import AuthenticationError
from auriko.spend import Recorder
from auriko.spend._environment import ledger_of_environment

DEFAULT_BASE_URL: Final = "https://api.auriko.ai/v1"
AIOHTTP: Final = "aiohttp"
NEEDS_AIOHTTP: Final = "http_client='aiohttp' needs aiohttp: pip install \"auriko[aiohttp]\""
AsyncHttpClient: TypeAlias = httpx.AsyncClient | Literal["aiohttp"]
_KEY_ADVICE: Final = "set AURIKO_API_KEY or pass the api_key argument"
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"([!-~]([\t -~]*[!-~])?)?")
_NOT_IN_URL: Final = re.compile(r"[\s\\]")
_OWN_HEADERS: Final = frozenset({"authorization", "host", "content-length", "transfer-encoding"})


@dataclass(frozen=True)
class Settings:
    """The settings of a client, checked. Times are in seconds.

    Attributes:
        api_key: The key, or None for a client that was unpickled without one.
        base_url: Where the API is, without a slash at the end.
        timeout: Bounds of the phases of one request.
        max_retries: How many requests may follow the first.
        deadline: Bound of a whole call with its retries and its stream, or None.
        stream_idle_timeout: Bound of the wait for a stream's next event, or None for the read timeout.
        headers: Headers of every request.
        query: Query parameters of every request.
        pickle_api_key: Whether the key goes into pickles.
        spend: What is told of every call, or None.
        ledger: What AURIKO_LEDGER names, or None.
        recorders: Both, as far as they are there.
    """

    api_key: SecretStr | None
    base_url: str
    timeout: httpx.Timeout
    max_retries: int
    deadline: float | None = None
    stream_idle_timeout: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    pickle_api_key: bool = False
    spend: Recorder | None = field(default=None, repr=False)
    ledger: Recorder | None = field(default_factory=ledger_of_environment, repr=False)
    recorders: tuple[Recorder, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        told = (self.spend, self.ledger)
        self.__dict__["recorders"] = tuple(recorder for recorder in told if recorder is not None)

    def __getstate__(self) -> dict[str, Any]:
        kept = self.api_key if self.pickle_api_key else None
        state = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**state, "api_key": kept, "ledger": None, "recorders": ()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, ledger=ledger_of_environment())
        self.__post_init__()
        if self.api_key is None:
            # Unpickling never fails: without a usable key the first call says so.
            with contextlib.suppress(ValueError):
                self.__dict__["api_key"] = check_api_key(os.environ.get("AURIKO_API_KEY", ""))

    def __copy__(self) -> Settings:
        return replace(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Settings:
        return replace(self)

    def authorization(self) -> str:
        """The value of the Authorization header.

        Raises:
            AuthenticationError: There is no key.
        """
        if self.api_key is None:
            raise missing_key()
        return f"Bearer {self.api_key.get_secret_value()}"

    @cached_property
    def _made_headers(self) -> dict[tuple[bool, bool, bool], httpx.Headers]:
        return {}

    def request_headers(self, *, stream: bool, body: bool, authenticated: bool) -> httpx.Headers:
        """The headers of this kind of request, which are made once; a copy, to be added to.

        Raises:
            AuthenticationError: There is no key.
        """
        kind = stream, body, authenticated
        headers = self._made_headers.get(kind)
        if headers is None:
            headers = httpx.Headers(
                {
                    "Accept": "text/event-stream" if stream else "application/json",
                    "Accept-Encoding": "gzip, deflate",
                    "User-Agent": user_agent(),
                }
            )
            if body:
                headers["Content-Type"] = "application/json"
            headers.update(self.headers)
            if authenticated:
                headers["Authorization"] = self.authorization()
            self._made_headers[kind] = headers
        return headers.copy()


class ClientOptions(TypedDict, total=False):
    """The settings of a client that another one on the same connections may have differently."""

    api_key: str | SecretStr | None
    timeout: float | httpx.Timeout
    max_retries: int
    deadline: float | None
    stream_idle_timeout: float | None
    default_headers: Mapping[str, str] | None
    default_query: Mapping[str, str] | None
    spend: Recorder | None


class ClientSettings(ClientOptions, total=False):
    """The arguments of a client but its `http_client`; see `Client` for what they mean."""

    base_url: str | None
    pickle_api_key: bool


def resolve(
    *,
    api_key: str | SecretStr | None = None,
    base_url: str | None = None,
    timeout: float | httpx.Timeout = 60.0,
    max_retries: int = 2,
    deadline: float | None = None,
    stream_idle_timeout: float | None = None,
    default_headers: Mapping[str, str] | None = None,
    default_query: Mapping[str, str] | None = None,
    spend: Recorder | None = None,
    pickle_api_key: bool = False,
) -> Settings:
    """Checked settings from a client's arguments and the environment.

    Raises:
        AuthenticationError: No key was given and AURIKO_API_KEY is not set.
        ValueError: A setting is out of its range.
        TypeError: A setting is of the wrong type.
    """
    key = api_key if api_key is not None else os.environ.get("AURIKO_API_KEY") or None
    if key is None:
        raise missing_key()
    return Settings(
        api_key=check_api_key(key),
        base_url=check_base_url(base_url or os.environ.get("AURIKO_BASE_URL") or DEFAULT_BASE_URL),
        timeout=check_timeout(timeout),
        max_retries=check_retries(max_retries),
        deadline=check_seconds("deadline", deadline),
        stream_idle_timeout=check_seconds("stream_idle_timeout", stream_idle_timeout),
        headers=check_headers(default_headers or {}),
        query=as_query(default_query),
        pickle_api_key=bool(pickle_api_key),
        spend=check_spend(spend),
    )


def change(settings: Settings, options: ClientOptions) -> Settings:
    """The settings with some of them replaced; headers and query parameters are added to those that there are.

    Raises:
        ValueError: A setting is out of its range.
        TypeError: A setting is of the wrong type.
    """
    checks: dict[str, Callable[[Any], Any]] = {
        "api_key": lambda key: settings.api_key if key is None else check_api_key(key),
        "timeout": check_timeout,
        "max_retries": check_retries,
        "deadline": partial(check_seconds, "deadline"),
        "stream_idle_timeout": partial(check_seconds, "stream_idle_timeout"),
        "spend": check_spend,
    }
    changed = {name: check(options[name]) for name, check in checks.items() if name in options}  # type: ignore[literal-required]
    changed["headers"] = {**settings.headers, **check_headers(options.get("default_headers") or {})}
    changed["query"] = {**settings.query, **as_query(options.get("default_query"))}
    return replace(settings, **changed)


def missing_key() -> AuthenticationError:
    """The error for a client without a key."""
    return AuthenticationError(
        f"No API key: {_KEY_ADVICE}. Without one, `auriko sandbox` runs a local gateway that takes any key.",
        type="authentication_error",
        code="missing_api_key",
    )


def check_api_key(key: str | SecretStr) -> SecretStr:
    """The key as a secret.

    Raises:
        ValueError: The key could not be sent in a header. It is not part of the message.
    """
    if isinstance(key, SecretStr):
        key = key.get_secret_value()
    if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"api_key is a string, not {type(key).__name__}")
    if not key:
        raise ValueError(f"the API key is empty: {_KEY_ADVICE}")
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
        ValueError: It is zero, negative or not finite.
        TypeError: It is not a number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} is a number of seconds, not {type(value).__name__}")
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number of seconds, not {value!r}")
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


def check_spend(spend: Recorder | None) -> Recorder | None:
    """What is told of every call, or None.

    Raises:
        TypeError: It is neither a tracker nor a ledger.
    """
    if spend is not None and not isinstance(spend, Recorder):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"spend is a SpendTracker or a SpendLedger, not {type(spend).__name__}")
    return spend


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


def user_agent() -> str:
    """The User-Agent of every request."""
    return f"auriko-python/{__version__}"


def escape(segment: str) -> str:
    """One segment of a path, with everything escaped that would leave it."""
    return quote(segment, safe="").replace(".", "%2E") if set(segment) <= {"."} else quote(segment, safe="")
