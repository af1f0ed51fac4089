"""The periods of limits, which begin anew by the clock of UTC."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Final, Literal, get_args

Period = Literal["hour", "day", "month", "total"]
PERIODS: Final[tuple[Period, ...]] = get_args(Period)
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
