"""Exceptions of HTTP libraries as ours; none of them leaves the client."""

from __future__ import annotations

import ssl
import time
from typing import Final, NoReturn

import anyio
import httpcore
import httpx

from auriko.errors import APIConnectionError, APIResponseValidationError, APITimeoutError
from auriko.errors._mapping import clean_text

FOREIGN: Final = (
    *(httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, anyio.ClosedResourceError),
    *(httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError),
)
_PHASES: Final[dict[type[Exception], str]] = {
    httpx.ConnectTimeout: "connecting",
    httpcore.ConnectTimeout: "connecting",
    httpx.WriteTimeout: "sending the request",
    httpcore.WriteTimeout: "sending the request",
    httpx.PoolTimeout: "waiting for a free connection",
}


def raise_for_caller(error: BaseException, until: float | None) -> NoReturn:
    """Raises what the error means to a caller, with the original as its cause; what is not ours as it is.

    The frames of httpx and httpcore are dropped: they hold the request's headers, with the key in them.
    """
    if not isinstance(error, Exception):
        raise error.with_traceback(None)  # cancelled or interrupted
    if not isinstance(error, FOREIGN):
        raise error
    verification = False
    cause: BaseException | None = error
    while cause is not None:
        verification |= isinstance(cause, ssl.SSLCertVerificationError)
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__
    said = clean_text(str(error) or type(error).__name__)
    if isinstance(error, (httpx.TimeoutException, httpcore.TimeoutException, TimeoutError)):
        phase = _PHASES.get(type(error), "waiting for the reply")
        late = until is not None and time.monotonic() >= until
        reason = "the time allowed for this call or its next event has passed" if late else "timeout"
        raise APITimeoutError(f"Timed out while {phase} ({reason}).") from error
    if isinstance(error, httpx.DecodingError):
        raise APIResponseValidationError("The reply could not be decompressed.") from error
    if verification:
        raise APIConnectionError(
            f"The server's TLS certificate does not verify: {said}. SSL_CERT_FILE names the authorities to trust, "
            "such as your company's.",
            retryable=False,
        ) from error
    if isinstance(error, httpx.ProxyError):
        raise APIConnectionError(f"The proxy refused: {said}", retryable="407" not in said) from error
    if isinstance(error, (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL)):
        raise APIConnectionError(f"The request could not be sent: {said}", retryable=False) from error
    raise APIConnectionError(f"The connection failed: {said}") from error
