"""Every exception that leaves the client, and the registry of the gateway's error codes.

    Exception
     └─ AurikoAPIError                     the root: everything below
         ├─ APIStatusError                 an error status (402, 405, 408, 502, 503, 504, 529, ...)
         │   ├─ BadRequestError            400, 413, 422
         │   ├─ AuthenticationError        401, or no key at all
         │   ├─ PermissionDeniedError      403
         │   ├─ NotFoundError              404
         │   ├─ ConflictError              409
         │   ├─ RateLimitError             429: rate limit, quota or budget; `code` says which
         │   └─ InternalServerError        500
         ├─ APIConnectionError             no (whole) reply
         │   ├─ APITimeoutError            a bound of time passed
         │   └─ StreamInterruptedError     a stream was cut; `items_received` came before
         ├─ APIResponseValidationError     a 2xx whose body is not what the contract says, or too large
         └─ BudgetExceededError            a local spend limit stops the next request

Arguments and settings that are wrong are `ValueError` or `TypeError`, raised before any request.
"""

from __future__ import annotations

import json
from typing import Any, Final

from auriko._codes import CODES, HINTS, NEVER_RETRIED_CODES, RETRYABLE_STATUSES, RETRYABLE_TYPES, CodeInfo
from auriko.response_headers import ResponseHeaders

__all__ = [
    "CODES",
    "APIConnectionError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AurikoAPIError",
    "AuthenticationError",
    "BadRequestError",
    "BudgetExceededError",
    "CodeInfo",
    "ConflictError",
    "InternalServerError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "StreamInterruptedError",
    "is_retryable",
]

_MAX_TEXT: Final = 4096


def clean_text(text: str) -> str:
    """Text of a foreign server made safe to show: at most 4 KiB, control characters escaped."""
    cut = text[:_MAX_TEXT] + ("…" if len(text) > _MAX_TEXT else "")
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in cut)


class AurikoAPIError(Exception):
    """Root of the client's exceptions (API section 12).

    Attributes:
        message: What happened, in the gateway's words or ours.
        status_code: The HTTP status; 0 where no reply came.
        type: The gateway's error type, or None.
        code: The gateway's error code, or None; branch on this first.
        param: The parameter at fault, or None.
        provider: The upstream provider at fault, or None.
        suggestion: What the gateway suggests, or None.
        doc_url: Where the code is documented, or None.
        body: The reply's body as parsed JSON, else its text (64 KiB at most), else None.
        response_headers: The reply's headers, or None where no reply came.
        attempts: How many requests were sent for the call.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int = 0,
        type: str | None = None,  # noqa: A002 - the wire's name
        code: str | None = None,
        param: str | None = None,
        provider: str | None = None,
        suggestion: str | None = None,
        doc_url: str | None = None,
        body: Any = None,
        response_headers: ResponseHeaders | None = None,
        attempts: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.type = type
        self.code = code
        self.param = param
        self.provider = provider
        self.suggestion = suggestion
        self.doc_url = doc_url
        self.body = body
        self.response_headers = response_headers
        self.attempts = attempts

    @property
    def request_id(self) -> str | None:
        """The request's id, to be quoted to support; None where no reply came."""
        return self.response_headers.request_id if self.response_headers is not None else None

    @property
    def retry_after_seconds(self) -> float | None:
        """Seconds that the gateway asks to wait, or None."""
        return self.response_headers.retry_after_seconds if self.response_headers is not None else None

    @property
    def budget(self) -> dict[str, str]:
        """The reply's X-Budget headers, as in `{"exceeded-period": "daily"}`; often empty."""
        return self.response_headers.budget if self.response_headers is not None else {}

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later (API section 12.5)."""
        return False

    def __str__(self) -> str:
        facts = [str(self.status_code)] if self.status_code else []
        facts += [f for f in (self.code or self.type,) if f]
        facts += [f"param {self.param}"] if self.param else []
        facts += [f"provider {self.provider}"] if self.provider else []
        facts += [f"request {self.request_id}"] if self.request_id else []
        facts += [f"{self.attempts} attempts"] if self.attempts > 1 else []
        lines = [self.message + (f" ({', '.join(facts)})" if facts else "")]
        advice = self.suggestion or HINTS.get(self.code or "")
        if advice and advice not in self.message:
            lines.append(advice)
        return " ".join(lines)

    def __repr__(self) -> str:
        shown = ((n, getattr(self, n)) for n in ("status_code", "type", "code", "param", "provider"))
        rest = "".join(f", {name}={value!r}" for name, value in shown if value)
        return f"{type(self).__name__}({self.message!r}{rest})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[AurikoAPIError], args: tuple[Any, ...], state: dict[str, Any]) -> AurikoAPIError:
    """An exception as it was pickled, whatever the constructor of its class asks for."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class APIStatusError(AurikoAPIError):
    """A reply with an error status; the subclasses below name the common ones."""

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later (API section 12.5)."""
        said = self.response_headers.retryable if self.response_headers is not None else None
        if said is not None:
            return said
        if self.type in _CLASS_BY_TYPE or self.type in RETRYABLE_TYPES:
            return self.type in RETRYABLE_TYPES and self.code not in NEVER_RETRIED_CODES
        return self.status_code in RETRYABLE_STATUSES


class BadRequestError(APIStatusError):
    """400, 413, 422: the request's parameters."""


