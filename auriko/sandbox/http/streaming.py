"""Replies that notice when the client has left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from auriko.sandbox.errors import GatewayError

T = TypeVar("T")


class EventStream(Response):
    """Server-sent events; the iterator is closed as soon as the client leaves.

    `error_block` says what an error looks like after so many events of this stream.
    """

    media_type = "text/event-stream"

    def __init__(self, blocks: AsyncGenerator[bytes, None], error_block: Callable[[GatewayError, int], bytes]) -> None:
        super().__init__(headers={"Cache-Control": "no-cache"})
        del self.headers["content-length"]
        self.blocks = blocks
        self.error_block = error_block

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events; the connection breaks where the iterator raises ConnectionAbortedError."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send_on(scope, receive, self._send_blocks(send))

    async def _send_blocks(self, send: Send) -> None:
        async with aclosing(self.blocks):
            async for block in self.blocks:
                await send({"type": "http.response.body", "body": block, "more_body": True})
                await asyncio.sleep(0)  # a quick engine must not keep other replies waiting
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def send_on(scope: Scope, receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Let `work` send a reply until the client leaves; where it raises ConnectionAbortedError the connection breaks."""
    try:
        await cancel_on_disconnect(receive, work)
    except ConnectionAbortedError:
        note_break(scope, "cut")
        scope["state"]["transport"].abort()
        await _until_disconnect(receive)
    except ClientDisconnect:
        note_break(scope, "left")


def note_break(scope: Scope, how: str) -> None:
    """Note in the journal that the reply to this request ended early; looking at pages is not in it."""
    broke = scope["state"].get("broke")
    if broke is not None:
        broke(how)


async def cancel_on_disconnect(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; it is cancelled when the client leaves.

    `receive` is the request's channel, after its body has been read.

    Raises:
        ClientDisconnect: The client left.
    """
    worker = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_until_disconnect(receive))
    try:
        await asyncio.wait({worker, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if not worker.done():
            raise ClientDisconnect
        return worker.result()
    finally:
        for task in (worker, watcher):
            task.cancel()
        await asyncio.wait({worker, watcher})


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
