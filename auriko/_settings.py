"""Settings of a client: argument, else environment, else default; checked once, the key never shown."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from typing import Any, Final, Literal, TypeAlias

import httpx
from pydantic import SecretStr
from typing_extensions import TypedDict, Unpack

from auriko._checks import (
    as_query,
    check_api_key,
    check_base_url,
    check_headers,
    check_retries,
    check_seconds,
    check_timeout,
    missing_key,
)
from auriko.errors import AuthenticationError
from auriko.spend import Recorder
from auriko.spend._environment import ledger_of_environment

DEFAULT_BASE_URL: Final = "https://api.auriko.ai/v1"
HTTPTOOLS: Final = "httptools"
NEEDS_HTTPTOOLS: Final = "http_client='httptools' needs httptools: pip install \"auriko[fast]\""
HttpClient: TypeAlias = httpx.Client | Literal["httptools"]
AsyncHttpClient: TypeAlias = httpx.AsyncClient | Literal["httptools"]


@dataclass(frozen=True)
class Settings:
    """The settings of a client, checked. Times are in seconds.

    Attributes:
        api_key: The key, or None for a client that was unpickled without one.
        base_url: Where the API is, without a slash at the end.
        timeout: Bounds of the phases of one request.
        max_retries: How many requests may follow the first.
        deadline: Bound of a whole call with its retries and its stream, or None.
        stream_idle_timeout: Bound of the wait for a stream's next event, or None for ten minutes.
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
            with contextlib.suppress(AuthenticationError, ValueError):
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
    def made_headers(self) -> dict[tuple[bool, bool, bool], httpx.Headers]:
        """The headers that every request of a kind has in common, once they have been made."""
        return {}


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


def resolve(**options: Unpack[ClientSettings]) -> Settings:
    """Checked settings from a client's arguments and the environment.

    Raises:
        AuthenticationError: No key was given, or an empty one, and AURIKO_API_KEY is not set.
        ValueError: A setting is out of its range.
        TypeError: A setting is of the wrong type.
    """
    settings = Settings(
        api_key=check_api_key(options.pop("api_key", None) or os.environ.get("AURIKO_API_KEY", "")),
        base_url=check_base_url(options.get("base_url") or os.environ.get("AURIKO_BASE_URL") or DEFAULT_BASE_URL),
        timeout=httpx.Timeout(60.0),
        max_retries=2,
        pickle_api_key=bool(options.get("pickle_api_key")),
    )
    return change(settings, options)


def check_http_client(http_client: Any, kind: type[httpx.Client | httpx.AsyncClient]) -> Any:
    """What to send with: a client of the user's, the name of a transport, which AURIKO_HTTP_CLIENT may give, or None.

    Raises:
        ImportError: It is a transport that is not installed.
        ValueError: AURIKO_HTTP_CLIENT is not the name of a transport.
        TypeError: It is neither.
    """
    if http_client is None:
        http_client = os.environ.get("AURIKO_HTTP_CLIENT") or "httpx"
        if http_client not in {"httpx", HTTPTOOLS}:
            raise ValueError("AURIKO_HTTP_CLIENT is 'httptools' or 'httpx'")
        if http_client == "httpx":
            return None
    if isinstance(http_client, str) and http_client == HTTPTOOLS:
        from importlib.util import find_spec

        if find_spec(HTTPTOOLS) is None:
            raise ImportError(NEEDS_HTTPTOOLS, name=HTTPTOOLS)
    elif not isinstance(http_client, kind):
        raise TypeError(f"http_client is an httpx.{kind.__name__} or 'httptools', not {type(http_client).__name__}")
    return http_client


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


def check_spend(spend: Recorder | None) -> Recorder | None:
    """The recorder that is told of every call, or None.

    Raises:
        TypeError: It is neither a tracker nor a ledger.
    """
    if spend is not None and not isinstance(spend, Recorder):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"spend is a SpendTracker or a SpendLedger, not {type(spend).__name__}")
    return spend