class AuthenticationError(APIStatusError):
    """401, or no API key at all."""


class PermissionDeniedError(APIStatusError):
    """403: a feature that is off, or a key without the permission."""


class NotFoundError(APIStatusError):
    """404: no such model or resource."""


class ConflictError(APIStatusError):
    """409: idempotency keys and resource states that clash."""


class RateLimitError(APIStatusError):
    """429: a rate limit, a quota or a budget; `code` says which."""


class InternalServerError(APIStatusError):
    """500: an error inside the gateway."""


class APIConnectionError(AurikoAPIError):
    """No whole reply: the network, DNS, TLS, a proxy, or a server that went away.

    Attributes:
        retryable: False where another attempt cannot help, as with a certificate that does not verify.
    """

    def __init__(self, message: str = "The connection failed.", *, retryable: bool = True, **fields: Any) -> None:
        fields.setdefault("type", "api_error")
        fields.setdefault("code", "api_connection_error")
        super().__init__(message, **fields)
        self.retryable = retryable

    @property
    def is_retryable(self) -> bool:
        """Whether another attempt may get through."""
        return self.retryable


class APITimeoutError(APIConnectionError):
    """A bound of time passed: a phase's timeout, the call's deadline, or a stream's idle time."""


class StreamInterruptedError(APIConnectionError):
    """A stream ended before the gateway said that it was complete.

    Attributes:
        items_received: How many items were delivered before.
    """

    def __init__(
        self,
        message: str = "The stream was cut.",
        *,
        items_received: int = 0,
        retryable: bool = False,
        **fields: Any,
    ) -> None:
        super().__init__(message, retryable=retryable, **fields)
        self.items_received = items_received


class APIResponseValidationError(AurikoAPIError):
    """A 2xx reply that is not what the contract says, or over a size limit. It may have been billed."""


class BudgetExceededError(AurikoAPIError):
    """A local spend limit stops the next request; not the gateway's own 429 `budget_exhausted`.

    Attributes:
        limit_usd: The limit that was set, in USD.
        spent_usd: What had been spent, in USD, when the request was stopped.
    """

    def __init__(self, message: str, *, limit_usd: float, spent_usd: float, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd


_CLASS_BY_STATUS: Final[dict[int, type[APIStatusError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: BadRequestError,
    422: BadRequestError,
    429: RateLimitError,
    500: InternalServerError,
}
_CLASS_BY_TYPE: Final[dict[str, tuple[type[APIStatusError], int]]] = {
    "invalid_request_error": (BadRequestError, 400),
    "authentication_error": (AuthenticationError, 401),
    "permission_error": (PermissionDeniedError, 403),
    "not_found_error": (NotFoundError, 404),
    "rate_limit_error": (RateLimitError, 429),
}


def is_retryable(error: BaseException) -> bool:
    """Whether the call that raised this error may succeed if it is made again unchanged."""
    return isinstance(error, AurikoAPIError) and error.is_retryable


def error_from_reply(status: int, headers: ResponseHeaders, body: bytes) -> APIStatusError:
    """The typed error for a reply with an error status; its class follows the status alone."""
    try:
        parsed: Any = json.loads(body)
    except (ValueError, RecursionError):
        parsed = body.decode("utf-8", "replace") or None
    fields = _envelope_fields(parsed)
    message = fields.pop("message", None) or _fallback_message(status, parsed)
    cls = _CLASS_BY_STATUS.get(status, APIStatusError)
    return cls(message, status_code=status, body=parsed, response_headers=headers, **fields)


def error_from_event(envelope: Any, headers: ResponseHeaders) -> APIStatusError:
    """The typed error for an envelope inside a 2xx reply or a stream.

    Its class follows the type; where that is silent, the status that the code has in the registry.
    """
    fields = _envelope_fields(envelope)
    message = fields.pop("message", None) or "The gateway reported an error without a message."
    known = CODES.get(fields.get("code") or "")
    cls, status = _CLASS_BY_TYPE.get(fields.get("type") or "", (None, 0))
    if known is not None and (cls is None or _CLASS_BY_STATUS.get(known.status) is cls):
        status = known.status
    if cls is None:
        cls = _CLASS_BY_STATUS.get(status, APIStatusError)
    return cls(message, status_code=status, body=envelope, response_headers=headers, **fields)


def _envelope_fields(parsed: Any) -> dict[str, Any]:
    """What a body says of its error, from the documented envelope or anything near it."""
    error: Any = parsed.get("error", parsed) if isinstance(parsed, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if isinstance(error, str):
        return {"message": clean_text(error)}
    if not isinstance(error, dict):
        return {}
    names = ("message", "type", "code", "param", "provider", "suggestion", "doc_url")
    texts: dict[str, Any] = {}
    for name in names:
        value: Any = error.get(name)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        texts[name] = clean_text(value) if isinstance(value, str) and value else None
    return texts


def _fallback_message(status: int, parsed: Any) -> str:
    text = parsed if isinstance(parsed, str) else json.dumps(parsed) if parsed is not None else ""
    shown = clean_text(" ".join(text.split())[:200])
    return f"The server answered {status} without an error envelope" + (f": {shown}" if shown else ".")
