"""The steps of one call: what is sent, what is retried, what is raised. No I/O.

`exchange` is a generator that yields steps. Whoever drives it performs each step and sends back what came of it or
throws the error in; so the rules stand once, for threads and event loops alike.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from auriko._json import parse_json
from auriko._rules.call import Call
from auriko._rules.headers import request_headers
from auriko._rules.reader import StreamReader
from auriko._rules.retry import retry_delay
from auriko._settings import Settings
from auriko.errors import APIResponseValidationError, AurikoAPIError
from auriko.errors._mapping import clean_text, error_from_event, error_from_reply
from auriko.meaning.mending import chat_model
from auriko.models._base import Reply, came_with, model_from_json, model_from_value
from auriko.models.chat import ChatCompletion
from auriko.response_headers import ResponseHeaders

if TYPE_CHECKING:
    from concurrent.futures import Future

MAX_REPLY_BYTES: Final = 64 * 1024 * 1024
MAX_ERROR_BYTES: Final = 64 * 1024
# How long the rest of an error's body, and of a finished stream's, is waited for, in seconds.
ERROR_BODY_PATIENCE: Final = 5.0
DRAIN_PATIENCE: Final = 0.5
MAX_DRAIN_BYTES: Final = 64 * 1024
_ACCEPTED: Final = frozenset({200, 201, 202})

ReplyT = TypeVar("ReplyT", bound=BaseModel)
ResultT = TypeVar("ResultT")
logger: Final = logging.getLogger("auriko")


class Clock(NamedTuple):
    """Time and chance, so that tests can have their own."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random


@dataclass(slots=True)
class Send:
    """Send a request and come back with its `Answer`, whose body is still to be read."""

    method: str
    url: str
    headers: httpx.Headers = field(repr=False)
    body: bytes | None = field(repr=False)
    timeout: httpx.Timeout
    until: float | None


@dataclass(slots=True)
class Read:
    """Read some of the open answer's body; empty bytes are its end."""

    until: float | None


@dataclass(slots=True)
class Close:
    """Give up what is open."""


@dataclass(slots=True)
class Sleep:
    """Wait for so many seconds, or until there is news, if that is sooner."""

    seconds: float | None
    news: Future[None] | None = None


@dataclass(slots=True)
class Answer:
    """The head of a reply; `attempt` counts the requests of its call up to it."""

    status: int
    headers: ResponseHeaders
    attempt: int = field(init=False)


Step = Send | Read | Close | Sleep
Steps = Generator[Step, Any, ResultT]


def exchange(
    call: Call[Any],
    settings: Settings,
    receive: Callable[[Answer, float | None], Steps[ResultT]],
    clock: Clock,
) -> Steps[ResultT]:
    """The call's result, after as many attempts as the rules allow.

    `receive` makes it of a successful answer, given until when that may take.

    Raises:
        AurikoAPIError: What the last attempt came to, with `attempts` set.
    """
    deadline = call.deadline if call.deadline is not None else settings.deadline
    until = clock.monotonic() + deadline if deadline is not None else None
    allowed = call.max_retries if call.max_retries is not None else settings.max_retries
    retries = 0
    while True:
        request = _request(call, settings, retries, until)
        try:
            answer: Answer = yield request
            answer.attempt = retries + 1
            logger.debug(
                "%s %s: status %d, request id %s, attempt %d",
                call.method,
                call.path,
                answer.status,
                answer.headers.request_id,
                answer.attempt,
            )
            if answer.status not in _ACCEPTED:
                yield from _raise_status(answer, until, clock)
            return (yield from receive(answer, until))
        except AurikoAPIError as error:
            yield Close()
            error.attempts = retries + 1
            delay = None
            if retries < allowed:
                delay = retry_delay(error, retries, chance=clock.chance(), now=clock.wall())
            if delay is None or (until is not None and clock.monotonic() + delay >= until):
                raise
            logger.debug(
                "%s %s: attempt %d failed (%s), the next in %.2f s",
                call.method,
                call.path,
                retries + 1,
                type(error).__name__,
                delay,
            )
        yield Sleep(delay)
        retries += 1


def _request(call: Call[Any], settings: Settings, retries: int, until: float | None) -> Send:
    url = settings.base_url + call.path
    if settings.query or call.query:
        url = f"{url}?{httpx.QueryParams({**settings.query, **call.query})}"
    headers = request_headers(call, settings, retries)
    return Send(call.method, url, headers, call.body, call.timeout or settings.timeout, until)


def _raise_status(answer: Answer, until: float | None, clock: Clock) -> Steps[None]:
    patience = clock.monotonic() + ERROR_BODY_PATIENCE
    body = bytearray()
    try:
        while len(body) < MAX_ERROR_BYTES:
            read: bytes = yield Read(min(patience, until) if until is not None else patience)
            if not read:
                break
            body += read
    except AurikoAPIError:
        pass  # the status says enough; what came of the body is kept
    if answer.status // 100 == 2:
        raise APIResponseValidationError(
            f"The server answered {answer.status}, which carries no reply.",
            status_code=answer.status,
            response_headers=answer.headers,
        )
    error = error_from_reply(answer.status, answer.headers, bytes(body[:MAX_ERROR_BYTES]))
    if answer.status // 100 == 3:
        error.suggestion = "Redirects are not followed: set base_url to where the API is."
    raise error


