"""A call under way, and how its end is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from auriko._observing.otel import CallTrace, start_trace, trace_sinks
from auriko.errors import APIStatusError
from auriko.response_headers import ResponseHeaders
from auriko.spend._limits import Hold
from auriko.spend._record import CallRecord, CallStart, Operation, Status, new_id
from auriko.spend._recorder import Ended, Recorder, active, listeners, sources

if TYPE_CHECKING:  # models are imported with what reads them
    from auriko.models.common import ResponseUsage, Usage
    from auriko.models.routing import RoutingMetadata

P = ParamSpec("P")
FirstT = TypeVar("FirstT")
SecondT = TypeVar("SecondT")
ResultT = TypeVar("ResultT")
logger: Final = logging.getLogger("auriko")
_broken: Final[set[str]] = set()


class Observation:
    """One call under way, on behalf of what was active when it started. It tells the call's end once.

    Attributes:
        done: Whether nothing is to be told any more.
    """

    __slots__ = ("_accepted", "_ended", "_first_at", "_hold", "_recorders", "_start", "_started", "_trace", "done")

    def __init__(
        self,
        start: CallStart,
        recorders: tuple[Recorder, ...],
        hold: Hold | None,
        ended: list[Ended] | None,
        trace: CallTrace | None,
    ) -> None:
        self._start = start
        self._recorders = recorders
        self._hold = hold
        self._ended = ended
        self._trace = trace
        self._started = time.monotonic()
        self._first_at: float | None = None
        self._accepted = False
        self.done = False

    def noting(self, receive: Callable[[FirstT, SecondT], ResultT]) -> Callable[[FirstT, SecondT], ResultT]:
        """The receiver, noting that an answer was accepted: a call that fails from then on may have been billed."""

        def noted(answer: FirstT, until: SecondT) -> ResultT:
            self.accept()
            return receive(answer, until)

        return noted

    def accept(self) -> None:
        """Notes that an answer was accepted."""
        self._accepted = True

    def first_item(self) -> None:
        """Notes that the first item of a stream has arrived."""
        self._first_at = time.monotonic()
        self.leave()

    def leave(self) -> None:
        """Makes the program's own span the current one again; to be called where the call started."""
        if self._trace is not None:
            self._trace.leave()

    def fail(
        self,
        error: BaseException,
        headers: ResponseHeaders | None = None,
        usage: Usage | ResponseUsage | None = None,
        metadata: RoutingMetadata | None = None,
    ) -> None:
        """Records a call that raised or was cancelled; what a stream had told of its cost before counts."""
        if isinstance(error, GeneratorExit):
            self.end("abandoned", headers, usage, metadata)
        else:
            headers = headers or getattr(error, "response_headers", None)
            self.end("error", headers, usage, metadata, error)

    def end(
        self,
        status: Status,
        headers: ResponseHeaders | None,
        usage: Usage | ResponseUsage | None,
        metadata: RoutingMetadata | None,
        error: BaseException | None = None,
    ) -> None:
        """Records a call that came to its end, a stream that was not read to it, or an error."""
        if self.done:
            return
        self.done = True
        start = self._start
        tokens = usage.as_chat_usage() if usage is not None else None
        prompt = tokens.prompt_tokens_details if tokens is not None else None
        completion = tokens.completion_tokens_details if tokens is not None else None
        cost = metadata.cost if metadata is not None else None
        refused = isinstance(error, APIStatusError) and not self._accepted
        seen_ms = (self._first_at - self._started) * 1000 if self._first_at is not None else None
        said_ms = metadata.ttft_ms if metadata is not None else None
        hold = self._hold
        estimated = hold is not None and not refused and (cost is None or cost.usd is None)
        record = CallRecord(
            started_at=start.started_at,
            operation=start.operation,
            status=status,
            error=type(error).__name__ if error is not None else None,
            error_code=getattr(error, "code", None) if error is not None else None,
            model_asked=start.model_asked,
            model=metadata.model_canonical if metadata is not None else None,
            provider=metadata.provider if metadata is not None else None,
            usd=cost.usd if cost is not None else None,
            may_be_billed=not refused,
            cache_savings_usd=cost.cache_savings_usd if cost is not None else None,
            prompt_tokens=tokens.prompt_tokens if tokens is not None else None,
            completion_tokens=tokens.completion_tokens if tokens is not None else None,
            cached_tokens=prompt.cached_tokens if prompt is not None else None,
            cache_write_tokens=prompt.cache_write_tokens if prompt is not None else None,
            reasoning_tokens=completion.reasoning_tokens if completion is not None else None,
            ttft_ms=said_ms if said_ms is not None else seen_ms,
            duration_ms=(time.monotonic() - self._started) * 1000,
            stream=start.stream,
            request_id=headers.request_id if headers is not None else None,
            tags=tags_of(self._recorders),
            id=new_id(),
            estimated_usd=hold.estimated_usd if hold is not None and estimated else None,
            conversation=start.conversation,
        )
        logger.info("%s", record)
        for recorder in self._recorders:
            try:
                recorder.add(record, hold)
            except Exception as broken:  # noqa: BLE001 - a paid call never fails for who counts it
                _note_broken(recorder, broken)
        for ended in self._ended or ():
            _notify(ended, record)
        if self._trace is not None:
            _notify(self._trace.end, record, metadata, error)


