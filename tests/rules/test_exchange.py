"""The one loop of attempts, driven with no client: every order of outcomes, and each rule by itself."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from auriko import ChatCompletion, ResponseHeaders
from auriko._rules.call import Call
from auriko._rules.exchange import (
    DRAIN_PATIENCE,
    ERROR_BODY_PATIENCE,
    MAX_DRAIN_BYTES,
    MAX_ERROR_BYTES,
    MAX_REPLY_BYTES,
    Answer,
    Clock,
    Close,
    OpenStream,
    Read,
    Send,
    Sleep,
    Step,
    Steps,
    advance,
    drain,
    exchange,
    receive_stream,
    receive_whole,
)
from auriko._rules.sse import MAX_EVENT_BYTES
from auriko._settings import Settings
from auriko._streams.chat import ChatReader
from auriko.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AurikoAPIError,
    RateLimitError,
    StreamInterruptedError,
)
from tests.support.amounts import amount
from tests.support.replies import chunk, completion, envelope, event, whole_stream

CALL = Call("POST", "/chat/completions", ChatCompletion, body=b'{"a":1}', model="m")
STREAM = Call("POST", "/chat/completions", ChatCompletion, body=b'{"a":1}', model="m", stream=True)
SETTINGS = Settings(SecretStr("key"), "https://h/v1", httpx.Timeout(60), max_retries=2)


@dataclass
class World:
    """What the steps meet: a clock that stands still but for sleeps, and a log of what was done."""

    now: float = 1000.0
    sends: list[Send] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    open: bool = False
    closes: int = 0

    @property
    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now, wall=lambda: self.now, chance=lambda: 0.5)

    def run(self, steps: Steps[Any], outcomes: list[Any]) -> Any:
        """The steps' result, each of them with the next outcome: an `Answer`, bytes, or an error that is thrown."""
        left = iter(outcomes)
        try:
            step = next(steps)
            while True:
                outcome = self._perform(step, left)
                step = steps.throw(outcome) if isinstance(outcome, Exception) else steps.send(outcome)
        except StopIteration as stop:
            return stop.value

    def _perform(self, step: Step, left: Any) -> Any:
        if isinstance(step, Sleep):
            assert not self.open, "nothing may be held while sleeping"
            self.sleeps.append(step.seconds)
            self.now += step.seconds
            return None
        if isinstance(step, Close):
            self.closes += 1
            self.open = False
            return None
        outcome = next(left)
        if isinstance(step, Send):
            assert not self.open, "the last answer must be closed before the next request"
            assert isinstance(outcome, (Answer, Exception))
            self.sends.append(step)
            self.open = isinstance(outcome, Answer)
        else:
            assert self.open
            assert isinstance(outcome, (bytes, Exception))
            self.open = outcome != b"" and not isinstance(outcome, Exception)
        return outcome


def answer(status: int = 200, **headers: str) -> Answer:
    return Answer(status, ResponseHeaders({name.replace("_", "-"): value for name, value in headers.items()}))


def sse() -> Answer:
    return answer(content_type="text/event-stream")


def plain(world: World, call: Any = CALL, settings: Settings = SETTINGS) -> Steps[Any]:
    return exchange(call, settings, receive_whole(ChatCompletion), world.clock)


def streamed(world: World, idle: float | None = None, settings: Settings = SETTINGS) -> Steps[Any]:
    return exchange(STREAM, settings, receive_stream(ChatReader, idle, world.clock), world.clock)


GOOD = json.dumps(completion()).encode()
ERRORS = st.sampled_from(["connect", "timeout", "refused", "decode"])
HEADS = st.tuples(
    st.sampled_from([200, 200, 200, 201, 204, 206, 301, 400, 401, 404, 408, 409, 429, 429, 500, 502, 503, 529]),
    st.dictionaries(
        st.sampled_from(["retry-after", "x-error-retryable", "content-type"]),
        st.sampled_from(["0", "1", "7", "59", "61", "nan", "true", "false", "text/event-stream", "application/json"]),
    ),
)
BODIES = st.sampled_from(
    [
        b"",
        b"",
        GOOD,
        GOOD[:40],
        b"null",
        json.dumps(envelope("rate_limit_error")).encode(),
        json.dumps(envelope("invalid_request_error")).encode(),
        event(chunk()),
        event(chunk())[:30],
        event(envelope("rate_limit_error")),
        event(envelope("api_error", "internal_error")),
        whole_stream(),
        b": ping\n\n",
        b"data: {\n\n",
        b"x" * 70_000,
    ]
)