def receive_whole(model: type[ReplyT]) -> Callable[[Answer, float | None], Steps[ReplyT]]:
    """A receiver that reads a whole reply into the model."""

    def receive(answer: Answer, until: float | None) -> Steps[ReplyT]:
        body = yield from read_whole(answer, until)
        return parse_reply(model, body, answer)

    return receive


def read_whole(answer: Answer, until: float | None) -> Steps[bytes]:
    """The whole body.

    Raises:
        APIResponseValidationError: It is larger than 64 MiB.
    """
    body = bytearray()
    while read := (yield Read(until)):
        body += read
        if len(body) > MAX_REPLY_BYTES:
            raise APIResponseValidationError(
                "The reply is larger than 64 MiB.",
                status_code=answer.status,
                response_headers=answer.headers,
            )
    return bytes(body)


def parse_reply(model: type[ReplyT], body: bytes, answer: Answer) -> ReplyT:
    """The reply's model, straight from its bytes.

    Raises:
        APIResponseValidationError: The body is not such a reply.
        APIStatusError: The body is an error envelope in spite of its status.
    """
    try:
        reply = model_from_json(model, body)
    except ValueError:
        reply = _parse_unusual(model, body, answer)
    extra = reply.__pydantic_extra__
    if extra and extra.get("error"):
        raise error_from_event({"error": extra["error"]}, answer.headers)
    if isinstance(reply, Reply):
        came_with(reply, answer.headers)
    return reply


def _parse_unusual(model: type[ReplyT], body: bytes, answer: Answer) -> ReplyT:
    """The model of a reply that does not parse at once: fields that only inform may be broken."""
    parsed: Any = None
    try:
        parsed = parse_json(body)
        if not (isinstance(parsed, dict) and parsed.get("error")):  # pyright: ignore[reportUnknownMemberType]
            return (chat_model if issubclass(model, ChatCompletion) else model_from_value)(model, parsed)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"{where}: {first['msg']}" if where else first["msg"]
    except ValueError as error:
        reason = str(error)
    else:
        raise error_from_event(parsed, answer.headers)
    raise _broken_reply(reason, body, parsed, answer)


def _broken_reply(reason: str, body: bytes, parsed: Any, answer: Answer) -> APIResponseValidationError:
    return APIResponseValidationError(
        f"The reply is not what the API promises: {clean_text(reason)}",
        status_code=answer.status,
        body=parsed if parsed is not None else body[:MAX_ERROR_BYTES].decode("utf-8", "replace") or None,
        response_headers=answer.headers,
    )


class OpenStream(NamedTuple):
    """A stream under way.

    Attributes:
        reader: Has read what came so far.
        until: Bound of the whole call on the monotonic clock.
        idle: Bound in seconds of the wait for the next item.
        attempts: How many requests its call took.
        clock: Time.
    """

    reader: StreamReader[Any, Any]
    until: float | None
    idle: float | None
    attempts: int
    clock: Clock


def receive_stream(
    make_reader: Callable[[ResponseHeaders], StreamReader[Any, Any]], idle: float | None, clock: Clock
) -> Callable[[Answer, float | None], Steps[OpenStream]]:
    """A receiver that reads a stream up to its first item, so that what fails before it can be retried."""

    def receive(answer: Answer, until: float | None) -> Steps[OpenStream]:
        content_type = answer.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != "text/event-stream":
            yield from _raise_no_stream(answer, content_type, until)
        opened = OpenStream(make_reader(answer.headers), until, idle, answer.attempt, clock)
        yield from advance(opened)
        if opened.reader.failure is not None and not opened.reader.ready:
            raise opened.reader.failure
        return opened

    return receive


def _raise_no_stream(answer: Answer, content_type: str, until: float | None) -> Steps[None]:
    body = bytearray()
    while len(body) < MAX_ERROR_BYTES and (read := (yield Read(until))):
        body += read
    try:
        parsed = parse_json(bytes(body))
    except ValueError:
        parsed = None
    if isinstance(parsed, dict) and parsed.get("error"):  # pyright: ignore[reportUnknownMemberType]
        raise error_from_event(parsed, answer.headers)
    raise _broken_reply(f"a stream was asked for, and it is {content_type!r}", bytes(body), parsed, answer)


def advance(opened: OpenStream) -> Steps[None]:
    """Reads on until an item is ready or the stream is over; comments do not extend the wait."""
    reader = opened.reader
    wait = opened.clock.monotonic() + opened.idle if opened.idle is not None else None
    bounds = [bound for bound in (wait, opened.until) if bound is not None]
    step = Read(min(bounds, default=None))
    while not reader.ready and not reader.over:
        try:
            read: bytes = yield step
        except AurikoAPIError as error:
            reader.fail(error)
        else:
            reader.feed(read)


def drain(clock: Clock) -> Steps[None]:
    """Reads what little follows a complete stream, so that its connection can be used again."""
    step = Read(clock.monotonic() + DRAIN_PATIENCE)
    drained = 0
    try:
        while drained < MAX_DRAIN_BYTES and (read := (yield step)):
            drained += len(read)
    except AurikoAPIError:
        pass  # the stream was complete; only the connection is lost
    yield Close()
