"""The SQLite file of a ledger: its table, and connections that read and write it, whichever version has made it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

_PATIENCE: Final = 10.0
_VERSION: Final = 1
_APPLICATION: Final = 0x4155524B  # "AURK", by which a file is known to be a ledger

# A file made by one version is read and written by the next, so that columns are only ever added.
_ADDED: Final = {"estimated_usd": "REAL", "conversation": "TEXT"}
_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY, started_at REAL NOT NULL, duration_ms REAL NOT NULL, ttft_ms REAL,
    operation TEXT NOT NULL, stream INTEGER NOT NULL, status TEXT NOT NULL, error TEXT, error_code TEXT,
    model_asked TEXT NOT NULL, model TEXT, provider TEXT,
    usd REAL, may_be_billed INTEGER NOT NULL, cache_savings_usd REAL,
    prompt_tokens INTEGER, completion_tokens INTEGER,
    cached_tokens INTEGER, cache_write_tokens INTEGER, reasoning_tokens INTEGER,
    request_id TEXT, tags TEXT NOT NULL, {", ".join(f"{name} {kind}" for name, kind in _ADDED.items())}
) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""


@contextmanager
def reading(path: Path) -> Generator[sqlite3.Connection]:
    """A connection that only reads; its table has all columns."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_PATIENCE)) as database:
        _check_kind(database)
        if missing := _missing_columns(database):  # a file of an earlier version, which may be read-only
            unknown = ", ".join(f"NULL AS {column}" for column in missing)
            database.execute(f"CREATE TEMP VIEW calls AS SELECT *, {unknown} FROM main.calls")  # noqa: S608 - of names
        yield database


@contextmanager
def writing(path: Path) -> Generator[sqlite3.Connection]:
    """A transaction; the file is made where it is missing."""
    # Made here and not by SQLite, whose other files take over the permissions.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as database:
        _check_kind(database)
        with suppress(sqlite3.OperationalError):  # in use elsewhere just now, so the next transaction does it
            database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN IMMEDIATE")
        if not _check_kind(database):
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
        for column in _missing_columns(database):
            database.execute(f"ALTER TABLE calls ADD COLUMN {column} {_ADDED[column]}")
        yield database
        database.execute("COMMIT")


def _check_kind(database: sqlite3.Connection) -> bool:
    """True if the file has calls; False for an empty one.

    Raises:
        sqlite3.DatabaseError: It is something else.
    """
    # In this order: another process may make the file a ledger in between.
    ((tables,),) = database.execute("SELECT count(*) FROM sqlite_master")
    ((application,),) = database.execute("PRAGMA application_id")
    ((version,),) = database.execute("PRAGMA user_version")
    if application != _APPLICATION and tables:
        raise sqlite3.DatabaseError("it is another program's database")
    if version > _VERSION:
        raise sqlite3.DatabaseError("a newer version of auriko wrote it; install that")
    return bool(tables)


def _missing_columns(database: sqlite3.Connection) -> list[str]:
    """The columns that an earlier version did not have yet."""
    there = {row[1] for row in database.execute("PRAGMA main.table_info(calls)")}
    return [column for column in _ADDED if column not in there]
