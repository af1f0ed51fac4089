"""Steps of calls, with their end told to whoever tracks what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from auriko._observing.observation import Observation, observe, recorders_of, tags_of
from auriko._rules.call import Call
from auriko._rules.exchange import Answer, Clock, OpenStream, Sleep, Steps, exchange, receive_stream
from auriko._rules.raw import reply_inside
from auriko._rules.reader import StreamReader
from auriko._settings import Settings
from auriko.errors import BudgetExceededError
from auriko.response_headers import ResponseHeaders
from auriko.spend._limits import Account, Hold, News, reserve
from auriko.spend._recorder import Recorder

if TYPE_CHECKING:  # SQLite is imported where it is used
    from auriko.spend._shared_limit import SharedLimit

ResultT = TypeVar("ResultT")
_LOOK_AGAIN: Final = 0.1
# Seconds for which comments alone keep a stream alive by default; gateways send them for minutes while a model thinks.
_IDLE: Final = 600.0


def call_steps(
    call: Call[Any], settings: Settings, clock: Clock, receive: Callable[[Answer, float | None], Steps[ResultT]]
) -> Steps[ResultT]:
    """A plain call's steps, whose result `receive` makes of the answer.

    Raises:
        BudgetExceededError: A limit has been reached.
    """
    reply, observation = yield from _observed(call, settings, clock, receive)
    if not observation.done:
        whole: Any = reply_inside(reply)
        headers = getattr(whole, "response_headers", None)
        metadata = getattr(whole, "routing_metadata", None)
        observation.end("ok", headers, getattr(whole, "usage", None), metadata)
    return reply


def stream_steps(
    call: Call[Any], settings: Settings, clock: Clock, make_reader: Callable[[ResponseHeaders], StreamReader[Any, Any]]
) -> Steps[tuple[OpenStream, Observation]]:
    """A streamed call's steps up to its first item.

    Raises:
        BudgetExceededError: A limit has been reached.
    """
    read = (call.timeout or settings.timeout).read
    idle = settings.stream_idle_timeout or (max(_IDLE, read) if read is not None else None)
    receive = receive_stream(make_reader, idle, clock)
    opened, observation = yield from _observed(call, settings, clock, receive)
    observation.first_item()
    return opened, observation


def _observed(
    call: Call[Any], settings: Settings, clock: Clock, receive: Callable[[Answer, float | None], Steps[ResultT]]
) -> Steps[tuple[ResultT, Observation]]:
    """What `receive` makes of the answer to a call whose cost is reserved, and the observation that is to be ended."""
    turn = call.turn
    recorders = recorders_of(settings.recorders if turn is None else (*settings.recorders, turn))
    call, hold = (yield from _reserve(call, recorders, settings, clock)) if recorders else (call, None)
    conversation = turn.conversation if turn is not None else None
    observation = observe(
        call.model, call.path, settings.base_url, recorders, hold, stream=call.stream, conversation=conversation
    )
    try:
        result = yield from exchange(call, settings, observation.noting(receive), clock)
    except BaseException as error:
        observation.fail(error)
        raise
    return result, observation


def holding(
    recorders: tuple[Recorder, ...], model: str, request: Any, body: bytes | None, reserve_usd: float | None = None
) -> Callable[[News | None], Hold] | None:
    """What holds the probable cost of a request in the limits that it is under; None where it is under none.

    It raises BudgetExceededError where there is no room, and has the news told when there may be some.
    """
    accounts: list[Account] = []
    shared: list[SharedLimit] = []
    for recorder in recorders:
        if recorder.account is not None:
            accounts.append(recorder.account)
        if recorder.shared_limit is not None:
            shared.append(recorder.shared_limit)
    if not (accounts or shared) or not model:
        return None
    asked = (accounts or shared)[0].experience.asked(model, request, body, reserve_usd)
    return lambda news: reserve(accounts, asked, news, shared=shared, tags=tags_of(recorders) if shared else ())


def _reserve(
    call: Call[Any], recorders: tuple[Recorder, ...], settings: Settings, clock: Clock
) -> Steps[tuple[Call[Any], Hold | None]]:
    """Holds what the call will probably cost in every limit that it is under, and comes back with what is left of it.

    Raises:
        BudgetExceededError: There is no room for it, and none that is worth waiting for.
    """
    hold = holding(recorders, call.model, call.request, call.body, call.reserve_usd)
    if hold is None:
        return call, None
    try:
        return call, hold(None)
    except BudgetExceededError:
        if all(recorder.on_limit != "wait" for recorder in recorders):
            raise
    # Other processes tell nothing of what they settle.
    patience = _LOOK_AGAIN if any(recorder.shared_limit is not None for recorder in recorders) else None
    started = clock.monotonic()
    deadline = call.deadline if call.deadline is not None else settings.deadline
    rest = deadline
    while True:
        news: News = News()
        try:
            return replace(call, deadline=rest), hold(news)
        except BudgetExceededError as error:
            if not error.reserved_usd or (rest is not None and rest <= 0):
                raise
        yield Sleep(min(rest or patience, patience) if patience is not None else rest, news)
        rest = deadline - (clock.monotonic() - started) if deadline is not None else None
