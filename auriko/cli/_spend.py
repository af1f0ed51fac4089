"""`auriko spend`: what the calls in a ledger cost."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

from auriko.cli._errors import CommandError
from auriko.spend import (
    LedgerError,
    LimitStatus,
    SpendLedger,
    SpendTotal,
    decimal_text,
    json_text,
    limit_of_text,
    usd_text,
)

_ADVICE = "set AURIKO_LEDGER to a file, and every call from then on is recorded there"


def run(arguments: argparse.Namespace) -> int:
    """Prints sums, or every call as CSV; the exit code is 0."""
    ledger = _ledger(arguments.ledger or os.environ.get("AURIKO_LEDGER"))
    if arguments.serve:
        _serve(ledger, arguments.port)
        return 0
    part = ledger.since(arguments.since) if arguments.since else ledger
    try:
        if arguments.limits:
            _print_limits(ledger, as_json=arguments.json)
        elif arguments.csv:
            _print_csv(part, arguments.by)
        elif arguments.json:
            _print_json(part, arguments.by)
        else:
            print(part.report(*arguments.by))
    except LedgerError as error:
        raise CommandError(str(error)) from None
    return 0


def _ledger(path: str | None) -> SpendLedger:
    if not path:
        raise CommandError(f"there is no ledger: {_ADVICE}, or name one with --ledger")
    limit = os.environ.get("AURIKO_LIMIT_USD")
    try:
        ledger = SpendLedger(path, *limit_of_text(limit)) if limit else SpendLedger(path)
    except ValueError as error:
        raise CommandError(f"AURIKO_LIMIT_USD: {error}") from None
    # Before its first 500 calls, or while they are under way, a ledger may consist of what waits beside it.
    if not ledger.path.exists():
        ledger.flush()
    if not ledger.path.exists():
        raise CommandError(f"there is no ledger at {Path(path)}: {_ADVICE}")
    return ledger


def _serve(ledger: SpendLedger, port: int) -> None:
    try:
        from auriko.sandbox import PortInUseError
        from auriko.sandbox.live.ledger_app import serve
    except ImportError as error:
        raise CommandError(str(error)) from None
    try:
        serve(ledger, port, lambda address: print(f"{ledger.path} is shown at {address} (Ctrl-C ends it).", flush=True))
    except PortInUseError as error:
        raise CommandError(str(error)) from None


def _print_limits(ledger: SpendLedger, *, as_json: bool) -> None:
    limits = ledger.limits
    if as_json:
        rows = [{**limit._asdict(), "left_usd": limit.left_usd, "renews_at": _time(limit)} for limit in limits]
        print(json_text({"limits": rows}, indent=2))
        return
    if not limits:
        raise CommandError("there is no limit: set AURIKO_LIMIT_USD, such as 5/day")
    for limit in limits:
        print(f"limit      {usd_text(limit.limit_usd)}" + (f" per {limit.per}" if limit.per != "total" else ""))
        print(f"spent      {usd_text(limit.spent_usd)}")
        print(f"estimated  {usd_text(limit.estimated_usd)}")
        print(f"reserved   {usd_text(limit.reserved_usd)}")
        print(f"left       {usd_text(max(limit.left_usd, 0.0))}")
        print(f"renews     {_time(limit) or 'never'}")


def _time(limit: LimitStatus) -> str | None:
    return limit.renews_at.isoformat() if limit.renews_at is not None else None


def _print_csv(ledger: SpendLedger, by: list[Any]) -> None:
    if not by:
        ledger.to_csv(sys.stdout)
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["by", "name", *_shown(SpendTotal())])
    for key in by:
        for name, total in ledger.by(key).items():
            writer.writerow([key, name, *map(_cell, _shown(total).values())])


def _print_json(ledger: SpendLedger, by: list[Any]) -> None:
    sums = {
        key: [{key: name, **_shown(total)} for name, total in ledger.by(key).items()]
        for key in by or ("provider", "model", "tag", "day")
    }
    print(json_text({"total": _shown(ledger.total), **sums}, indent=2))


def _cell(value: Any) -> Any:
    return decimal_text(value) if isinstance(value, float) else value


def _shown(total: SpendTotal) -> dict[str, Any]:
    """The fields of a sum; nothing known is not the same as nothing spent."""
    unknown = total.unknown_cost_calls and not total.usd
    return {**dataclasses.asdict(total), **({"usd": None} if unknown else {})}