def make_error(kind: str) -> AurikoAPIError:
    return {
        "connect": APIConnectionError(),
        "timeout": APITimeoutError(),
        "refused": APIConnectionError(retryable=False),
        "decode": APIResponseValidationError("bad gzip"),
    }[kind]


@dataclass
class RandomWorld(World):
    """A world in which anything may come of a step."""

    data: Any = None
    until: float = math.inf

    def drive(self, steps: Steps[Any]) -> Any:
        """The steps' result."""
        try:
            step = next(steps)
            while True:
                outcome = self._perform(step, self._outcomes(step))
                if isinstance(step, (Send, Read)):
                    self.now += self.data.draw(st.sampled_from([0.0, 0.0, 0.01, 3.0]))
                step = steps.throw(outcome) if isinstance(outcome, Exception) else steps.send(outcome)
        except StopIteration as stop:
            return stop.value

    def _outcomes(self, step: Step) -> Iterator[Any]:
        if isinstance(step, Send):
            assert self.now < self.until
            failed = self.data.draw(st.none() | ERRORS)
            status, headers = self.data.draw(HEADS)
            yield make_error(failed) if failed else Answer(status, ResponseHeaders(headers))
        else:
            failed = self.data.draw(st.none() | st.none() | st.none() | ERRORS)
            yield make_error(failed) if failed else self.data.draw(BODIES)


@pytest.mark.no_cover
@given(data=st.data())
@settings(max_examples=amount(500), deadline=None)
def test_any_order_of_outcomes(data: st.DataObject) -> None:
    """Attempts, sleeps and time stay within their bounds, and every answer is closed."""
    world = RandomWorld(data=data)
    retries = data.draw(st.integers(0, 4))
    deadline = data.draw(st.none() | st.floats(0.1, 120))
    stream = data.draw(st.booleans())
    chance = data.draw(st.floats(0, 1, exclude_max=True))
    clock = world.clock._replace(chance=lambda: chance)
    chosen = Settings(SecretStr("key"), "https://h/v1", httpx.Timeout(60), max_retries=retries, deadline=deadline)
    receive: Any = receive_stream(ChatReader, 5.0, clock) if stream else receive_whole(ChatCompletion)
    world.until = world.now + (deadline or math.inf)
    result: Any = None
    error: AurikoAPIError | None = None
    try:
        result = world.drive(exchange(STREAM if stream else CALL, chosen, receive, clock))
    except AurikoAPIError as caught:
        error = caught
    assert 1 <= len(world.sends) <= retries + 1
    assert len(world.sleeps) == len(world.sends) - 1
    assert all(0.4 <= seconds <= 60 for seconds in world.sleeps)
    assert deadline is None or sum(world.sleeps) < deadline
    counts = [send.headers.get("X-Auriko-Retry-Count") for send in world.sends]
    assert counts == [None, *map(str, range(1, len(world.sends)))]
    assert {send.body for send in world.sends} == {b'{"a":1}'}
    if error is not None:
        assert error.attempts == len(world.sends)
        assert not world.open
        if len(world.sends) <= retries and deadline is None:
            assert not error.is_retryable or (error.retry_after_seconds or 0) > 60
    elif stream:
        assert isinstance(result, OpenStream)
        assert result.reader.ready or result.reader.complete
        assert result.attempts == len(world.sends)
    else:
        assert isinstance(result, ChatCompletion)
        assert not world.open


def test_good_answer() -> None:
    world = World()
    reply = world.run(plain(world), [answer(x_request_id="r"), GOOD[:9], GOOD[9:], b""])
    assert reply.choices[0].message.content == "Paris."
    assert reply.request_id == "r"
    (send,) = world.sends
    assert (send.method, send.url, send.body, send.until) == ("POST", "https://h/v1/chat/completions", b'{"a":1}', None)
    assert send.headers["Authorization"] == "Bearer key"
    assert repr(send) == (
        "Send(method='POST', url='https://h/v1/chat/completions', timeout=Timeout(timeout=60), until=None)"
    ), "neither what is secret nor what was asked"


