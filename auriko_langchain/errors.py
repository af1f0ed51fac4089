"""Exceptions of `ChatAuriko`: every class is both the client's own (`auriko.errors`) and LangChain's.

So `except auriko.errors.RateLimitError` and `except langchain_core.exceptions.ModelRateLimitError` catch the
same error, and LangChain's retries and fallbacks see whether a retry can help (`is_retryable`).
"""

# `is_retryable` is a constant of the class in LangChain and a property here, which comes first:
# mypy: disable-error-code="override"
# pyright: reportIncompatibleVariableOverride=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from langchain_core import exceptions as langchain

from auriko import errors as core

__all__ = [
    "AurikoAnswerFilteredError",
    "AurikoAnswerInvalidError",
    "AurikoAnswerTruncatedError",
    "AurikoAuthenticationError",
    "AurikoBadRequestError",
    "AurikoBudgetExceededError",
    "AurikoChatError",
    "AurikoConflictError",
    "AurikoConnectionError",
    "AurikoContextOverflowError",
    "AurikoInternalServerError",
    "AurikoNotFoundError",
    "AurikoPermissionDeniedError",
    "AurikoRateLimitError",
    "AurikoRefusalError",
    "AurikoResponseValidationError",
    "AurikoServerError",
    "AurikoStatusError",
    "AurikoStreamInterruptedError",
    "AurikoStructuredOutputError",
    "AurikoTimeoutError",
    "ErrorReply",
]


class ErrorReply:
    """The reply behind an error, in the form in which LangChain's tracers read it."""

    def __init__(self, error: core.AurikoAPIError) -> None:
        self.status_code = error.status_code
        self.headers = dict(error.response_headers or {})
        self._body = error.body

    def json(self) -> Any:
        """The body as parsed JSON, or its text where it was not JSON."""
        return self._body


class AurikoChatError(core.AurikoAPIError, langchain.ModelError):
    """The root: whatever goes wrong with a call of the model."""

    @property
    def response(self) -> ErrorReply | None:
        """The gateway's reply, or None where none came."""
        return ErrorReply(self) if self.response_headers is not None else None


class AurikoStatusError(AurikoChatError, core.APIStatusError):
    """An error status without a class of its own."""


class AurikoServerError(AurikoChatError, core.APIStatusError, langchain.ModelAPIError):
    """502, 503, 504 and 529: the gateway, or every provider that it tried."""


class AurikoInternalServerError(AurikoChatError, core.InternalServerError, langchain.ModelAPIError):
    """500: an error inside the gateway."""


class AurikoBadRequestError(AurikoChatError, core.BadRequestError, langchain.ModelInvalidRequestError):
    """400, 413, 422: the request's parameters."""


class AurikoContextOverflowError(AurikoChatError, core.BadRequestError, langchain.ContextOverflowError):
    """The messages do not fit into the model's context window."""


class AurikoAuthenticationError(AurikoChatError, core.AuthenticationError, langchain.ModelAuthenticationError):
    """401, or no API key at all."""


class AurikoPermissionDeniedError(AurikoChatError, core.PermissionDeniedError, langchain.ModelPermissionDeniedError):
    """403: a feature that is off, or a key without the permission."""


class AurikoNotFoundError(AurikoChatError, core.NotFoundError, langchain.ModelNotFoundError):
    """404: no such model."""


class AurikoConflictError(AurikoChatError, core.ConflictError, langchain.ModelInvalidRequestError):
    """409: idempotency keys that clash."""


class AurikoRateLimitError(AurikoChatError, core.RateLimitError, langchain.ModelRateLimitError):
    """429: a rate limit, a quota or a budget; `code` says which."""


class AurikoConnectionError(AurikoChatError, core.APIConnectionError, langchain.ModelConnectionError):
    """No whole reply: the network, DNS, TLS, a proxy, or a server that went away."""


class AurikoTimeoutError(AurikoChatError, core.APITimeoutError, langchain.ModelTimeoutError):
    """A bound of time passed."""


class AurikoStreamInterruptedError(AurikoChatError, core.StreamInterruptedError, langchain.ModelConnectionError):
    """A stream ended before the gateway said that it was complete."""


class AurikoResponseValidationError(AurikoChatError, core.APIResponseValidationError):
    """A reply that is not what the contract says. It may have been billed."""


class AurikoBudgetExceededError(AurikoChatError, core.BudgetExceededError):
    """A local spend limit stopped the request before it was sent."""


if TYPE_CHECKING:
    _Refusal = langchain.ModelError
else:
    _Refusal = getattr(langchain, "ModelRefusalError", langchain.ModelError)


class AurikoStructuredOutputError(AurikoChatError, core.StructuredOutputError, langchain.OutputParserException):
    """An answer that does not hold what was asked for; it has been billed. The subclasses say why."""

    observation = None
    send_to_llm = False

    @property
    def llm_output(self) -> str:
        """The answer as it came, where LangChain's own parsers keep it."""
        return self.text


class AurikoAnswerTruncatedError(AurikoStructuredOutputError, core.AnswerTruncatedError):
    """The answer was cut at its limit of tokens before it was whole."""


class AurikoAnswerFilteredError(AurikoStructuredOutputError, core.AnswerFilteredError):
    """The answer was cut by a content filter before it was whole."""


class AurikoRefusalError(AurikoStructuredOutputError, core.AnswerRefusedError, _Refusal):
    """The model declined to answer in the form that was asked for; the message is its refusal."""


class AurikoAnswerInvalidError(AurikoStructuredOutputError, core.AnswerInvalidError):
    """The answer is no JSON, or not of the form that was asked for."""


_TWINS: Final[dict[type[core.AurikoAPIError], type[AurikoChatError]]] = {
    core.AurikoAPIError: AurikoChatError,
    core.APIStatusError: AurikoStatusError,
    core.BadRequestError: AurikoBadRequestError,
    core.AuthenticationError: AurikoAuthenticationError,
    core.PermissionDeniedError: AurikoPermissionDeniedError,
    core.NotFoundError: AurikoNotFoundError,
    core.ConflictError: AurikoConflictError,
    core.RateLimitError: AurikoRateLimitError,
    core.InternalServerError: AurikoInternalServerError,
    core.APIConnectionError: AurikoConnectionError,
    core.APITimeoutError: AurikoTimeoutError,
    core.StreamInterruptedError: AurikoStreamInterruptedError,
    core.APIResponseValidationError: AurikoResponseValidationError,
    core.BudgetExceededError: AurikoBudgetExceededError,
    core.StructuredOutputError: AurikoStructuredOutputError,
    core.AnswerTruncatedError: AurikoAnswerTruncatedError,
    core.AnswerFilteredError: AurikoAnswerFilteredError,
    core.AnswerRefusedError: AurikoRefusalError,
    core.AnswerInvalidError: AurikoAnswerInvalidError,
}


@contextmanager
def langchain_errors() -> Generator[None]:
    """Within it, errors of the client leave as their twins here, with the same facts and traceback."""
    try:
        yield
    except core.AurikoAPIError as error:
        twin = _twin(error).with_traceback(error.__traceback__)
        raise twin from error.__cause__


def _twin(error: core.AurikoAPIError) -> AurikoChatError:
    cls = next(_TWINS[parent] for parent in type(error).__mro__ if parent in _TWINS)
    if error.code == "context_length_exceeded":
        cls = AurikoContextOverflowError
    elif cls is AurikoStatusError and error.status_code >= 500:
        cls = AurikoServerError
    twin = cls.__new__(cls, *error.args)
    twin.args = error.args
    twin.__dict__.update(error.__dict__)
    return twin
