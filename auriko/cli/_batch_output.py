"""The output of `auriko batch`: a line for each finished request, and beside it which requests were sent.

A request's number is noted before it is sent, its line when it has finished. Both files only grow, by whole lines, so
after a kill at any point the first tells which requests are done, and both together which were under way.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from typing_extensions import Self

from auriko.cli._batch_input import Request
from auriko.cli._errors import CommandError
from auriko.errors import AurikoAPIError
from auriko.models import ChatCompletion
from auriko.spend import add_usd, json_text


@dataclass
class Totals:
    """The sum of an output file's lines.

    Attributes:
        answered: Requests with a reply.
        failed: Requests with an error.
        usd: What is known to have been billed, in USD.
        unknown_cost: Requests that may have been billed at a cost that is not known.
        possibly_billed_twice: Requests that were sent again because a run was killed while they were under way.
    """

    answered: int = 0
    failed: int = 0
    usd: float = 0.0
    unknown_cost: int = 0
    possibly_billed_twice: int = 0

    def add(self, line: dict[str, Any]) -> None:
        """Counts a line."""
        cost = line["cost_usd"]
        self.answered += line["error"] is None
        self.failed += line["error"] is not None
        self.usd = add_usd(self.usd, cost)
        self.unknown_cost += cost is None
        self.possibly_billed_twice += line["possibly_billed_twice"]


class Output:
    """The output file of a batch, open for one run at a time.

    Args:
        path: Where it is; what an earlier run has written there is taken over.
        retry_errors: Whether requests that failed before are to be sent again.

    Raises:
        CommandError: Another run writes it, or it is not the output of this command.
    """

    def __init__(self, path: Path, *, retry_errors: bool) -> None:
        self._path = path
        self._journal_path = path.with_name(f"{path.name}.sent")
        self.totals = Totals()
        self._finished: dict[int, str] = {}
        try:
            with contextlib.ExitStack() as opened:
                self._journal = opened.enter_context(self._journal_path.open("ab"))
                _lock(self._journal, path)
                opened.callback(self._forget_unused_journal)
                self._sent = _read_journal(self._journal_path)
                self._read(retry_errors=retry_errors)
                self._file = opened.enter_context(path.open("ab"))
                self._close = opened.pop_all().close
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            os.fsync(self._file.fileno())
            self._close()
        except OSError as error:  # what did not fit is tried again here
            raise _unwritable(self._path, error) from None

    def is_finished(self, request: Request) -> bool:
        """True if the file has the line of a request.

        Raises:
            CommandError: It has a line of another request in its place.
        """
        digest = self._finished.get(request.line)
        if digest is not None and digest != request.digest:
            raise CommandError(
                f"{self._path} has the answer to another request for line {request.line}; "
                "give another output file, or the input that it was made from"
            )
        return digest is not None

    def start(self, request: Request) -> None:
        """Notes that a request is about to be sent."""
        _write(self._journal, f"{request.line}\n".encode())
        self._sent[request.line] += 1

    def withdraw(self, request: Request) -> None:
        """Notes that it was not sent after all, or refused unbilled and is to be sent another time."""
        _write(self._journal, f"-{request.line}\n".encode())
        self._sent[request.line] -= 1

    def finish(self, request: Request, result: ChatCompletion | Exception) -> None:
        """Writes the line of a request."""
        line = {
            "line": request.line,
            "custom_id": request.custom_id,
            "response": None if isinstance(result, Exception) else _response(result),
            "error": _error(result) if isinstance(result, Exception) else None,
            "cost_usd": _cost(result),
            "possibly_billed_twice": self._sent[request.line] > 1,
            "request_digest": request.digest,
        }
        # A lone surrogate in a custom_id stays what it was: an escape.
        _write(self._file, json_text(line).encode("utf-8", "backslashreplace") + b"\n")
        self._finished[request.line] = request.digest
        self.totals.add(line)

    def forget_journal(self) -> None:
        """Removes the file of what was sent, once every request has its line."""
        self._journal_path.unlink(missing_ok=True)

    def _forget_unused_journal(self) -> None:
        """Removes the file of what was sent where nothing was."""
        if self._journal_path.exists() and not self._journal_path.stat().st_size:
            self.forget_journal()

    def _read(self, *, retry_errors: bool) -> None:
        """Takes over what an earlier run has written; a last line that was cut short is cut off."""
        if not self._path.exists():
            return
        whole = 0
        kept: list[bytes] = []
        dropped: list[int] = []
        with self._path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if not text.endswith(b"\n"):
                    break
                whole += len(text)
                line = self._parse(number, text)
                if retry_errors and line["error"] is not None:
                    dropped.append(line["line"])
                    continue
                self._finished[line["line"]] = line["request_digest"]
                self.totals.add(line)
                if retry_errors:
                    kept.append(text)
        if dropped:
            for line_number in dropped:
                _write(self._journal, f"-{line_number}\n".encode() * self._sent.pop(line_number, 0))
            new = self._path.with_name(f"{self._path.name}.new")
            new.write_bytes(b"".join(kept))
            new.replace(self._path)
        else:
            os.truncate(self._path, whole)

    def _parse(self, number: int, text: bytes) -> dict[str, Any]:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            line: dict[str, Any] = json.loads(text)
            Totals().add(line)
            if isinstance(line["line"], int) and isinstance(line["request_digest"], str):
                return line
        raise CommandError(f"{self._path}, line {number}, was not written by this command; give another output file")


def _read_journal(path: Path) -> Counter[int]:
    """The number of times that each line's request was sent; a last line that was cut short was not."""
    sent: Counter[int] = Counter()
    for text in path.read_bytes().split(b"\n")[:-1]:
        number = int(text)
        sent[abs(number)] += 1 if number > 0 else -1
    return sent


def _response(reply: ChatCompletion) -> dict[str, Any]:
    body = reply.model_dump(mode="json", exclude_unset=True)
    return {"status_code": 200, "request_id": reply.request_id, "body": body}


def _error(error: Exception) -> dict[str, Any]:
    known = error if isinstance(error, AurikoAPIError) else AurikoAPIError(str(error))
    return {
        "class": type(error).__name__,
        "message": known.message,
        "status_code": known.status_code or None,
        "type": known.type,
        "code": known.code,
        "request_id": known.request_id,
    }


def _cost(result: ChatCompletion | Exception) -> float | None:
    """The known cost of a request, in USD; a refusal costs nothing."""
    if isinstance(result, ChatCompletion):
        metadata = result.routing_metadata
        return metadata.cost.usd if metadata is not None and metadata.cost is not None else None
    refused = not isinstance(result, AurikoAPIError) or result.status_code >= 400
    return 0.0 if refused else None


def _write(file: BinaryIO, data: bytes) -> None:
    """Has the data outlive this process at once."""
    try:
        file.write(data)
        file.flush()
    except OSError as error:  # as where the disk is full
        raise _unwritable(Path(file.name), error) from None


def _unwritable(path: Path, error: OSError) -> CommandError:
    return CommandError(f"{path} cannot be written: {error.strerror}; the same command goes on where this one stopped")


def _lock(file: BinaryIO, path: Path) -> None:
    """Keeps other runs away from the file until this one ends, however it ends, where the system has such locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(f"another run is writing {path}") from None