def tags_of(recorders: tuple[Recorder, ...]) -> tuple[str, ...]:
    """The tags of all, each once."""
    if len(recorders) == 1:
        return recorders[0].tags
    tags = [tag for recorder in recorders for tag in recorder.tags]
    return tuple(dict.fromkeys(tags)) if tags else ()


class _Unobserved(Observation):
    """A call that nobody wants to hear of."""

    __slots__ = ()

    def __init__(self) -> None:
        self.done = True

    def noting(self, receive: Callable[[FirstT, SecondT], ResultT]) -> Callable[[FirstT, SecondT], ResultT]:
        """The receiver as it is."""
        return receive

    def accept(self) -> None:
        """Notes nothing."""

    first_item = leave = accept


_UNOBSERVED: Final = _Unobserved()


def recorders_of(own: tuple[Recorder, ...]) -> tuple[Recorder, ...]:
    """What a call that starts now is told to, each once: what is active here, and what the client itself has."""
    recorders = active.get() + own
    for source in sources:
        recorders += source()
    return tuple(dict.fromkeys(recorders)) if len(recorders) > 1 else recorders


def observe(
    model: str,
    path: str,
    base_url: str,
    recorders: tuple[Recorder, ...],
    hold: Hold | None,
    *,
    stream: bool,
    conversation: str | None = None,
) -> Observation:
    """The observation of a call that starts now; nobody is told of one that no model answers, whose model is empty."""
    try:
        sinks = trace_sinks()
    except Exception as broken:  # noqa: BLE001 - tracing fails no call; nothing is called through `_notify` for every one
        _note_broken(trace_sinks, broken)
        sinks = None
    if not model or not (recorders or listeners or sinks is not None or logger.isEnabledFor(logging.INFO)):
        return _UNOBSERVED
    operation: Operation = "responses" if path.startswith("/responses") else "chat"
    start = CallStart(operation, model, stream, base_url, time.time(), conversation)
    notified = [ended for one in list(listeners) if (ended := _notify(one, start))] if listeners else None
    return Observation(
        start, recorders, hold, notified, _notify(start_trace, start, sinks) if sinks is not None else None
    )


def _notify(listener: Callable[P, ResultT], *facts: P.args, **named: P.kwargs) -> ResultT | None:
    try:
        return listener(*facts, **named)
    except Exception as broken:  # noqa: BLE001 - a paid call never fails for who listens
        _note_broken(listener, broken)
        return None


def _note_broken(listener: Any, error: Exception) -> None:
    """Says once what a listener raises; who raises for every call would otherwise fill the log."""
    name = getattr(listener, "__qualname__", None) or type(listener).__qualname__
    if name not in _broken:
        _broken.add(name)
        logger.error("%s, which listens to finished calls, failed; this is said once.", name, exc_info=error)
