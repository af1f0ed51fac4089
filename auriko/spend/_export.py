"""Finished calls for other programs: CSV, lines of JSON, a data frame."""

from __future__ import annotations

import csv
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib import import_module
from typing import Any, Final, TextIO

from auriko._display.money import decimal_text, json_text
from auriko.spend._record import CallRecord

Target = str | os.PathLike[str] | TextIO
COLUMNS: Final = CallRecord._fields
_TOKENS: Final = ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
_FLOATS: Final = ("started_at", "usd", "cache_savings_usd", "estimated_usd", "ttft_ms", "duration_ms")
_KINDS: Final = {**dict.fromkeys(_TOKENS, "Int64"), **dict.fromkeys(_FLOATS, "float64")}


def write_csv(records: Iterable[CallRecord], target: Target) -> None:
    """Writes a line of headings and one for each call: times as ISO 8601, what is unknown empty, tags with ";"."""
    with _opened(target) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for record in records:
            fields = {**_dated(record), "tags": ";".join(record.tags)}
            writer.writerow([cell(fields[name]) for name in COLUMNS])


def write_jsonl(records: Iterable[CallRecord], target: Target) -> None:
    """Writes a line of JSON for each call: times as ISO 8601, what is unknown null."""
    with _opened(target) as file:
        for record in records:
            file.write(json_text(_dated(record), separators=(",", ":")) + "\n")


def data_frame(records: Iterable[CallRecord]) -> Any:
    """A `pandas.DataFrame` with a row for each call; `started_at` is a time of UTC.

    Raises:
        ImportError: pandas is not installed.
    """
    pandas = optional("pandas", "to_pandas")
    frame = pandas.DataFrame([record.to_dict() for record in records], columns=list(COLUMNS)).astype(_KINDS)
    frame["started_at"] = pandas.to_datetime(frame["started_at"], unit="s", utc=True)
    return frame


def _dated(record: CallRecord) -> dict[str, Any]:
    started = datetime.fromtimestamp(record.started_at, timezone.utc)
    return {**record.to_dict(), "started_at": started.isoformat(timespec="milliseconds")}


def cell(value: Any) -> Any:
    """What stands in a cell of CSV: numbers in decimals."""
    return decimal_text(value) if isinstance(value, float) else value


def optional(module: str, function: str) -> Any:
    """A module of a package that is no requirement of the client.

    Raises:
        ImportError: It is not installed; the message says how to install it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(f'{function}() needs {package}: pip install "auriko[notebook]"') from error


@contextmanager
def _opened(target: Target) -> Generator[TextIO]:
    if isinstance(target, (str, os.PathLike)):
        with open(target, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - of either kind of path
            yield file
    else:
        yield target
