"""The exception tree; `auriko.errors` draws it."""

from __future__ import annotations

from typing import Any

from auriko.errors._codes import ERROR_TYPES, HINTS, NEVER_RETRIED_CODES, RETRYABLE_STATUSES, RETRYABLE_TYPES
from auriko.response_headers import ResponseHeaders


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
        """True if the same request may succeed later (API section 12.5)."""
        return False

    def __str__(self) -> str:
        facts, advice = self._facts(), self._advice()
        said = self.message + (f" ({', '.join(facts)})" if facts else "")
        return f"{said} {advice}" if advice else said

    def _facts(self) -> list[str]:
        facts = [str(self.status_code)] if self.status_code else []
        facts += [f for f in (self.code or self.type,) if f]
        facts += [f"param {self.param}"] if self.param else []
        facts += [f"provider {self.provider}"] if self.provider else []
        facts += [f"request {self.request_id}"] if self.request_id else []
        facts += [f"{self.attempts} attempts"] if self.attempts > 1 else []
        return facts

    def _advice(self) -> str | None:
        advice = self.suggestion or HINTS.get(self.code or "")
        return advice if advice and advice not in self.message else None

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from auriko._display.card import Card

        card = Card()
        card.title(type(self).__name__)
        for said in filter(None, (self.message, self._advice())):
            card.paragraph(said)
        card.facts(self._facts())
        return card.bundle()

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
        """True if the same request may succeed later (API section 12.5)."""
        said = self.response_headers.retryable if self.response_headers is not None else None
        if said is not None:
            return said
        if self.code in NEVER_RETRIED_CODES:
            return False
        if self.type in ERROR_TYPES:
            return self.type in RETRYABLE_TYPES
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
        """True if another attempt may get through."""
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
        spent_usd: What had been spent, in USD, when the request was stopped; costs that are not known are estimated.
        reserved_usd: What the calls in flight will probably cost, in USD.
        needed_usd: What this call would probably have cost, in USD.
    """

    def __init__(
        self,
        message: str,
        *,
        limit_usd: float,
        spent_usd: float,
        reserved_usd: float = 0.0,
        needed_usd: float = 0.0,
        **fields: Any,
    ) -> None:
        super().__init__(message, **fields)
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd
        self.reserved_usd = reserved_usd
        self.needed_usd = needed_usd


class StructuredOutputError(AurikoAPIError, ValueError):
    """An answer that does not hold what was asked for; it has been billed. The subclasses say why.

    Attributes:
        text: The answer as it came: its text, or the arguments of its tool call.
        finish_reason: Why the answer ended, as the gateway said; or None.
    """

    def __init__(self, message: str, *, text: str = "", finish_reason: str | None = None, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.text = text
        self.finish_reason = finish_reason


class AnswerTruncatedError(StructuredOutputError):
    """The answer was cut at its limit of tokens before it was whole."""


class AnswerFilteredError(StructuredOutputError):
    """The answer was cut by a content filter before it was whole."""


class AnswerRefusedError(StructuredOutputError):
    """The model declined to answer; `text` is its refusal."""


class AnswerInvalidError(StructuredOutputError):
    """The answer is no JSON, or not of the form that was asked for."""


def is_retryable(error: BaseException) -> bool:
    """True if the call that raised this error may succeed when it is made again unchanged."""
    return isinstance(error, AurikoAPIError) and error.is_retryable
