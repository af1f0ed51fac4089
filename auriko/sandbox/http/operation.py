"""The description of an endpoint: who answers it, who may call it, what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from auriko.sandbox.http.endpoints import Handler


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a path or a query, with the values that it may have; None for any text."""

    name: str
    place: Literal["path", "query"]
    values: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint.

    Attributes:
        path: As starlette writes it.
        reply: The type of the JSON that comes back, or None for another `media_type`.
        access: Who may call it: those with a key, anyone, or anyone unless the sandbox has a key of its own. A page
            takes that key as the password that a browser asks for, and what looks at it leaves no trace.
        body: The model of the JSON that is sent, for inference.
        event: The type of one event's JSON, where a reply may be a stream.
        last_event: What ends that stream, if it is no JSON.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    reply: Any
    access: Literal["key", "anyone", "journal", "page"] = "key"
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    event: Any = None
    last_event: str | None = None
    media_type: str = "application/json"

    def needs_key(self, *, journal_is_public: bool) -> bool:
        """True if nobody may call it without a key."""
        return self.access == "key" or (self.access != "anyone" and not journal_is_public)
