"""Finished calls on disk: a SQLite file that many processes write to, and that crashes do not harm."""

from __future__ import annotations

import atexit
import logging
import os
import sqlite3
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import NoneType
from typing import Any, Final
from weakref import WeakSet, WeakValueDictionary

from pydantic_core import from_json, to_json
from typing_extensions import Self

from auriko._checks import check_usd
from auriko._display.money import NANO
from auriko.spend._export import COLUMNS
from auriko.spend._ledger_error import LedgerError
from auriko.spend._ledger_file import reading, writing
from auriko.spend._limits import Hold, books
from auriko.spend._periods import Period, check_period, since_epoch
from auriko.spend._record import CallRecord, SpendTotal
from auriko.spend._recorder import Recorder
from auriko.spend._shared_limit import LimitStatus, SharedLimit
from auriko.spend._spool import Spool, line_of, portions, waiting
from auriko.spend._view import Key, SpendView

logger: Final = logging.getLogger("auriko")
_BEYOND: Final = 2**63  # the integers of SQLite
_MOST_FAILURES: Final = 5  # one after another, after which nothing more is tried
_INSERT: Final = f"INSERT OR IGNORE INTO calls ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_GROUPS: Final[dict[Key | None, str]] = {
    None: "NULL",
    "provider": "provider",
    "model": "model",
    "tag": "json_each.value",
    "conversation": "conversation",
    "day": "date(started_at, 'unixepoch')",
}


