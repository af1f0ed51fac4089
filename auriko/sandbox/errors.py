"""Errors of the gateway, and the one envelope that they all come in (API section 12.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema
from typing_extensions import NotRequired, TypedDict

from auriko.errors import CODES


class ErrorFields(TypedDict):
    """An error (API section 12.1)."""

    message: Annotated[str, Field(min_length=1)]
    type: Annotated[str, WithJsonSchema({"enum": sorted({info.type for info in CODES.values()})})]
    code: Annotated[str, WithJsonSchema({"enum": sorted(CODES)})]
    param: str | None
    doc_url: str
    provider: str | None
    suggestion: NotRequired[str]


class ErrorEnvelope(TypedDict):
    """The body of an error reply, and of an error event inside a chat completion's stream."""

    error: ErrorFields


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
    def fields(self) -> ErrorFields:
        """The error's own fields, without the envelope around them."""
        fields: ErrorFields = {
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
