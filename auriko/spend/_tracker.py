"""Sums over the calls of this process, and a limit to them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from typing_extensions import Self

from auriko.errors import BudgetExceededError
from auriko.spend._record import CallRecord, SpendTotal
from auriko.spend._recorder import Recorder, SpendBlock, checked_tags
from auriko.spend._view import SpendView


class SpendTracker(Recorder, SpendView):
    """Adds up calls, safely over threads and event loops.

    It counts the calls inside `with tracker.active():`, and those of the clients and models that it was given to
    (`Client(spend=tracker)`). A call that is under both is counted once. A copy is the tracker itself; a pickle takes
    the calls so far along, and where it is unpickled the sums go their own way.

    Args:
        limit_usd: Once so much has been spent, in USD, the next call raises `BudgetExceededError` before its
            request. Calls in flight are finished, so the sum may pass the limit by what they cost; calls whose
            cost is unknown do not count against it.
        tags: Labels that go into the records.

    Raises:
        ValueError: The limit is negative or no number.
        TypeError: The limit or the tags are of the wrong type.
    """

    def __init__(self, limit_usd: float | None = None, *, tags: Sequence[str] = ()) -> None:
        super().__init__(tags)
        self.limit_usd = checked_limit(limit_usd) if limit_usd is not None else None
        self._records: dict[str, CallRecord] = {}
        self._total = SpendTotal()

    def _new_locks(self) -> None:
        self._lock = threading.Lock()

    @property
    def records(self) -> list[CallRecord]:
        """The calls so far, in the order in which they ended."""
        with self._lock:
            return list(self._records.values())

    @property
    def usd(self) -> float:
        """The sum that is known to have been billed, in USD."""
        return self._total.usd

    @property
    def calls(self) -> int:
        """The number of calls that have ended."""
        return self._total.calls

    @property
    def unknown_cost_calls(self) -> int:
        """The number of calls that may have been billed at a cost that is not known."""
        return self._total.unknown_cost_calls

    @property
    def remaining_usd(self) -> float | None:
        """The sum that is left up to the limit, in USD, or None without a limit."""
        return max(0.0, self.limit_usd - self.usd) if self.limit_usd is not None else None

    def check(self) -> None:
        """Nothing, while the limit is not reached.

        Raises:
            BudgetExceededError: So much has been spent that no call may start.
        """
        limit, spent = self.limit_usd, self._total.usd
        if limit is not None and spent >= limit:
            raise BudgetExceededError(
                f"The spend limit of ${limit:g} is reached: ${spent:.6f} in {self.calls} calls. "
                "No request was sent; raise limit_usd to go on.",
                code="local_budget_exceeded",
                limit_usd=limit,
                spent_usd=spent,
            )

    def add(self, record: CallRecord) -> None:
        """Counts one call; a call that has been counted already is not counted again."""
        with self._lock:
            if record.id not in self._records:
                self._records[record.id] = record
                self._total.add(record)

    def __repr__(self) -> str:
        unknown = f", {self.unknown_cost_calls} of unknown cost" if self.unknown_cost_calls else ""
        limit = f", limit ${self.limit_usd:g}" if self.limit_usd is not None else ""
        return f"SpendTracker(${self.usd:.6f} in {self.calls} calls{unknown}{limit})"

    def _summary(self) -> str:
        limit = f", limit ${self.limit_usd:g}" if self.limit_usd is not None else ""
        return f"{super()._summary()}{limit}"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {"limit_usd": self.limit_usd, "tags": self.tags, "records": self.records}

    def __setstate__(self, state: dict[str, Any]) -> None:
        SpendTracker.__init__(self, state["limit_usd"], tags=state["tags"])
        for record in state["records"]:
            self.add(record)


def checked_limit(limit_usd: float) -> float:
    """A limit in USD.

    Raises:
        ValueError: It is negative or no number.
        TypeError: It is of the wrong type.
    """
    if isinstance(limit_usd, bool) or not isinstance(limit_usd, (int, float)):  # pyright: ignore[reportUnnecessaryIsInstance]
        advice = "; as a decorator, write @track_spend()" if callable(limit_usd) else ""
        raise TypeError(f"limit_usd is an amount in USD, not {type(limit_usd).__name__}{advice}")
    if not limit_usd >= 0:
        raise ValueError(f"limit_usd must be 0 or more, not {limit_usd!r}")
    return limit_usd


def track_spend(limit_usd: float | None = None, *, tags: Sequence[str] = ()) -> SpendBlock[SpendTracker]:
    """A tracker of every call that starts inside a block; blocks may be nested, and each counts its own.

        with track_spend() as spend:        # or `async with`
            ...
        @track_spend(limit_usd=0.10)        # a function, sync or async, or a generator: each call is a block
        def answer(question): ...

    Args:
        limit_usd: Once so much has been spent in the block, in USD, the next call raises `BudgetExceededError`.
        tags: Labels that go into the records.

    Raises:
        ValueError: The limit is negative or no number.
        TypeError: The limit or the tags are of the wrong type.
    """
    if limit_usd is not None:
        checked_limit(limit_usd)
    labels = checked_tags(tags)
    return SpendBlock(lambda: SpendTracker(limit_usd, tags=labels))