def test_headers_of_a_request() -> None:
    world = World()
    chosen = Settings(
        SecretStr("key"),
        "https://h/v1",
        httpx.Timeout(60),
        0,
        headers={"X-Team": "a", "user-agent": "mine"},
        query={"q": "1"},
    )
    call = Call(
        "GET", "/models", ChatCompletion, headers={"x-team": "b"}, query={"endpoint": "a b"}, authenticated=False
    )
    world.run(plain(world, call, chosen), [answer(), GOOD, b""])
    (send,) = world.sends
    assert send.url == "https://h/v1/models?q=1&endpoint=a+b"
    assert send.body is None
    assert dict(send.headers) == {
        "host": "h",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "user-agent": "mine",
        "x-team": "b",
    }


def test_stream_is_asked_for() -> None:
    world = World()
    world.run(streamed(world), [sse(), event(chunk())])
    assert world.sends[0].headers["Accept"] == "text/event-stream"
    assert world.sends[0].headers["Content-Type"] == "application/json"


def test_key_of_an_unpickled_client_is_missed_before_any_request() -> None:
    world = World()
    chosen = Settings(None, "https://h/v1", httpx.Timeout(60), 2)
    with pytest.raises(AurikoAPIError, match="No API key") as caught:
        world.run(plain(world, settings=chosen), [])
    assert (caught.value.attempts, world.sends) == (0, [])


@pytest.mark.parametrize("retries", [0, 1, 2, 5])
def test_attempts(retries: int) -> None:
    world = World()
    chosen = Settings(SecretStr("key"), "https://h/v1", httpx.Timeout(60), retries)
    with pytest.raises(APIConnectionError) as caught:
        world.run(plain(world, settings=chosen), [APIConnectionError()] * (retries + 1))
    assert caught.value.attempts == len(world.sends) == retries + 1
    assert world.sleeps == pytest.approx([0.5 * 1.5**n for n in range(retries)])


def test_retries_of_a_call_take_the_place_of_the_clients() -> None:
    world = World()
    call = Call("POST", "/x", ChatCompletion, max_retries=0)
    with pytest.raises(APIConnectionError):
        world.run(plain(world, call), [APIConnectionError()])


def test_deadline_is_told_to_every_step() -> None:
    world = World()
    call = Call("POST", "/x", ChatCompletion, deadline=10)
    world.run(plain(world, call), [answer(503), b"", answer(), GOOD, b""])
    assert [send.until for send in world.sends] == [1010.0, 1010.0]


def test_body_of_an_error_is_read_so_far_and_no_further() -> None:
    world = World()
    with pytest.raises(AurikoAPIError) as caught:
        world.run(plain(world), [answer(400), b"x" * 60_000, b"y" * 60_000])
    assert caught.value.body == "x" * 60_000 + "y" * 5536
    assert world.closes == 1


def test_bounds_are_as_documented() -> None:
    assert (MAX_REPLY_BYTES, MAX_EVENT_BYTES) == (67_108_864, 16_777_216)
    assert (MAX_ERROR_BYTES, MAX_DRAIN_BYTES) == (65_536, 65_536)
    assert (ERROR_BODY_PATIENCE, DRAIN_PATIENCE) == (5, 0.5)


@pytest.mark.parametrize("steps", [plain, streamed])
def test_what_is_read_of_an_error_ends_at_64_kib(steps: Any) -> None:
    """The next read would wait for nothing."""
    world = World()
    head = answer(400) if steps is plain else answer(content_type="text/html")
    with pytest.raises(AurikoAPIError) as caught:
        world.run(steps(world), [head, b"x" * 65_536])
    assert caught.value.body == "x" * 65_536


@pytest.mark.parametrize("status", [201, 202])
def test_statuses_that_carry_a_reply(status: int) -> None:
    world = World()
    assert world.run(plain(world), [answer(status), GOOD, b""]).choices


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (199, None),
        (203, "carries no reply"),
        (299, "carries no reply"),
        (300, "Redirects are not followed"),
        (399, "Redirects are not followed"),
        (400, None),
    ],
)
def test_statuses_that_carry_none(status: int, says: str | None) -> None:
    world = World()
    chosen = Settings(SecretStr("key"), "https://h/v1", httpx.Timeout(60), 0)
    with pytest.raises(AurikoAPIError) as caught:
        world.run(plain(world, settings=chosen), [answer(status), b""])
    told = [text for text in ("carries no reply", "Redirects are not followed") if text in str(caught.value)]
    assert told == ([says] if says else [])


@pytest.mark.parametrize(("deadline", "sleeps"), [(0.5, []), (0.51, [0.5])])
def test_no_sleep_goes_on_until_the_deadline(deadline: float, sleeps: list[float]) -> None:
    world = World()
    call = Call("POST", "/x", ChatCompletion, deadline=deadline, max_retries=1)
    with pytest.raises(APIConnectionError):
        world.run(plain(world, call), [APIConnectionError()] * 2)
    assert world.sleeps == sleeps


