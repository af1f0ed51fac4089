"""Steps of calls, with their end told to whoever tracks what they cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from auriko._observing.observation import Observation, observe
from auriko._rules.call import Call
from auriko._rules.exchange import Answer, Clock, OpenStream, Steps, exchange, receive_stream
from auriko._rules.raw import reply_inside
from auriko._rules.reader import StreamReader
from auriko._settings import Settings

ResultT = TypeVar("ResultT")
# Seconds for which comments alone keep a stream alive, where nothing else is set.
_IDLE: Final = 600.0


def call_steps(
    call: Call[Any], settings: Settings, clock: Clock, receive: Callable[[Answer, float | None], Steps[ResultT]]
) -> Steps[ResultT]:
    """A plain call's steps, whose result `receive` makes of the answer.

    Raises:
        BudgetExceededError: A limit has been reached.
    """
    observation = _observe(call, settings, stream=False)
    try:
        reply = yield from exchange(call, settings, observation.noting(receive), clock)
    except BaseException as error:
        observation.fail(error)
        raise
    if not observation.done:
        whole: Any = reply_inside(reply)
        headers = getattr(whole, "response_headers", None)
        metadata = getattr(whole, "routing_metadata", None)
        observation.finish(headers, getattr(whole, "usage", None), metadata)
    return reply


def stream_steps(
    call: Call[Any], settings: Settings, clock: Clock, reader: type[StreamReader[Any, Any]]
) -> Steps[tuple[OpenStream, Observation]]:
    """A streamed call's steps up to its first item.

    Raises:
        BudgetExceededError: A limit has been reached.
    """
    observation = _observe(call, settings, stream=True)
    idle = settings.stream_idle_timeout or _idle_bound((call.timeout or settings.timeout).read)
    receive = receive_stream(reader, idle, clock)
    try:
        opened = yield from exchange(call, settings, observation.noting(receive), clock)
    except BaseException as error:
        observation.fail(error)
        raise
    observation.first_item()
    return opened, observation


def _idle_bound(read: float | None) -> float | None:
    """Bound of the wait for an event; gateways send comments for minutes while a model thinks."""
    return max(_IDLE, read) if read is not None else None


def _observe(call: Call[Any], settings: Settings, *, stream: bool) -> Observation:
    return observe(call.model, call.path, settings.base_url, stream=stream, own=settings.recorders)
