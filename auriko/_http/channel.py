"""The only file that sends and reads: a channel performs the steps of one call."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, NamedTuple, TypeVar

import anyio
import httpx

from auriko._http.body import MAX_READ, ReadableBody
from auriko._http.bounds import bounded, clamp, remaining
from auriko._http.failures import FOREIGN, raise_for_caller
from auriko._http.internals import arrived_body, note_leftovers
from auriko._http.loops import run_soon, running_loop, sleep
from auriko._http.pool import AsyncPool, Pool
from auriko._http.requests import client_closed
from auriko._http.shards import Shard
from auriko._rules.exchange import DRAIN_PATIENCE, Answer, Read, Send, Sleep, Step, Steps
from auriko.errors import APITimeoutError, AurikoAPIError
from auriko.response_headers import ResponseHeaders

ResultT = TypeVar("ResultT")


class _OpenBody(NamedTuple):
    """An answer whose body is being read.

    Attributes:
        response: The answer.
        arrived: What reads the body from its connection, where that is one of ours.
        parts: What gives the body's parts elsewhere.
        patience: Bound of each read in seconds, or None.
    """

    response: httpx.Response
    arrived: ReadableBody | None
    parts: Any
    patience: float | None


class _ChannelBase(ABC):
    """The base of both channels: the mark by which their request is found in the pool, and the connections in use."""

    _pool: Any
    _opened: _OpenBody | None
    _shard: Shard[Any] | None

    def __init__(self, pool: Pool | AsyncPool) -> None:
        self._pool = pool
        self._mark = object()
        self._own = pool.user_client is None
        self._opened = None
        self._shard = None

    def _check(self, until: float | None) -> None:
        if self._pool.closed:
            raise client_closed()
        if until is not None and time.monotonic() >= until:
            raise APITimeoutError("The time allowed for this call or its next event has passed.")

    def _open(self, response: httpx.Response, step: Send) -> Answer:
        # Bytes may be taken as they come where they are not encoded, nor read before by a user's hook.
        plain = False
        if self._own:
            response.headers.encoding = "latin-1"  # else httpx decodes all of them to find out
            plain = "content-encoding" not in response.headers
        arrived = arrived_body(response) if plain else None
        parts = None if arrived is not None else self._parts(response, plain=plain)
        self._opened = _OpenBody(response, arrived, parts, step.timeout.read)
        return _answer(response)

    @abstractmethod
    def _parts(self, response: httpx.Response, *, plain: bool) -> Any:
        """An iterator over the parts of a body that is read through httpx."""

    def _release(self, *, failed: bool) -> None:
        """Gives the connections back; a call that failed may have left something behind in them."""
        shard, self._shard = self._shard, None
        if shard is not None:
            if failed:
                shard.tainted = True
                self._pool.discard(shard, self._mark)
            self._pool.give_back(shard)
            if shard.tainted and not shard.busy:
                # httpcore gives a connection to two calls at times, of which one has to try again. What the other has
                # left behind in it looks as if it were in use until both are gone.
                shard.tainted = False
                self._pool.discard(shard, self._mark)


class Channel(_ChannelBase):
    """Performs the steps of one call."""

    _pool: Pool

    def run(self, steps: Steps[ResultT]) -> ResultT:
        """The result of the steps; whatever stops them closes what is open."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = self._perform(step)
                except AurikoAPIError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        except BaseException:
            steps.close()
            self.close(failed=True)
            raise

    def _perform(self, step: Step) -> Any:
        if isinstance(step, Read):
            return self._read(step)
        if isinstance(step, Send):
            return self._send(step)
        if isinstance(step, Sleep):
            return self._sleep(step)
        return self.close()

    def _sleep(self, step: Sleep) -> None:
        self._pool.sleep(step.seconds, step.news)
        self._check(None)

    def _send(self, step: Send) -> Answer:
        self._check(step.until)
        try:
            if self._own:
                self._shard = self._pool.take()
            with bounded(step.until):
                response = self._pool.send(self._shard, step, self._mark)
        except BaseException as error:  # noqa: BLE001 - what is not ours is raised again
            self._release(failed=True)
            raise_for_caller(error, step.until)
        return self._open(response, step)

    def _parts(self, response: httpx.Response, *, plain: bool) -> Iterator[bytes]:
        stream: Any = response.stream
        return iter(stream) if plain else response.iter_bytes()

    def _read(self, step: Read) -> bytes:
        opened = self._opened
        if opened is None:
            return b""
        self._check(step.until)
        try:
            if opened.arrived is None:
                with bounded(step.until):
                    read: bytes = next(opened.parts, b"")
            else:
                while (read := opened.arrived.take()) is None:  # type: ignore[assignment]
                    patience = clamp(opened.patience, step.until)
                    opened.arrived.add(opened.arrived.connection.read(MAX_READ, patience))
            if not read:
                self.close()
        except BaseException as error:  # noqa: BLE001 - what is not ours is raised again
            self.close(failed=True)
            raise_for_caller(error, step.until)
        return read

    def close(self, *, failed: bool = False) -> None:
        """Gives the connection back if its answer was read to the end, else drops it."""
        opened, self._opened = self._opened, None
        try:
            if opened is not None:
                if self._own:
                    note_leftovers(opened.response, opened.arrived)
                with contextlib.suppress(*FOREIGN):
                    opened.response.close()
        finally:
            self._release(failed=failed)

    abandon = close


