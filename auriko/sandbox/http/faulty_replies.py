"""Faults carried out: errors in place of replies, and replies that break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from auriko.errors import CODES
from auriko.sandbox.accounts.keys import rate_limited
from auriko.sandbox.accounts.limits import budget_exhausted
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.faults import STATUSES, Fault
from auriko.sandbox.http.replies import json_reply
from auriko.sandbox.http.streaming import EventStream, send_on

_LONG_SECONDS = 3600.0
_CODES = {
    "429": "rate_limit_exceeded",
    "500": "internal_error",
    "502": "upstream_error",
    "503": "service_unavailable",
    "504": "upstream_timeout",
    "budget": "budget_exhausted",
    "quota": "insufficient_quota",
    "filtered": "content_filtered",
}
_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_BROKEN = b'{"id": "chatcmpl-1", "choices": [{"index": 0, "del'
_MESSAGE = "This error was asked for."


async def instead_of_reply(fault: Fault) -> Response | None:
    """The reply that takes the place of the real one, or None if that one comes, late or broken.

    Raises:
        GatewayError: The fault is an error of the API.
    """
    code = _CODES.get(fault.kind, fault.kind)
    if code in CODES and CODES[code].status:
        raise _error(code, fault)
    if fault.kind in STATUSES:
        # A status without a code comes from something in between, which does not know the envelope.
        return json_reply({"detail": _MESSAGE}, status=int(fault.kind), headers=_retry_after(fault))
    match fault.kind:
        case "html":
            return HTMLResponse(_PAGE, 502)
        case "empty":
            return Response(status_code=200, media_type="application/json")
        case "drop":
            return _Broken(b"", fault)
        case "slow":
            await asyncio.sleep(1.0 if fault.seconds is None else fault.seconds)
            return None
        case _:
            return None


def _error(code: str, fault: Fault) -> GatewayError:
    if code == "rate_limit_exceeded":
        return rate_limited(fault.retry_after, source="sandbox")
    if code == "budget_exhausted":
        return budget_exhausted(_MESSAGE)
    return GatewayError(code, _MESSAGE, headers=_retry_after(fault))


def _retry_after(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}


def broken(response: Response, fault: Fault) -> Response:
    """The reply with the fault in it, if the fault is of that kind."""
    if isinstance(response, EventStream):
        if fault.kind in {"cut", "stall", "end", "error", "bad_json", *CODES}:
            return EventStream(_broken_blocks(response, fault), response.error_block)
    elif fault.kind in {"cut", "stall"}:
        return _Broken(bytes(response.body), fault)
    elif fault.kind == "bad_json":
        return Response(_BROKEN, media_type=response.media_type or "application/json")
    return response


async def _broken_blocks(stream: EventStream, fault: Fault) -> AsyncGenerator[bytes, None]:
    sent = 0
    async with aclosing(stream.blocks):
        async for block in stream.blocks:
            if sent == fault.after:
                match fault.kind:
                    case "stall":
                        await asyncio.sleep(_LONG_SECONDS if fault.seconds is None else fault.seconds)
                    case "bad_json":
                        yield b"data: " + _BROKEN + b"\n\n"
                    case "cut":
                        raise ConnectionAbortedError
                    case "end":
                        return
                    case kind:
                        code = "upstream_error" if kind == "error" else kind
                        yield stream.error_block(GatewayError(code, _MESSAGE), sent)
                        return
            yield block
            sent += 1


class _Broken(Response):
    """A reply that stops in the middle: for good, or for a while."""

    def __init__(self, body: bytes, fault: Fault) -> None:
        super().__init__(body, media_type="application/json")
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send one half, then what the fault says."""
        await send_on(scope, receive, self._send_half(send))

    async def _send_half(self, send: Send) -> None:
        half = len(self.body) // 2
        if self.body:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self.body[:half], "more_body": True})
        if self._fault.kind != "stall":
            raise ConnectionAbortedError
        await asyncio.sleep(_LONG_SECONDS if self._fault.seconds is None else self._fault.seconds)
        await send({"type": "http.response.body", "body": self.body[half:], "more_body": False})
