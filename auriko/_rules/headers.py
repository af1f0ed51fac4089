"""Headers of requests (API section 2)."""

from __future__ import annotations

from typing import Any, Final

import httpx

from auriko._rules.call import Call
from auriko._settings import Settings
from auriko._version import __version__

USER_AGENT: Final = f"auriko-python/{__version__}"


def request_headers(call: Call[Any], settings: Settings, retries: int) -> httpx.Headers:
    """The headers of a call's request, after so many retries, not to be changed: those of its kind are made once.

    Raises:
        AuthenticationError: There is no key.
    """
    kind = call.stream, call.body is not None, call.authenticated
    common = settings.made_headers.get(kind)
    if common is None:
        common = settings.made_headers[kind] = _common_headers(settings, *kind)
    if not call.headers and not retries:
        return common
    headers = common.copy()
    headers.update(call.headers)
    if retries:
        headers["X-Auriko-Retry-Count"] = str(retries)
    return headers


def _common_headers(settings: Settings, stream: bool, body: bool, authenticated: bool) -> httpx.Headers:
    headers = httpx.Headers(
        {
            "Host": httpx.URL(settings.base_url).netloc.decode("ascii"),
            "Accept": "text/event-stream" if stream else "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": USER_AGENT,
        }
    )
    if body:
        headers["Content-Type"] = "application/json"
    headers.update(settings.headers)
    if authenticated:
        headers["Authorization"] = settings.authorization()
    return headers
