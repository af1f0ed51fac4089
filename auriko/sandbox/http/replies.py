"""Replies with JSON bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from auriko.sandbox.errors import GatewayError

_CONTENT_TYPE = "application/json; charset=utf-8"


def json_reply(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`content` as a JSON reply."""
    return Response(to_json(content), status, headers=dict(headers or {}), media_type=_CONTENT_TYPE)


def error_reply(error: GatewayError) -> Response:
    """The error as a whole HTTP reply (API section 12.1)."""
    headers = {
        "X-Error-Type": error.info.type,
        "X-Error-Retryable": "true" if error.info.retryable else "false",
        **({"X-Error-Provider": error.provider} if error.provider else {}),
        **error.headers,
    }
    return json_reply(error.envelope(), status=error.info.status or 500, headers=headers)
