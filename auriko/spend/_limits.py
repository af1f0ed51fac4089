"""Limits that hold: what a call will probably cost is reserved before it is sent, and becomes what it was billed.

All accounts of a process are kept under one lock, so that a call is looked at and reserved for in one step, in every
limit that it is under or in none.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from auriko._display.money import nano_of, usd_of, usd_text
from auriko.errors import BudgetExceededError
from auriko.spend._ledger_error import PATIENCE
from auriko.spend._record import CallRecord

if TYPE_CHECKING:  # prices are imported with the first limit
    from auriko.spend._estimates import Asked
    from auriko.spend._shared_limit import SharedLimit

News = Future[None]


class Books:
    """What every account of this process is kept under.

    Attributes:
        lock: Held while accounts are looked at or changed.
        waiting: Who waits for a call to settle.
    """

    lock: threading.RLock
    waiting: list[News]

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Makes the lock, also in a forked process, where a thread that is gone may have held the old one."""
        # A stream that is dropped while the lock is held may be collected by the very thread that holds it.
        self.lock = threading.RLock()
        self.waiting = []

    def tell(self) -> None:
        """Wakes whoever waits; without the lock, which they take."""
        if not self.waiting:
            return
        with self.lock:
            waiting, self.waiting = self.waiting, []
        for news in waiting:
            news.set_result(None)


books: Final = Books()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=books.begin)


class Account:
    """One limit with what counts against it, in billionths of a dollar. Used under the lock of the books.

    Attributes:
        spent: What has been billed, with estimates for costs that are not known.
        reserved: What the calls in flight hold.
        experience: What calls were billed here.
    """

    def __init__(self, limit_usd: float, spent: int = 0, expected: int | None = None) -> None:
        from auriko.spend._estimates import Experience

        self.limit_usd = limit_usd
        self.spent = spent
        self.reserved = 0
        self.experience = Experience(expected)

    @property
    def limit_usd(self) -> float:
        """The limit in USD."""
        return self._limit_usd

    @limit_usd.setter
    def limit_usd(self, limit_usd: float) -> None:
        self._limit_usd = limit_usd
        self._limit = nano_of(limit_usd) if math.isfinite(limit_usd) else limit_usd

    @property
    def left(self) -> float:
        """What is neither spent nor reserved; below 0 where calls cost more than they held."""
        return self._limit - self.spent - self.reserved

    def exceeded(self, needed: int) -> BudgetExceededError:
        """The error of a call that there is no room for."""
        spent, reserved = usd_of(self.spent), usd_of(self.reserved)
        in_flight = f", {usd_text(reserved)} reserved for calls in flight" if reserved else ""
        return BudgetExceededError(
            f"The spend limit of {usd_text(self.limit_usd)} is reached: {usd_text(spent)} spent{in_flight}, and this "
            f"call may cost {usd_text(usd_of(needed))}. No request was sent; raise limit_usd to go on.",
            code="local_budget_exceeded",
            limit_usd=self.limit_usd,
            spent_usd=spent,
            reserved_usd=reserved,
            needed_usd=usd_of(needed),
        )


class Hold:
    """What one call holds in the limits that it is under, until its cost is known.

    Attributes:
        asked: The request.
        shared: Its reservations in files, by limit: their names and amounts.
    """

    __slots__ = ("_amounts", "asked", "shared")

    def __init__(self, asked: Asked, amounts: dict[Account, int]) -> None:
        self.asked = asked
        self.shared: dict[SharedLimit, tuple[str, int]] = {}
        self._amounts = amounts

    @property
    def estimated_usd(self) -> float:
        """What the call counts as where its cost stays unknown."""
        return usd_of(min((*self._amounts.values(), *(amount for _, amount in self.shared.values()))))

    def release(self) -> None:
        """Gives everything back, for a call that is not made."""
        with books.lock:
            for account, amount in self._amounts.items():
                account.reserved -= amount
        books.tell()
        for limit, (name, _) in self.shared.items():
            limit.release(name)

    def settle(self, account: Account, record: CallRecord) -> None:
        """Gives back what the call held, whose cost has been added. Under the lock of the books."""
        account.reserved = max(account.reserved - self._amounts.pop(account, 0), 0)
        account.experience.note(self.asked, record)


def reserve(
    accounts: Sequence[Account],
    asked: Asked,
    news: News | None = None,
    *,
    shared: Sequence[SharedLimit] = (),
    tags: Sequence[str] = (),
    patience: float = PATIENCE,
) -> Hold:
    """Room for a call in all limits that it is under.

    Args:
        accounts: Those of this process.
        asked: The request.
        news: Is told when there may be room, where there is none for calls in flight.
        shared: Those in files, each of which is asked in a transaction of its own.
        tags: The call's tags.
        patience: Seconds to wait for a file that another process is writing.

    Raises:
        LedgerError: A file cannot be read or written. Nothing is reserved.
        BudgetExceededError: One of them has no room; of several the one with the least left. Nothing is reserved.
    """
    amounts: dict[Account, int] = {}
    refused: dict[Account, int] = {}
    with books.lock:
        for account in accounts:
            needed, held = account.experience.offer(asked, account.left, account.reserved)
            if held is None:
                refused[account] = needed
            else:
                amounts[account] = held
        if refused:
            account = min(refused, key=lambda account: account.left)
            if news is not None and account.reserved:
                books.waiting.append(news)
            raise account.exceeded(refused[account])
        for account, held in amounts.items():
            account.reserved += held
    hold = Hold(asked, amounts)
    if shared:
        try:
            for limit in shared:
                hold.shared[limit] = limit.reserve(asked, tags, patience)
        except BaseException:
            hold.release()
            raise
    return hold
