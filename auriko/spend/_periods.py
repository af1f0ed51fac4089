"""The periods of limits, which begin anew by the clock of UTC, and points in time as users write them."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone
from typing import Final, Literal, get_args

Period = Literal["hour", "day", "month", "total"]
PERIODS: Final[tuple[Period, ...]] = get_args(Period)
_AGO: Final = re.compile(r"(\d+)\s*([mhdw])")
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_LIMIT: Final = re.compile(r"\s*\$?(\d+(?:\.\d*)?|\.\d+)\s*(?:/\s*(\w+)\s*)?")


def check_period(per: Period) -> Period:
    """The period.

    Raises:
        ValueError: There is no such one.
    """
    if per not in PERIODS:
        raise ValueError(f"a limit is per {', '.join(PERIODS)}, not per {per!r}")
    return per


def limit_of_text(text: str) -> tuple[float, Period]:
    """The limit in USD and its period that a text such as "5/day" says; without a period it is for good.

    Raises:
        ValueError: It says none.
    """
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no limit: write USD and a period, such as 5/day, or 5 alone")
    per: Period = found[2] or "total"  # type: ignore[assignment]  # it is checked
    return float(found[1]), check_period(per)


def bounds_of(per: Period, now: float) -> tuple[float, datetime | None]:
    """When the present period began, in seconds since the epoch, and when it ends; None if it does not."""
    begin = datetime.fromtimestamp(now, timezone.utc).replace(minute=0, second=0, microsecond=0)
    if per == "total":
        return 0.0, None
    if per == "hour":
        return begin.timestamp(), begin + timedelta(hours=1)
    begin = begin.replace(hour=0)
    if per == "day":
        return begin.timestamp(), begin + timedelta(days=1)
    begin = begin.replace(day=1)
    return begin.timestamp(), (begin + timedelta(days=32)).replace(day=1)


def since_epoch(when: str | timedelta | datetime) -> float:
    """Seconds since the epoch of a point in time, which is told as to `SpendLedger.since`.

    Raises:
        ValueError: The text is neither.
    """
    if isinstance(when, timedelta):
        return time.time() - when.total_seconds()
    if isinstance(when, str):
        ago = _AGO.fullmatch(when.strip().lower())
        if ago:
            return time.time() - int(ago[1]) * _SECONDS[ago[2]]
        try:
            when = datetime.fromisoformat(when.strip())
        except ValueError:
            raise ValueError(f"{when!r} is no time: write 30m, 12h, 7d or 2w, or a date such as 2026-03-31") from None
    return (when if when.tzinfo is not None else when.replace(tzinfo=timezone.utc)).timestamp()
