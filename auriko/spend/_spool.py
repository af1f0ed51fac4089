"""Records on their way into a ledger: lines of small files beside it, which outlive the process that wrote them.

To append a line costs a fiftieth of a transaction, waits for no other process, and is safe at once, so that a killed
process loses nothing that it had told: the file is mapped into memory, which stays with the operating system. Each
process writes files of its own and holds a lock on the one that it is writing; one that nobody holds is complete.
"""

from __future__ import annotations

import errno
import mmap
import os
import secrets
from collections.abc import Generator, Iterator
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
_SIZE: Final = 200 * 1024  # half of it is what 500 calls take, about


class Spool:
    """One file that this process appends lines to; it is as large as it will be, with zeros where no line is yet.

    Args:
        ledger: The file that it is beside.
        room: How long the first line is, at least, in bytes.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, ledger: Path, room: int) -> None:
        self._end = 0
        self._size = max(_SIZE, room)
        while True:
            path = ledger.with_name(f"{ledger.name}{_MARK}{secrets.token_hex(8)}")
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            # Another process may have taken it for complete, and removed it, before it was locked.
            if path.exists():
                break
            os.close(self._file)
        try:
            _fill(self._file, self._size)
            self._mapped = mmap.mmap(self._file, self._size)
        except OSError:
            path.unlink()
            os.close(self._file)
            raise

    def has_room(self, line: bytes) -> bool:
        """True if the line fits in."""
        return self._end + len(line) <= self._size

    def append(self, line: bytes) -> bool:
        """Adds a line, and says whether it is time for another file: half of this one is full."""
        end = self._end + len(line)
        self._mapped[self._end : end] = line
        self._end = end
        return end * 2 > self._size

    def close(self) -> None:
        """Lets go of the file, which is complete by that."""
        self._mapped.close()
        os.close(self._file)


def _fill(file: int, size: int) -> None:
    # Written and not left empty, so that what is mapped has its place on the disk.
    if os.write(file, bytes(size)) != size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def line_of(record: CallRecord) -> bytes:
    """A record's line: what its fields are, in their order.

    Raises:
        ValueError: A tag cannot be written as text.
    """
    return to_json([*record]) + b"\n"


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
                    values: list[Any] | float = from_json(line)
                    if isinstance(values, list):
                        yield dict(zip(CallRecord._fields, values, strict=False))


def _remove_complete(opened: tuple[Path, int, bool]) -> None:
    path, _file, complete = opened
    if complete:
        with suppress(FileNotFoundError, PermissionError):
            path.unlink()
