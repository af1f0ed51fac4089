"""Operations: an endpoint's path, who answers it, who may call it, what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from auriko.sandbox.accounts.keys import Account, Accounts
from auriko.sandbox.catalog.model import Catalog
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.faults import Fault, Faults
from auriko.sandbox.journal.decisions import DecisionLog
from auriko.sandbox.journal.requests import RequestLog
from auriko.sandbox.serving.dispatcher import Dispatcher
from auriko.sandbox.serving.measurements import Measurements


@dataclass(frozen=True, slots=True)
class Services:
    """The services of the endpoints; `callable_catalog` is what the callers' keys and the gateway's reach."""

    catalog: Catalog
    callable_catalog: Catalog
    dispatcher: Dispatcher
    accounts: Accounts
    request_log: RequestLog
    decision_log: DecisionLog
    faults: Faults
    measurements: Measurements
    public_journal: bool


@dataclass(frozen=True, slots=True)
class Received:
    """A request whose body has been read and whose key, if one is needed, is accepted."""

    request: Request
    content: dict[str, Any] | GatewayError
    account: Account | None
    fault: Fault | None

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent.

        Raises:
            GatewayError: It was something else.
        """
        if isinstance(self.content, GatewayError):
            raise self.content
        return self.content

    @property
    def caller(self) -> Account:
        """The account, where a key is needed."""
        if self.account is None:
            raise GatewayError("invalid_api_key", "There is no API key.")
        return self.account


Handler = Callable[[Services, Received], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint.

    Attributes:
        handler: What answers it; its name and its docstring are those of the operation.
        path: As starlette writes it.
        reply: The type of the JSON that comes back, or None for another `media_type`.
        access: Who may call it: those with a key, anyone, or anyone unless the sandbox has a key of its own. A page
            takes that key as the password that a browser asks for, and what looks at it leaves no trace.
        parameters: Those of its path and of its query, as the OpenAPI document has them.
        body: The model of the JSON that is sent, for inference.
        event: The type of one event's JSON, where a reply may be a stream.
        last_event: What ends that stream, if it is no JSON.
    """

    handler: Handler
    method: str
    path: str
    reply: Any = None
    access: Literal["key", "anyone", "journal", "page"] = "key"
    parameters: Sequence[Mapping[str, Any]] = ()
    body: type[BaseModel] | None = None
    event: Any = None
    last_event: str | None = None
    media_type: str = "application/json"

    def needs_key(self, *, journal_is_public: bool) -> bool:
        """True if nobody may call it without a key."""
        return self.access == "key" or (self.access != "anyone" and not journal_is_public)


def operation(method: str, path: str, reply: Any = None, **more: Any) -> Callable[[Handler], Operation]:
    """Makes a handler the operation of these attributes."""
    return lambda handler: Operation(handler, method, path, reply, **more)
