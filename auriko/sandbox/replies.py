"""Replies with JSON bodies, and the one error envelope (API section 12.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from auriko.errors import CODES

JSON_CONTENT_TYPE = "application/json; charset=utf-8"


class GatewayError(Exception):
    """A request that ends in the error envelope, as an HTTP status or as an event inside a stream.

    Args:
        code: One of the registry's codes; it decides type and status.
        message: What happened.
        param: The field of the request that caused it, as a path such as `messages[0].content`.
        provider: The provider that caused it.
        suggestion: What the caller can do.
        headers: Headers to add to the reply, such as Retry-After.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        param: str | None = None,
        provider: str | None = None,
        suggestion: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.provider = provider
        self.suggestion = suggestion
        self.headers = dict(headers or {})
        self.info = CODES[code]

    @property
    def fields(self) -> dict[str, Any]:
        """The error's own fields, without the envelope around them."""
        fields: dict[str, Any] = {
            "message": self.message,
            "type": self.info.type,
            "code": self.code,
            "param": self.param,
            "doc_url": f"https://docs.auriko.ai/errors/{self.code}",
            "provider": self.provider,
        }
        if self.suggestion:
            fields["suggestion"] = self.suggestion
        return fields

    def envelope(self) -> dict[str, Any]:
        """The body of an error reply, and of an error event inside a stream."""
        return {"error": self.fields}

    def response(self) -> Response:
        """The error as a whole HTTP reply."""
        headers = {
            "X-Error-Type": self.info.type,
            "X-Error-Retryable": "true" if self.info.retryable else "false",
            **({"X-Error-Provider": self.provider} if self.provider else {}),
            **self.headers,
        }
        return json_response(self.envelope(), status=self.info.status or 500, headers=headers)


def json_response(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`content` as a JSON reply."""
    return Response(to_json(content), status, headers=dict(headers or {}), media_type=JSON_CONTENT_TYPE)
