"""Sums over the calls of this process, and a limit to them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from auriko._checks import check_usd
from auriko._display.money import nano_of, usd_of, usd_text
from auriko.spend._limits import Account, Hold, books
from auriko.spend._record import CallRecord, SpendTotal
from auriko.spend._recorder import OnLimit, Recorder, SpendBlock, checked_tags
from auriko.spend._view import SpendView

OnThreshold = Callable[["SpendTracker", float], None]
THRESHOLDS: Final = (0.5, 0.9)
logger: Final = logging.getLogger("auriko")


class SpendTracker(Recorder, SpendView):
    """Adds up calls, safely over threads and event loops.

    It counts the calls inside `with tracker.active():`, and those of the clients and models that it was given to
    (`Client(spend=tracker)`). A call that is under both is counted once. A copy is the tracker itself; a pickle takes
    the calls so far along, and where it is unpickled the sums go their own way.

    Under a limit, each call reserves what it will probably cost at most, until its cost is known; a call that there is
    no room for raises `BudgetExceededError` before its request. So calls in flight are counted, and one whose cost
    stays unknown counts as its estimate.

    Args:
        limit_usd: The most that may be spent, in USD.
        tags: Labels that go into the records.
        on_limit: "wait" has a call for which there is no room wait for calls in flight to settle, no longer than its
            deadline; "raise" refuses it at once.
        on_threshold: Is called with the tracker and 0.5, or 0.9, once so much of the limit is spent; each once.
        already_spent_usd: What was spent before; it counts against the limit, and is no part of the sums.
        expected_usd: What a call is expected to cost of whose model none has been billed here yet.

    Raises:
        ValueError: An amount is negative or no number, or there is no such `on_limit`.
        TypeError: An argument is of the wrong type.
    """

    def __init__(
        self,
        limit_usd: float | None = None,
        *,
        tags: Sequence[str] = (),
        on_limit: OnLimit = "raise",
        on_threshold: OnThreshold | None = None,
        already_spent_usd: float = 0.0,
        expected_usd: float | None = None,
    ) -> None:
        super().__init__(tags)
        if on_limit not in {"raise", "wait"}:
            raise ValueError(f"on_limit is 'raise' or 'wait', not {on_limit!r}")
        self.on_limit = on_limit
        self.on_threshold = on_threshold
        self._expected = nano_of(check_usd("expected_usd", expected_usd)) if expected_usd is not None else None
        self._already_spent = nano_of(check_usd("already_spent_usd", already_spent_usd))
        self._records: dict[str, CallRecord] = {}
        self._total = SpendTotal()
        self._passed: list[float] = []
        self.limit_usd = limit_usd

    def _new_locks(self) -> None:
        # The lock is that of the books. Calls in flight stay with the process that this one was forked from.
        if self.account is not None:
            self.account.reserved = 0

    @property
    def limit_usd(self) -> float | None:
        """The most that may be spent, in USD, or None; it may be changed at any time."""
        return self.account.limit_usd if self.account is not None else None

    @limit_usd.setter
    def limit_usd(self, limit_usd: float | None) -> None:
        limit = checked_limit(limit_usd) if limit_usd is not None else None
        with books.lock:
            if limit is None:
                self.account = None
            elif self.account is None:
                spent = self._already_spent + nano_of(self._total.usd) + nano_of(self._total.estimated_usd)
                self.account = Account(limit, spent, self._expected)
            else:
                self.account.limit_usd = limit
        books.tell()

    @property
    def records(self) -> list[CallRecord]:
        """The calls so far, in the order in which they ended."""
        with books.lock:
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
    def estimated_usd(self) -> float:
        """The sum of estimates, in USD, for calls under a limit whose cost is not known."""
        return self._total.estimated_usd

    @property
    def reserved_usd(self) -> float:
        """What the calls in flight will probably cost at most, in USD; 0 without a limit."""
        return usd_of(self.account.reserved) if self.account is not None else 0.0

    @property
    def remaining_usd(self) -> float | None:
        """What is neither spent nor reserved up to the limit, in USD, or None without a limit."""
        return max(0.0, usd_of(self.account.left)) if self.account is not None else None

    def add(self, record: CallRecord, hold: Hold | None = None) -> None:
        """Counts one call; a call that has been counted already is not counted again."""
        with books.lock:
            account = self.account
            is_new = record.id not in self._records
            if is_new:
                self._records[record.id] = record
                self._total.add(record)
            if account is not None:
                account.spent += record.counted_nano if is_new else 0
                if hold is not None:
                    hold.settle(account, record)
        if hold is not None:
            books.tell()
        if account is not None and self.on_threshold is not None:
            self._tell_thresholds(account, self.on_threshold)

    def _tell_thresholds(self, account: Account, tell: OnThreshold) -> None:
        for threshold in THRESHOLDS:
            with books.lock:
                if threshold in self._passed or account.spent < threshold * nano_of(account.limit_usd):
                    continue
                self._passed.append(threshold)
            try:
                tell(self, threshold)
            except Exception:
                logger.exception("on_threshold failed; the call that it was told of did not.")

    def __repr__(self) -> str:
        unknown = f", {self.unknown_cost_calls} of unknown cost" if self.unknown_cost_calls else ""
        return f"SpendTracker({usd_text(self.usd)} in {self.calls} calls{unknown}{self._limit_text()})"

    def _limit_text(self) -> str:
        return f", limit {usd_text(self.limit_usd)}" if self.limit_usd is not None else ""

    def _summary(self) -> str:
        return f"{super()._summary()}{self._limit_text()}"

    def __getstate__(self) -> dict[str, Any]:
        kept = ("limit_usd", "tags", "on_limit", "records")  # a function to be called mostly cannot be pickled
        spent = usd_of(self._already_spent)
        return {**{name: getattr(self, name) for name in kept}, "already_spent_usd": spent}

    def __setstate__(self, state: dict[str, Any]) -> None:
        SpendTracker.__init__(self, **{name: value for name, value in state.items() if name != "records"})
        for record in state["records"]:
            self.add(record)


def checked_limit(limit_usd: float) -> float:
    """A limit in USD.

    Raises:
        ValueError: It is negative or no number.
        TypeError: It is of the wrong type.
    """
    return check_usd("limit_usd", limit_usd)


def track_spend(
    limit_usd: float | None = None,
    *,
    tags: Sequence[str] = (),
    on_limit: OnLimit = "raise",
    on_threshold: OnThreshold | None = None,
) -> SpendBlock[SpendTracker]:
    """A tracker of every call that starts inside a block; blocks may be nested, and each counts its own.

        with track_spend() as spend:        # or `async with`
            ...
        @track_spend(limit_usd=0.10)        # a function, sync or async, or a generator: each call is a block
        def answer(question): ...

    Args:
        limit_usd: The most that may be spent in the block, in USD; a call without room for it raises
            `BudgetExceededError` before its request.
        tags: Labels that go into the records.
        on_limit: "wait" has such a call wait for calls in flight to settle, no longer than its deadline.
        on_threshold: Is called with the tracker and 0.5, or 0.9, once so much of the limit is spent; each once.

    Raises:
        ValueError: The limit is negative or no number, or there is no such `on_limit`.
        TypeError: An argument is of the wrong type.
    """
    labels = checked_tags(tags)

    def make() -> SpendTracker:
        return SpendTracker(limit_usd, tags=labels, on_limit=on_limit, on_threshold=on_threshold)

    make()  # what cannot be is refused here, and not where the block begins
    return SpendBlock(make)
