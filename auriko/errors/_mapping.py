"""Exceptions for error replies of the gateway, or of a proxy before it."""

from __future__ import annotations

import json
from typing import Any, Final

from auriko._json import parse_json
from auriko.errors._classes import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from auriko.errors._codes import CODES
from auriko.response_headers import ResponseHeaders

_MAX_TEXT: Final = 4096
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


def clean_text(text: str) -> str:
    """Text of a foreign server made safe to show: at most 4 KiB, control characters escaped."""
    cut = text[:_MAX_TEXT] + ("…" if len(text) > _MAX_TEXT else "")
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in cut)


def error_from_reply(status: int, headers: ResponseHeaders, body: bytes) -> APIStatusError:
    """The typed error for a reply with an error status; its class follows the status alone."""
    try:
        parsed: Any = parse_json(body)
    except ValueError:
        parsed = body.decode("utf-8", "replace") or None
    return error_from_parsed(status, headers, parsed)


def error_from_event(envelope: Any, headers: ResponseHeaders | None) -> APIStatusError:
    """The typed error for an envelope inside a 2xx reply or a stream.

    Its class follows the type; where that is silent, the status that the code has in the registry.
    """
    fields = _envelope_fields(envelope)
    message = fields.pop("message", None) or "The gateway reported an error without a message."
    known = CODES.get(fields.get("code") or "")
    cls, status = _CLASS_BY_TYPE.get(fields.get("type") or "", (None, 0))
    if known is not None:
        fields["type"] = fields.get("type") or known.type
    if known is not None and (cls is None or _CLASS_BY_STATUS.get(known.status) is cls):
        status = known.status
    if cls is None:
        cls = _CLASS_BY_STATUS.get(status, APIStatusError)
    return cls(message, status_code=status, body=envelope, response_headers=headers, **fields)


def map_error_from_code(
    code: str,
    message: str,
    *,
    param: str | None = None,
    doc_url: str | None = None,
    provider: str | None = None,
    suggestion: str | None = None,
    response_headers: ResponseHeaders | None = None,
) -> APIStatusError:
    """The typed error for a code without an envelope, as in the Responses API's `error` events.

    Type and status are those that the registry has for the code; for an unknown code they stay empty.
    """
    error = {
        "code": code,
        "message": message,
        "param": param,
        "doc_url": doc_url,
        "provider": provider,
        "suggestion": suggestion,
    }
    envelope = {"error": {name: value for name, value in error.items() if value is not None}}
    return error_from_event(envelope, response_headers)


def error_from_parsed(status: int, headers: ResponseHeaders | None, parsed: Any) -> APIStatusError:
    """The typed error for a reply with an error status whose body has been read already."""
    fields = _envelope_fields(parsed)
    message = fields.pop("message", None) or _fallback_message(status, parsed)
    cls = _CLASS_BY_STATUS.get(status, APIStatusError)
    return cls(message, status_code=status, body=parsed, response_headers=headers, **fields)


def _envelope_fields(parsed: Any) -> dict[str, Any]:
    """The error that a body tells of, from the documented envelope or anything near it."""
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
