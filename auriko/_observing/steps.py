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
from auriko.spend._ledger_error import PATIENCE, LedgerBusyError
from auriko.spend._limits import Account, Hold, News, reserve
from auriko.spend._recorder import Recorder

if TYPE_CHECKING:  # SQLite is imported where it is used
    from auriko.spend._shared_limit import SharedLimit

ResultT = TypeVar("ResultT")
_LOOK_AGAIN: Final = 0.1
# Seconds for which a file may hold up a thread, and so an event loop, and after which it is tried again.
_MOMENT: Final = 0.02
_TRY_AGAIN: Final = 0.05
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
    recorders: tuple[Recorder, ...],
    model: str,
    request: Any,
    body: bytes | None,
    reserve_usd: float | None = None,
    *,
    patience: float = PATIENCE,
) -> Callable[[News | None], Hold] | None:
    """What holds the probable cost of a request in the limits that it is under; None where it is under none.

    It raises BudgetExceededError where there is no room, and has the news told when there may be some; LedgerError
    where a file cannot be read, or another process has been writing it for as long as the patience lasts.
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
    tags = tags_of(recorders) if shared else ()
    return lambda news: reserve(accounts, asked, news, shared=shared, tags=tags, patience=patience)


def _reserve(
    call: Call[Any], recorders: tuple[Recorder, ...], settings: Settings, clock: Clock
) -> Steps[tuple[Call[Any], Hold | None]]:
    """Holds what the call will probably cost in every limit that it is under, and comes back with what is left of it.

    Raises:
        BudgetExceededError: There is no room for it, and none that is worth waiting for.
        LedgerError: A file cannot be read, or other processes have been writing it all the time.
    """
    hold = holding(recorders, call.model, call.request, call.body, call.reserve_usd, patience=_MOMENT)
    if hold is None:
        return call, None
    try:
        return call, hold(None)
    except (BudgetExceededError, LedgerBusyError) as error:
        waits = any(recorder.on_limit == "wait" for recorder in recorders)
        if not waits and isinstance(error, BudgetExceededError):
            raise
    # Other processes tell nothing of what they settle.
    patience = _LOOK_AGAIN if any(recorder.shared_limit is not None for recorder in recorders) else None
    started = clock.monotonic()
    deadline = call.deadline if call.deadline is not None else settings.deadline
    rest = deadline
    busy_since: float | None = None
    while True:
        news: News = News()
        try:
            return replace(call, deadline=rest), hold(news)
        except LedgerBusyError:
            now = clock.monotonic()
            busy_since = now if busy_since is None else busy_since
            if now - busy_since > PATIENCE or (rest is not None and rest <= 0):
                raise
            pause = Sleep(_TRY_AGAIN)
        except BudgetExceededError as error:
            busy_since = None
            if not waits or not error.reserved_usd or (rest is not None and rest <= 0):
                raise
            pause = Sleep(min(rest or patience, patience) if patience is not None else rest, news)
        yield pause
        rest = deadline - (clock.monotonic() - started) if deadline is not None else None