def test_attempts_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    with caplog.at_level(logging.DEBUG, "auriko"):
        world.run(plain(world), [answer(503, x_request_id="a"), b"", answer(x_request_id="b"), GOOD, b""])
    assert caplog.messages == [
        "POST /chat/completions: status 503, request id a, attempt 1",
        "POST /chat/completions: attempt 1 failed (APIStatusError), the next in 0.50 s",
        "POST /chat/completions: status 200, request id b, attempt 2",
    ]


def test_reply_that_is_too_large() -> None:
    world = World()
    with pytest.raises(APIResponseValidationError, match="larger than 64 MiB"):
        world.run(plain(world), [answer(), *[b" " * 2**24] * 5])
    assert world.closes == 1
    world = World()
    reply = world.run(plain(world), [answer(), *[b" " * 2**24] * 3, b" " * (2**24 - len(GOOD)), GOOD, b""])
    assert reply.choices


def test_stream_that_is_none() -> None:
    world = World()
    with pytest.raises(APIResponseValidationError, match="a stream was asked for, and it is 'text/html'"):
        world.run(streamed(world), [answer(content_type="text/html"), b"<html>", b""])
    chosen = Settings(SecretStr("key"), "https://h/v1", httpx.Timeout(60), 0)
    body = json.dumps(envelope("rate_limit_error")).encode()
    with pytest.raises(RateLimitError):
        world.run(streamed(world, settings=chosen), [answer(content_type="application/json"), body, b""])


@pytest.mark.parametrize(
    "kind", ["text/event-stream", "TEXT/EVENT-STREAM", "text/event-stream; charset=utf-8", " text/event-stream ;x"]
)
def test_content_type_of_a_stream(kind: str) -> None:
    world = World()
    opened = world.run(streamed(world), [answer(content_type=kind), event(chunk())])
    assert len(opened.reader.ready) == 1


def test_stream_is_tried_again_until_its_first_item() -> None:
    world = World()
    outcomes = [sse(), APIConnectionError("cut"), sse(), event(envelope("rate_limit_error")), sse(), event(chunk())]
    opened = world.run(streamed(world), outcomes)
    assert (len(world.sends), opened.attempts, len(opened.reader.ready)) == (3, 3, 1)
    with pytest.raises(StopIteration):
        next(advance(opened))


def test_stream_is_not_tried_again_after_its_first_item() -> None:
    world = World()
    opened = world.run(streamed(world), [sse(), event(chunk())])
    opened.reader.ready.clear()
    world.run(advance(opened), [APIConnectionError("cut")])
    failure = opened.reader.failure
    assert isinstance(failure, StreamInterruptedError)
    assert (failure.items_received, failure.is_retryable) == (1, False)
    assert isinstance(failure.__cause__, APIConnectionError)


@pytest.mark.parametrize(
    ("idle", "deadline", "until"), [(None, None, None), (5, None, 1005), (None, 9, 1009), (5, 9, 1005), (9, 5, 1005)]
)
def test_wait_for_an_event_is_bounded_by_what_comes_first(idle: Any, deadline: Any, until: Any) -> None:
    world = World()
    end = None if deadline is None else world.now + deadline
    opened = OpenStream(ChatReader(ResponseHeaders({})), end, idle, 1, world.clock)
    steps = advance(opened)
    step = next(steps)
    assert isinstance(step, Read)
    assert step.until == until
    world.now += 3
    again = steps.send(b": keep-alive\n\n")
    assert isinstance(again, Read)
    assert again.until == until, "a comment does not extend the wait"


def test_rest_of_a_stream_is_drained_so_far_and_no_further() -> None:
    world = World(open=True)
    world.run(drain(world.clock), [b"x", b""])
    assert world.closes == 1
    world = World(open=True)
    world.run(drain(world.clock), [b"x" * MAX_DRAIN_BYTES])
    assert world.closes == 1
    steps = drain(world.clock)
    next(steps)
    assert isinstance(steps.send(b"x" * (MAX_DRAIN_BYTES - 1)), Read)
    assert isinstance(steps.send(b"x"), Close)
    world = World(open=True)
    world.run(drain(world.clock), [APITimeoutError()])
    assert world.closes == 1
    step = next(drain(world.clock))
    assert isinstance(step, Read)
    assert step.until == world.now + 0.5
