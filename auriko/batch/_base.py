"""The base of batches of threads and of tasks: bounds, numbering, cost, the bar, and the order of results."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sized
from contextvars import Context, copy_context
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, cast

from pydantic import BaseModel

from auriko._checks import check_seconds
from auriko._rules.call import Call, check_names
from auriko.errors import BudgetExceededError
from auriko.spend import SpendTracker, track_spend, usd_text
from auriko.types.batch_params import BatchOptions

ReplyT = TypeVar("ReplyT", bound=BaseModel)
Request: TypeAlias = Mapping[str, Any]
OnError: TypeAlias = Literal["return", "raise"]
DEFAULT_CONCURRENCY: Final = 16
END: Final[Any] = object()


class BatchBase(Generic[ReplyT]):
    """The base of both kinds of batch: everything but the threads and the awaiting.

    Attributes:
        spend: What the batch has cost so far.
    """

    spend: SpendTracker

    def __init__(self, to_call: Callable[[Request], Call[ReplyT]], total: int | None, options: BatchOptions) -> None:
        check_names(options, BatchOptions, "batch")
        per_second = options.get("max_per_second")
        self._to_call = to_call
        self._max_concurrency = _check_concurrency(options.get("max_concurrency", DEFAULT_CONCURRENCY))
        self._interval = 1 / per_second if check_seconds("max_per_second", per_second) and per_second else 0.0
        self._start_at = float("-inf")
        self._limit_usd = options.get("limit_usd")
        self._bar_wanted = options.get("progress")
        self._total = total
        self._context: Context | None = None
        self._bar: Any = None
        self._taken = 0
        self._open = 0
        self._errors = 0

    def _begin(self) -> None:
        with track_spend(self._limit_usd, on_limit="wait") as self.spend:
            self._context = copy_context()
        self._bar = _open_bar(self._bar_wanted, self._total)

    def _end(self) -> None:
        self._context = None
        if self._bar is not None:
            self._bar.close()

    def _running(self) -> Context:
        if self._context is None:
            raise RuntimeError("a batch is iterated over inside its `with` block")
        return self._context

    def _call(self, request: Any) -> Call[ReplyT]:
        """The call of a request.

        Raises:
            ValueError: It cannot be sent as it is.
            TypeError: It is no dict, or has an unknown argument.
        """
        if not isinstance(request, Mapping):
            raise TypeError(f"a request is a dict of the arguments of create, not {type(request).__name__}")
        arguments = dict(cast("Request", request))
        if arguments.pop("stream", False):
            raise ValueError("a batch does not stream: leave stream out of its requests")
        return self._to_call(arguments)

    def _has_room(self) -> bool:
        return self._open < self._max_concurrency

    def _pause(self) -> float:
        """Seconds to wait before the next request may start."""
        now = time.monotonic()
        start_at = max(now, self._start_at)
        self._start_at = start_at + self._interval
        return start_at - now

    def _number(self) -> int:
        self._taken += 1
        self._open += 1
        return self._taken - 1

    def _delivered(self, index: int, result: ReplyT | BaseException) -> tuple[int, ReplyT | Exception]:
        self._open -= 1
        if isinstance(result, BaseException):
            self._errors += 1
            if not isinstance(result, Exception):
                raise result
        if isinstance(result, BudgetExceededError):
            self._interval, self._start_at = 0.0, float("-inf")  # nothing is sent any more, so nothing is to be spread
        if self._bar is not None:
            self._bar.set_postfix_str(self._running_cost(), refresh=False)
            self._bar.update()
        return index, result

    def _running_cost(self) -> str:
        unknown = self.spend.unknown_cost_calls
        parts = [usd_text(self.spend.usd)]
        parts += [f"{unknown} of unknown cost"] if unknown else []
        parts += [f"{self._errors} errors"] if self._errors else []
        return ", ".join(parts)


class Results(Generic[ReplyT]):
    """Results as they come, put into the order of the requests."""

    def __init__(self, on_error: OnError) -> None:
        if on_error not in {"return", "raise"}:
            raise ValueError(f"on_error is 'return' or 'raise', not {on_error!r}")
        self._on_error = on_error
        self._by_index: dict[int, ReplyT | Exception] = {}

    def add(self, index: int, result: ReplyT | Exception) -> None:
        """Keeps a result, or raises it where that was asked for."""
        if self._on_error == "raise" and isinstance(result, Exception):
            raise result
        self._by_index[index] = result

    def in_order(self) -> list[ReplyT | Exception]:
        """All of them."""
        return [self._by_index[index] for index in range(len(self._by_index))]


def length_of(requests: Any) -> int | None:
    """The number of requests, where that is known.

    Raises:
        TypeError: It is no iterable of requests.
    """
    if isinstance(requests, (str, bytes, Mapping)) or not isinstance(requests, (Iterable, AsyncIterable)):
        raise TypeError(
            "requests is an iterable of requests such as {'model': ..., 'messages': [...]}, "
            f"not {type(requests).__name__}"  # pyright: ignore[reportUnknownArgumentType]
        )
    return len(requests) if isinstance(requests, Sized) else None  # pyright: ignore[reportUnknownArgumentType]


def _check_concurrency(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"max_concurrency is a whole number, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"max_concurrency must be 1 or more, not {value}")
    return value


def _open_bar(wanted: bool | None, total: int | None) -> Any:
    """A progress bar, or None.

    Raises:
        ImportError: It is wanted, and tqdm is not installed.
    """
    from auriko._display.card import in_a_notebook

    if wanted is False or (wanted is None and not (sys.stderr.isatty() or in_a_notebook())):
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError:
        if wanted:
            raise ImportError('progress=True needs tqdm: pip install "auriko[notebook]", or tqdm alone') from None
        return None
    return tqdm(total=total, unit="req")
