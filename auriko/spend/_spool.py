"""Records on their way into a ledger: lines of small files beside it, which outlive the process that wrote them.

To append a line costs a twentieth of a transaction, waits for no other process, and is safe once the call to the
operating system has returned, so that a killed process loses nothing that it had told. Each process writes files of
its own and holds a lock on the one that it is writing; one that nobody holds is complete.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from pydantic_core import from_json, to_json

from auriko.spend._record import CallRecord

try:
    import fcntl
except ImportError:  # on Windows, where a file that is held open cannot be removed, which is all that is needed
    fcntl = None  # type: ignore[assignment]

_MARK = "-pending-"


class Spool:
    """One file of lines that this process appends to.

    Attributes:
        lines: How many it has.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, ledger: Path) -> None:
        self.lines = 0
        self._size = 0
        while True:
            path = ledger.with_name(f"{ledger.name}{_MARK}{secrets.token_hex(8)}")
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            # Another process may have taken it for complete, and removed it, before it was locked.
            if path.exists():
                return
            os.close(self._file)

    def append(self, record: CallRecord) -> None:
        """Adds a line: what the record's fields are, in their order.

        Raises:
            OSError: It could not be written; the file is as it was.
        """
        line = to_json([*record]) + b"\n"
        if os.write(self._file, line) != len(line):
            os.ftruncate(self._file, self._size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size += len(line)
        self.lines += 1

    def close(self) -> None:
        """Lets go of the file, which is complete by that."""
        os.close(self._file)


@contextmanager
def waiting(ledger: Path) -> Generator[list[dict[str, Any]]]:
    """The fields of the records that wait beside a ledger; complete files are removed when the block ends well."""
    with _opened(ledger) as files:
        yield [fields for file in files for fields in _read(file)]
        for file in files:
            _remove_complete(file)


@contextmanager
def _opened(ledger: Path) -> Generator[list[tuple[Path, int, bool]]]:
    """Path, descriptor, and whether nobody else holds it, of every file."""
    files: list[tuple[Path, int, bool]] = []
    try:
        for path in sorted(ledger.parent.glob(f"{_escape(ledger.name)}{_MARK}*")):
            with suppress(FileNotFoundError):  # another process has been quicker
                file = os.open(path, os.O_RDONLY)
                files.append((path, file, _lock(file)))
        yield files
    finally:
        for _path, file, _complete in files:
            os.close(file)


def _escape(name: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


def _lock(file: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(opened: tuple[Path, int, bool]) -> Iterator[dict[str, Any]]:
    _path, file, _complete = opened
    with open(file, "rb", closefd=False) as lines:
        for line in lines:
            # Without its end, a line is still being written, or its writer has been killed.
            if line.endswith(b"\n"):
                with suppress(ValueError):
                    values = from_json(line)
                    if isinstance(values, list):
                        yield dict(zip(CallRecord._fields, cast("list[Any]", values), strict=False))


def _remove_complete(opened: tuple[Path, int, bool]) -> None:
    path, _file, complete = opened
    if complete:
        with suppress(FileNotFoundError, PermissionError):
            path.unlink()
