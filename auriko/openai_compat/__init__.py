"""True cost in everything that is built on the package openai: HTTP clients that such a framework takes as its own.

    http = http_client(models=["gpt-4o", "claude-sonnet-4-6"], routing={"optimize": "cost"})
    model = ChatOpenAI(base_url=..., api_key="unused", model="any", http_client=http)
    http.last.cost.usd

Requests to the gateway get its options and its key; every reply, streamed or not, tells trackers, the ledger, limits
and spans what it cost and who answered.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import Unpack

from auriko._settings import resolve
from auriko.openai_compat._gateway import BridgeOptions, Gateway

if TYPE_CHECKING:
    import openai

__all__ = ["BridgeOptions", "async_http_client", "async_openai_client", "http_client", "openai_client"]


def http_client(**options: Unpack[BridgeOptions]) -> Any:
    """An `httpx.Client`, or an `httpx2.Client` for version 3 of openai, which a framework takes as its `http_client`.

    It has two attributes more: `last`, the routing metadata of the reply that ended last, and `base_url_of_gateway`,
    which the framework is to be given as its `base_url`. The framework's key may be any text.

    Args:
        **options: See `BridgeOptions`.

    Raises:
        AuthenticationError: There is no key.
        ValueError: An option is out of its range.
        TypeError: An option is unknown or of the wrong type.
        ImportError: The HTTP library is not installed.
    """
    return _made("Client", options)


def async_http_client(**options: Unpack[BridgeOptions]) -> Any:
    """An `httpx.AsyncClient` or `httpx2.AsyncClient`; as `http_client`."""
    return _made("AsyncClient", options)


def openai_client(**options: Unpack[BridgeOptions]) -> openai.OpenAI:
    """An `openai.OpenAI` of the gateway, with `http_client(...)` below it, which is its attribute `http`.

    Raises:
        ImportError: openai is not installed.
    """
    from openai import OpenAI

    client: openai.OpenAI = _over(OpenAI, http_client(**options))
    return client


def async_openai_client(**options: Unpack[BridgeOptions]) -> openai.AsyncOpenAI:
    """An `openai.AsyncOpenAI` of the gateway; as `openai_client`."""
    from openai import AsyncOpenAI

    client: openai.AsyncOpenAI = _over(AsyncOpenAI, async_http_client(**options))
    return client


def _made(kind: Literal["Client", "AsyncClient"], options: BridgeOptions) -> Any:
    from auriko._http.openai_http_clients import client_class

    given = dict(options)
    unknown = given.keys() - BridgeOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"there is no option {min(unknown)!r}; arguments of the HTTP client go into http={{...}}")
    library = options.get("library") or _library_of_openai()
    arguments = options.get("http") or {}
    gateway = Gateway(
        resolve(api_key=options.get("api_key"), base_url=options.get("base_url"), spend=options.get("spend")), options
    )
    return client_class(library, kind)(gateway, **arguments)


def _library_of_openai() -> Literal["httpx", "httpx2"]:
    try:
        return "httpx2" if int(version("openai").partition(".")[0]) >= 3 else "httpx"
    except PackageNotFoundError:
        return "httpx"


def _over(openai_class: Any, http: Any) -> Any:
    # Not the key: frameworks send the one that a client of openai has elsewhere too, such as with traces to OpenAI.
    client = openai_class(base_url=http.base_url_of_gateway, api_key="in-http-client", http_client=http)
    client.http = http
    return client
