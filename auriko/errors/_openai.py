"""Exceptions of the openai package as ours, without importing it."""

from __future__ import annotations

from typing import Any

from auriko.errors._classes import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AurikoAPIError,
)
from auriko.errors._mapping import error_from_event, error_from_parsed
from auriko.response_headers import ResponseHeaders


def map_openai_error(error: BaseException) -> AurikoAPIError:
    """Our exception for one that the openai package raised against the gateway; ours come back as they are.

    Raises:
        TypeError: It comes from neither package.
    """
    if isinstance(error, AurikoAPIError):
        return error
    names = {base.__name__ for base in type(error).__mro__ if base.__module__.partition(".")[0] == "openai"}
    if not names:
        raise TypeError(f"{type(error).__name__} is no exception of the openai package")
    text = str(error)
    response = getattr(error, "response", None)
    headers = ResponseHeaders(response.headers) if response is not None else None
    body: Any = getattr(error, "body", None)
    if "APIResponseValidationError" in names:
        return APIResponseValidationError(
            text, status_code=getattr(error, "status_code", 0), body=body, response_headers=headers
        )
    if "APIStatusError" in names:
        # The openai package takes the error out of its envelope.
        return error_from_parsed(getattr(error, "status_code", 0), headers, {"error": body} if body else None)
    if "APITimeoutError" in names:
        return APITimeoutError(text)
    if "APIConnectionError" in names:
        return APIConnectionError(text)
    if body:  # an error inside a stream
        return error_from_event({"error": body}, headers)
    return AurikoAPIError(text)
