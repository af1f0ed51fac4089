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
         ├─ StructuredOutputError          an answer without what was asked for (also a ValueError)
         │   ├─ AnswerTruncatedError       cut at its limit of tokens
         │   ├─ AnswerFilteredError        cut by a content filter
         │   ├─ AnswerRefusedError         the model declined
         │   └─ AnswerInvalidError         no JSON, or of another form
         └─ BudgetExceededError            a local spend limit stops the next request

Arguments and settings that are wrong are `ValueError` or `TypeError`, raised before any request.
"""

from auriko.errors._classes import (
    AnswerFilteredError,
    AnswerInvalidError,
    AnswerRefusedError,
    AnswerTruncatedError,
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AurikoAPIError,
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamInterruptedError,
    StructuredOutputError,
    is_retryable,
)
from auriko.errors._codes import CODES, CodeInfo
from auriko.errors._mapping import error_from_event as error_from_event
from auriko.errors._mapping import map_error_from_code
from auriko.errors._openai import map_openai_error

__all__ = [
    "CODES",
    "APIConnectionError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AnswerFilteredError",
    "AnswerInvalidError",
    "AnswerRefusedError",
    "AnswerTruncatedError",
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
    "StructuredOutputError",
    "is_retryable",
    "map_error_from_code",
    "map_openai_error",
]

for _public in __all__:
    if isinstance(_class := globals()[_public], type) and _class is not CodeInfo:
        _class.__module__ = __name__  # tracebacks and pickles name the public place