class AsyncChannel(_ChannelBase):
    """Performs the steps of one call on an event loop."""

    _pool: AsyncPool
    _loop: Any = None

    async def run(self, steps: Steps[ResultT]) -> ResultT:
        """The result of the steps; whatever stops them closes what is open."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = await self._perform(step)
                except AurikoAPIError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        except BaseException:
            steps.close()
            await self.close(failed=True)
            raise

    async def _perform(self, step: Step) -> Any:
        if isinstance(step, Read):
            return await self._read(step)
        if isinstance(step, Send):
            return await self._send(step)
        if isinstance(step, Sleep):
            return await sleep(step.seconds, step.news)
        return await self.close()

    async def _send(self, step: Send) -> Answer:
        self._check(step.until)
        self._loop = running_loop()
        try:
            if self._own:
                self._shard = await self._pool.take()
            with bounded(step.until):
                response = await self._pool.send(self._shard, step, self._mark)
        except BaseException as error:  # noqa: BLE001 - what is not ours is raised again
            self._release(failed=True)
            raise_for_caller(error, step.until)
        return self._open(response, step)

    def _parts(self, response: httpx.Response, *, plain: bool) -> AsyncIterator[bytes]:
        stream: Any = response.stream if plain else response.aiter_bytes()
        return aiter(stream)

    async def _read(self, step: Read) -> bytes:
        opened = self._opened
        if opened is None:
            return b""
        self._check(step.until)
        try:
            if opened.arrived is None:
                with bounded(step.until), anyio.fail_after(None if self._own else remaining(step.until)):
                    read: bytes = await anext(opened.parts, b"")
            else:
                while (read := opened.arrived.take()) is None:  # type: ignore[assignment]
                    patience = clamp(opened.patience, step.until)
                    opened.arrived.add(await opened.arrived.connection.read(MAX_READ, patience))
            if not read:
                await self.close()
        except BaseException as error:  # noqa: BLE001 - what is not ours is raised again
            await self.close(failed=True)
            raise_for_caller(error, step.until)
        return read

    async def close(self, *, failed: bool = False) -> None:
        """Gives the connection back if its answer was read to the end, else drops it."""
        opened, self._opened = self._opened, None
        try:
            if opened is not None:
                if self._own:
                    note_leftovers(opened.response, opened.arrived)
                await _close_body(opened, self._loop)
        except BaseException:
            failed = True  # cancelled for good, whatever is shielded
            raise
        finally:
            self._release(failed=failed)

    def abandon(self) -> None:
        """Has the event loop close what is open, where nobody can wait for it any more."""
        opened, self._opened = self._opened, None
        if opened is not None:
            run_soon(self._loop, partial(_close_body, opened, self._loop))
        self._release(failed=False)


async def _close_body(opened: _OpenBody, loop: Any) -> None:
    with anyio.CancelScope(shield=True), contextlib.suppress(*FOREIGN):
        await opened.response.aclose()
        if opened.parts is not None and not isinstance(loop, asyncio.AbstractEventLoop):
            # trio warns of generators that are dropped unfinished; on a closed connection these end at once.
            with anyio.move_on_after(DRAIN_PATIENCE):
                async for _ in opened.parts:
                    pass


def _answer(response: httpx.Response) -> Answer:
    pairs = response.headers.raw
    try:
        headers = [(name.decode(), value.decode()) for name, value in pairs]
    except UnicodeDecodeError:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
    return Answer(response.status_code, ResponseHeaders(headers))