class SpendLedger(Recorder, SpendView):
    """Every finished call in a SQLite file, over processes and for as long as you keep it.

    `AURIKO_LEDGER=path` gives one to every client. To record never fails a call: what goes wrong is logged once.
    Prompts and replies are not stored. Reading (`records`, `total`, `by_model()`) raises `LedgerError`.

    Args:
        path: The file; it and its folders are made, readable by you alone, when the first call has ended.
        limit_usd: The most that may be spent in a period, in USD, by all processes together that share the file and
            have this limit. A call for which there is no room raises `BudgetExceededError`; where the file cannot be
            read, `LedgerError`.
        per: The period: an "hour", a "day" or a "month" of UTC, or "total".
        per_tag: Limits in USD for calls with a tag, by tag, of the same period.

    Raises:
        ValueError: A limit is negative or no number, or there is no such period.
        TypeError: The path is none, or a limit no number.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        limit_usd: float | None = None,
        per: Period = "total",
        *,
        per_tag: Mapping[str, float] | None = None,
    ) -> None:
        self.path = Path(path).expanduser().absolute()
        self._limits = {
            tag: check_usd("limit_usd" if not tag else f"per_tag[{tag!r}]", limit)
            for tag, limit in {"": limit_usd, **(per_tag or {})}.items()
            if limit is not None
        }
        self._per: Period = check_period(per)
        if self._limits:
            self.shared_limit = SharedLimit(self.path, self._limits, self._per, self._make)
        self._since = 0.0
        self._failed = False
        self._failures = 0
        self._unmoved: Exception | None = None  # why the latest move failed
        self._spool: Spool | None = None
        super().__init__(())
        _open_ledgers.add(self)

    def _new_locks(self) -> None:
        # A file that is being written stays with the process that this one was forked from.
        with suppress(OSError):
            self._close_spool()
        self._lock = threading.Lock()
        self._fold_lock = threading.Lock()
        self._folding = False
        if self.shared_limit is not None:
            self.shared_limit.begin()

    @property
    def limits(self) -> list[LimitStatus]:
        """The limits, that for all calls first, with what is spent, estimated and reserved now.

        Raises:
            LedgerError: The file cannot be read.
        """
        if self.shared_limit is None:
            return []
        self.flush()
        return self.shared_limit.statuses()

    def _make(self) -> None:
        with writing(self.path):
            pass

    def add(self, record: CallRecord, hold: Hold | None = None) -> None:
        """Records one call; a call that is there already is not recorded again."""
        limit, name = self.shared_limit, None
        if limit is not None:
            name, _ = hold.shared.get(limit, (None, 0)) if hold is not None else (None, 0)
            with suppress(LedgerError):  # else it waits beside the file, and its reservation for the end of its lease
                limit.settle(name, _INSERT, _row_of(record.to_dict()))
                if hold is not None:
                    limit.experience.note(hold.asked, record)
                    books.tell()
                if self._spool is not None or self._unmoved is not None:  # what could not be written at once
                    self._fold_in_background()
                return
        if self._failures == _MOST_FAILURES:
            return
        try:
            line = line_of(record)
            with self._lock:
                spool = self._spool or self._open_spool()
                full = spool.append(line)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no reason to lose a reply that was paid for
            self._failures += 1
            self._abandon_spool()
            self._note_failure(error)
            return
        self._failures = 0
        if limit is not None and name is not None:
            limit.spooled(name)
        if full or limit is not None:
            self._fold_in_background()

    def _open_spool(self) -> Spool:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._spool = Spool(self.path)
        return self._spool

    def _abandon_spool(self) -> None:
        with self._lock:
            spool, self._spool = self._spool, None
        if spool is not None:
            spool.abandon()

    def _close_spool(self) -> None:
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.close()

    def flush(self) -> None:
        """Moves what waits beside the file into it, as every 500 calls or so, at the end, and before reading."""
        try:
            self._fold()
            self._unmoved = None
        except Exception as error:  # noqa: BLE001 - as when a call is recorded
            self._unmoved = error
            self._note_failure(error)

    def since(self, when: str | timedelta | datetime) -> Self:
        """The same ledger, of which only calls are read that started since then.

        Args:
            when: How long ago ("30m", "12h", "7d", "2w", or a timedelta), or a date, of UTC where it does not say.

        Raises:
            ValueError: The text is neither.
        """
        part = type(self)(self.path)
        part._since = since_epoch(when)  # noqa: SLF001 - of the same class
        return part

    @property
    def records(self) -> list[CallRecord]:
        """The calls, in the order in which they ended.

        Raises:
            LedgerError: The file cannot be read.
        """
        query = f"SELECT {', '.join(COLUMNS)} FROM calls WHERE started_at >= ? ORDER BY id"  # noqa: S608 - of names
        return [_record_of(row) for row in self._read(query)]

    def _sums(self, key: Key | None) -> dict[str | None, SpendTotal]:
        query = f"""
            SELECT {_GROUPS[key]}, count(*), {_exact_sum("usd")}, sum(usd IS NULL AND may_be_billed),
                CAST(total(prompt_tokens) AS INTEGER), CAST(total(completion_tokens) AS INTEGER),
                {_exact_sum("cache_savings_usd")}, count(estimated_usd), {_exact_sum("estimated_usd")}
            FROM calls {"LEFT JOIN json_each(tags)" if key == "tag" else ""}
            WHERE started_at >= ? GROUP BY 1 ORDER BY min(calls.id)
        """  # noqa: S608 - made of the constants above
        return {name: SpendTotal(*sums) for name, *sums in self._read(query)}

    def _read(self, query: str) -> list[Any]:
        try:
            with self.reading() as database:
                return database.execute(query, (self._since,)).fetchall()
        except LedgerError:
            if self._unmoved is not None or self.path.exists():
                raise
            return []

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """A connection to the file for queries of your own, which only reads: table `calls`, a row for each record.

        Raises:
            LedgerError: The file cannot be read.
        """
        self.flush()
        try:
            with reading(self.path) as database:
                yield database
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path} cannot be read as a ledger of calls: {self._unmoved or error}") from None

    def _fold_in_background(self) -> None:
        with self._lock:
            if self._folding:
                return
            self._folding = True
        # At the interpreter's end no thread can be started any more; what waits is then moved by `atexit`.
        with suppress(RuntimeError):
            threading.Thread(target=self._fold_once, name="auriko-ledger", daemon=True).start()

    def _fold_once(self) -> None:
        try:
            self.flush()
        finally:
            self._folding = False

    def _fold(self) -> None:
        with self._lock:
            self._close_spool()
        if not self.path.parent.is_dir():
            return
        ended = self.shared_limit.moving() if self.shared_limit is not None else nullcontext()
        with self._fold_lock, ended:
            for paths in portions(self.path):
                with waiting(paths) as calls:
                    if calls:
                        with writing(self.path) as database:
                            database.executemany(_INSERT, map(_row_of, calls))

    def _note_failure(self, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            logger.warning(
                "The ledger %s cannot be written: %s. Calls go on, and those that are not recorded are missing from "
                "it; after %d failures one after another no more is tried. This is said once.",
                self.path,
                error,
                _MOST_FAILURES,
            )

    def __repr__(self) -> str:
        return f"SpendLedger({str(self.path)!r})"

    def __reduce__(self) -> Any:
        per_tag = {tag: limit for tag, limit in self._limits.items() if tag}
        return (ledger_at, (str(self.path), self._limits.get(""), self._per, per_tag or None))


_open_ledgers: Final[WeakSet[SpendLedger]] = WeakSet()
_shared: Final[WeakValueDictionary[str, SpendLedger]] = WeakValueDictionary()


def ledger_at(
    path: str, limit_usd: float | None = None, per: Period = "total", per_tag: Mapping[str, float] | None = None
) -> SpendLedger:
    """This process's one ledger in a file with these limits."""
    path = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - a key, made for every client
    key = path if limit_usd is None and not per_tag else f"{path}\0{limit_usd}/{per}/{sorted((per_tag or {}).items())}"
    return _shared.get(key) or _shared.setdefault(key, SpendLedger(path, limit_usd, per, per_tag=per_tag))


def _exact_sum(column: str) -> str:
    """The sum of amounts in SQL, added up in billionths of a dollar as everywhere; `total` does not overflow."""
    return f"total(round({column} * {NANO})) / {NANO}"


def _row_of(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """The columns of a record; what SQLite cannot hold is unknown, so that it is alone in not being recorded."""
    row = map({**fields, "tags": to_json(fields.get("tags") or []).decode()}.get, COLUMNS)
    return tuple(value if _fits(value) else None for value in row)


def _fits(value: Any) -> bool:
    return -_BEYOND <= value < _BEYOND if isinstance(value, int) else isinstance(value, (str, float, NoneType))


def _record_of(row: tuple[Any, ...]) -> CallRecord:
    fields = dict(zip(COLUMNS, row, strict=True))
    flags = {name: bool(fields[name]) for name in ("stream", "may_be_billed")}
    return CallRecord.from_dict({**fields, **flags, "tags": from_json(fields["tags"])})


def _flush_all() -> None:
    for ledger in list(_open_ledgers):
        ledger.flush()


atexit.register(_flush_all)
