"""Records on their way into a ledger: lines of small files beside it, which outlive the process that wrote them.

To append a line costs a fiftieth of a transaction, waits for no other process, and is safe at once, so that a killed
process loses nothing that it had told: what is written stays with the operating system. (A file mapped into memory
would cost less, and kills the process where somebody cuts it short or a page cannot be had.) Each process writes files
of its own and holds a lock on the one that it is writing; one that nobody holds is complete.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json, to_json

from auriko.spend._record import CallRecord

try:
    import fcntl
except ImportError:  # on Windows, where a file that is held open cannot be removed, which is all that is needed
    fcntl = None  # type: ignore[assignment]

_MARK: Final = "-pending-"
_ENOUGH: Final = 100 * 1024  # what 500 calls take, about
_AT_ONCE: Final = 32  # a process may open 256 files on some systems, and leaves most of them to the program


class Spool:
    """One file beside a ledger, which this process appends lines to.

    Raises:
        OSError: The file cannot be made or locked; nothing of it is left then.
    """

    def __init__(self, ledger: Path) -> None:
        self._end = 0
        while True:
            self._path = ledger.with_name(f"{ledger.name}{_MARK}{secrets.token_hex(8)}")
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                if fcntl is not None:
                    fcntl.flock(self._file, fcntl.LOCK_EX)
                # Another process may have taken it for complete, and removed it, before it was locked.
                if self._path.exists():
                    break
            except BaseException:
                self.abandon()
                raise
            os.close(self._file)

    def append(self, line: bytes) -> bool:
        """Adds a line, and says whether it is time for another file.

        Raises:
            OSError: It is not there, or not whole.
        """
        if _write_at(self._file, line, self._end) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._end += len(line)
        return self._end > _ENOUGH

    def abandon(self) -> None:
        """Lets go of the file after a failure; one without a whole line in it is removed."""
        if not self._end:
            with suppress(OSError):
                self._path.unlink()
        with suppress(OSError):
            os.close(self._file)

    def close(self) -> None:
        """Lets go of the file, which is complete by that.

        Raises:
            OSError: What was written has not arrived, as network drives say late.
        """
        os.close(self._file)


def _seek_and_write(file: int, data: bytes, at: int) -> int:
    os.lseek(file, at, os.SEEK_SET)
    return os.write(file, data)


_write_at: Final[Callable[[int, bytes, int], int]] = getattr(os, "pwrite", _seek_and_write)  # Windows has none


def line_of(record: CallRecord) -> bytes:
    """A record's line: what its fields are, in their order.

    Raises:
        ValueError: A tag cannot be written as text.
    """
    return to_json([*record]) + b"\n"


def portions(ledger: Path) -> Iterator[list[Path]]:
    """The files that wait beside a ledger, as many at once as may be open."""
    paths = sorted(ledger.parent.glob(f"{glob.escape(ledger.name)}{_MARK}*"))
    for start in range(0, len(paths), _AT_ONCE):
        yield paths[start : start + _AT_ONCE]


@contextmanager
def waiting(paths: Sequence[Path]) -> Generator[list[dict[str, Any]]]:
    """The fields of the records in such files; complete files are removed when the block ends well."""
    with _opened(paths) as files:
        yield [fields for file in files for fields in _read(file)]
        for file in files:
            _remove_complete(file)


@contextmanager
def _opened(paths: Sequence[Path]) -> Generator[list[tuple[Path, int, bool]]]:
    """Path, descriptor, and whether nobody else holds it, of every file."""
    files: list[tuple[Path, int, bool]] = []
    try:
        for path in paths:
            with suppress(FileNotFoundError):  # another process has been quicker
                file = os.open(path, os.O_RDONLY)
                files.append((path, file, _lock(file)))
        yield files
    finally:
        for _path, file, _complete in files:
            os.close(file)


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
                    # Where a file was cut short, what is written after it leaves a hole of zeros.
                    values: list[Any] | float = from_json(line.lstrip(b"\0"))
                    if isinstance(values, list):
                        yield dict(zip(CallRecord._fields, values, strict=False))


def _remove_complete(opened: tuple[Path, int, bool]) -> None:
    path, _file, complete = opened
    if complete:
        with suppress(FileNotFoundError, PermissionError):
            path.unlink()
