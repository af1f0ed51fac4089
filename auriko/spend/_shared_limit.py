"""A limit that processes share: what has been spent and what is reserved stand in a ledger's file.

A reservation is a row, made in one transaction with the look at what is left, and removed in one with the record of the
call. It has an owner and a lease, so that a process that was killed gives back what it held: at once where that can be
seen, else when the lease has run out.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic_core import to_json

from auriko._display.money import NANO, nano_of, usd_of, usd_text
from auriko.errors import BudgetExceededError
from auriko.spend._ledger_error import PATIENCE, LedgerBusyError, LedgerError
from auriko.spend._periods import Period, bounds_of
from auriko.spend._record import new_id

if TYPE_CHECKING:
    from auriko.spend._estimates import Asked

# Seconds for which a call that has ended waits for a file; then its record waits beside it, and a thread moves it.
_MOMENT: Final = 0.02
_LEASE: Final = 600.0  # renewed whenever its owner reserves again


def _nano(usd: str) -> str:
    """An amount in billionths of a dollar, in SQL."""
    return f"CAST(round(coalesce({usd}, 0) * {NANO}) AS INTEGER)"


def _sum(nano: str) -> str:
    """A sum of such amounts, in SQL; `sum` itself fails where it is more than an integer can be."""
    return f"CAST(total({nano}) AS INTEGER)"


_HOUR: Final = "CAST(started_at / 3600 AS INTEGER)"
_AMOUNT: Final = _nano("coalesce(usd, estimated_usd)")
_ESTIMATED: Final = _nano("iif(usd IS NULL, estimated_usd, 0)")
# Sums by hour, since those of a month would otherwise be added up before every call. "" is every tag together.
_SCHEMA: Final = (
    """CREATE TABLE reservations (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL, nano INTEGER NOT NULL, tags TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE spent (
        tag TEXT NOT NULL, hour INTEGER NOT NULL, nano INTEGER NOT NULL, estimated INTEGER NOT NULL,
        PRIMARY KEY (tag, hour)
    ) WITHOUT ROWID""",
    f"""INSERT INTO spent SELECT tag, hour, {_sum("nano")}, {_sum("estimated")} FROM (
        SELECT '' AS tag, {_HOUR} AS hour, {_AMOUNT} AS nano, {_ESTIMATED} AS estimated FROM calls
        UNION ALL
        SELECT value, {_HOUR}, {_AMOUNT}, {_ESTIMATED} FROM calls, json_each(tags)
    ) GROUP BY tag, hour""",  # noqa: S608 - made of the constants above
    f"""CREATE TRIGGER add_up AFTER INSERT ON calls BEGIN
        INSERT OR IGNORE INTO spent
            SELECT tag, (SELECT {_HOUR} FROM calls WHERE id = NEW.id), 0, 0
            FROM (SELECT '' AS tag UNION SELECT value FROM json_each(NEW.tags));
        UPDATE spent SET nano = nano + (SELECT {_AMOUNT} FROM calls WHERE id = NEW.id),
            estimated = estimated + (SELECT {_ESTIMATED} FROM calls WHERE id = NEW.id)
            WHERE hour = (SELECT {_HOUR} FROM calls WHERE id = NEW.id)
            AND (tag = '' OR tag IN (SELECT value FROM json_each(NEW.tags)));
    END""",  # noqa: S608 - as above
)
_SPENT: Final = f"SELECT {_sum('nano')}, {_sum('estimated')} FROM spent WHERE tag = ? AND hour >= ?"  # noqa: S608
_RESERVED: Final = f"SELECT {_sum('nano')} FROM reservations"  # noqa: S608
_RESERVED_BY_TAG: Final = f"{_RESERVED}, json_each(tags) WHERE value = ?"
_RENEW: Final = """
    UPDATE reservations SET until = ? WHERE owner = ? AND id NOT IN (SELECT value FROM json_each(?))
"""
# Reservations of this process that have ended and could not be removed: they count until their lease has run out.
_ended: Final[set[str]] = set()
# Connections of the process that this one was forked from: to close one here would harm it there.
_inherited: Final[list[sqlite3.Connection]] = []


class LimitStatus(NamedTuple):
    """A limit with what counts against it now.

    Attributes:
        tag: The tag that it is for, or None for all calls.
        limit_usd: The limit, in USD.
        per: Its period.
        spent_usd: What is known to have been billed in the present period.
        estimated_usd: The estimates of calls whose cost is not known.
        reserved_usd: What calls in flight may cost.
        renews_at: When the next period begins, or None.
    """

    tag: str | None
    limit_usd: float
    per: Period
    spent_usd: float
    estimated_usd: float
    reserved_usd: float
    renews_at: datetime | None

    @property
    def left_usd(self) -> float:
        """What is neither spent nor reserved."""
        return self.limit_usd - self.spent_usd - self.estimated_usd - self.reserved_usd


class SharedLimit:
    """Limits in a ledger's file, in USD by tag, "" for all calls. `prepare` makes the file a ledger."""

    def __init__(self, path: Path, limits: Mapping[str, float], per: Period, prepare: Callable[[], None]) -> None:
        from auriko.spend._estimates import Experience

        self._path = path
        self._limits = limits
        self._per: Period = per
        self._prepare = prepare
        self._database: sqlite3.Connection | None = None
        self.experience = Experience(None)
        self.begin()

    def begin(self) -> None:
        """Makes the lock, also in a forked process, which has its own connection; the old one is never touched."""
        self._lock = threading.RLock()  # as that of the books
        if self._database is not None:
            self._closing.detach()
            _inherited.append(self._database)
        self._database = None
        self._spooled: set[str] = set()
        self._owner = f"{platform.node()}:{os.getpid()}"

    def reserve(self, asked: Asked, tags: Sequence[str], patience: float) -> tuple[str, int]:
        """The name of a reservation and what it holds.

        Raises:
            BudgetExceededError: There is no room for the call.
            LedgerError: The file cannot be read or written; `LedgerBusyError` for as long as another process writes it.
        """
        held: list[int] = []
        with self._transaction(patience) as database:
            self._give_back_of_the_dead(database)
            for status in self._statuses(database, ["", *tags]):
                left, reserved = nano_of(status.left_usd), nano_of(status.reserved_usd)
                needed, amount = self.experience.offer(asked, left, reserved)
                if amount is None:
                    raise self._exceeded(status, needed)
                held.append(amount)
            name, amount = new_id(), min(held)
            row = (name, self._owner, time.time() + _LEASE, amount, to_json(tags).decode())
            database.execute("INSERT INTO reservations VALUES (?, ?, ?, ?, ?)", row)
        return name, amount

    def settle(self, name: str | None, statement: str, row: Sequence[Any]) -> None:
        """Writes a call's record in the place of its reservation.

        Raises:
            LedgerError: The file cannot be written.
        """
        with self._ending(name) as database:
            database.execute(statement, row)

    def release(self, name: str) -> None:
        """Gives back what a call held that is not made."""
        with contextlib.suppress(LedgerError), self._ending(name):  # else its lease runs out
            pass

    @contextmanager
    def _ending(self, name: str | None) -> Generator[sqlite3.Connection]:
        """A transaction in which a reservation ends; where that fails, its lease is renewed no more."""
        try:
            with self._transaction(_MOMENT) as database:
                database.execute("DELETE FROM reservations WHERE id = ?", (name,))
                yield database
        except BaseException:
            _ended.add(name or "")
            raise

    def spooled(self, name: str) -> None:
        """Notes that the record of a call which could not be settled waits to be moved."""
        self._spooled.add(name)

    @contextmanager
    def moving(self) -> Generator[None]:
        """A block that moves records into the file; what their calls still hold is given back after it."""
        names = [*self._spooled]
        yield
        if names:
            with contextlib.suppress(LedgerError), self._transaction() as database:
                database.executemany("DELETE FROM reservations WHERE id = ?", [(name,) for name in names])
                self._spooled.difference_update(names)
                _ended.difference_update(names)

    def statuses(self) -> list[LimitStatus]:
        """Every limit as it is now.

        Raises:
            LedgerError: The file cannot be read or written.
        """
        with self._transaction() as database:
            self._give_back_of_the_dead(database)
            return self._statuses(database, self._limits)

    def _statuses(self, database: sqlite3.Connection, tags: Sequence[str] | Mapping[str, float]) -> list[LimitStatus]:
        begin, renews_at = bounds_of(self._per, time.time())
        found: list[LimitStatus] = []
        for tag in tags:
            if tag in self._limits:
                ((spent, estimated),) = database.execute(_SPENT, (tag, int(begin // 3600)))
                by_tag = (_RESERVED_BY_TAG, (tag,)) if tag else (_RESERVED, ())
                ((reserved,),) = database.execute(*by_tag)
                amounts = (usd_of(spent - estimated), usd_of(estimated), usd_of(reserved))
                found.append(LimitStatus(tag or None, self._limits[tag], self._per, *amounts, renews_at))
        return found

    def _give_back_of_the_dead(self, database: sqlite3.Connection) -> None:
        now = time.time()
        database.execute(_RENEW, (now + _LEASE, self._owner, to_json([*_ended]).decode()))
        database.execute("DELETE FROM reservations WHERE until < ?", (now,))
        for (owner,) in database.execute("SELECT DISTINCT owner FROM reservations").fetchall():
            if not _is_alive(owner):
                database.execute("DELETE FROM reservations WHERE owner = ?", (owner,))

    def _exceeded(self, status: LimitStatus, needed: int) -> BudgetExceededError:
        spent = usd_of(nano_of(status.spent_usd) + nano_of(status.estimated_usd))
        per = "" if status.per == "total" else f" per {status.per}"
        of_tag = f" for {status.tag!r}" if status.tag is not None else ""
        renews = f" It renews at {status.renews_at:%Y-%m-%d %H:%M} UTC." if status.renews_at is not None else ""
        return BudgetExceededError(
            f"The spend limit of {usd_text(status.limit_usd)}{per}{of_tag} of the ledger {self._path} is reached: "
            f"{usd_text(spent)} spent, {usd_text(status.reserved_usd)} reserved for calls in flight, and this call may "
            f"cost {usd_text(usd_of(needed))}. No request was sent.{renews}",
            code="local_budget_exceeded",
            limit_usd=status.limit_usd,
            spent_usd=spent,
            reserved_usd=status.reserved_usd,
            needed_usd=usd_of(needed),
        )

    @contextmanager
    def _transaction(self, patience: float = PATIENCE) -> Generator[sqlite3.Connection]:
        if not self._lock.acquire(timeout=patience):  # another thread waits for the file
            raise self._failed("another thread waits for it", LedgerBusyError)
        try:
            database = self._database or self._open()
            self._begin(database, patience)
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise self._failed(error) from error
        finally:
            self._lock.release()

    def _begin(self, database: sqlite3.Connection, patience: float) -> None:
        """Begins a transaction; once that is done, the file is this process's."""
        try:
            database.execute(f"PRAGMA busy_timeout = {round(patience * 1000)}")
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise self._failed(error, LedgerBusyError if "locked" in str(error) else LedgerError) from error
        finally:
            database.execute(f"PRAGMA busy_timeout = {round(PATIENCE * 1000)}")

    def _failed(self, why: object, kind: type[LedgerError] = LedgerError) -> LedgerError:
        return kind(f"the limit in {self._path} cannot be kept: {why}")

    def _open(self) -> sqlite3.Connection:
        self._prepare()
        database = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            # What a killed process has committed is safe all the same; only a machine without power may lose the last.
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("BEGIN IMMEDIATE")
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'reservations'").fetchall():
                for statement in _SCHEMA:
                    database.execute(statement)
            database.execute("COMMIT")
        except BaseException:
            database.close()
            raise
        self._database = database
        # Not at the program's end, where nothing is owed, and a forked process may be the one that ends.
        self._closing = weakref.finalize(self, database.close)
        self._closing.atexit = False
        return database


def _is_alive(owner: str) -> bool:
    """False if a process is known to be gone; of one on another machine only its lease tells."""
    host, _, process = owner.rpartition(":")
    if host != platform.node() or os.name != "posix":
        return True
    try:
        with contextlib.suppress(PermissionError):
            os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    return True
