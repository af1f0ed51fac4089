"""Points in time as users write them."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone
from typing import Final

_AGO: Final = re.compile(r"(\d+)\s*([mhdw])")
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def since_epoch(when: str | timedelta | datetime) -> float:
    """Seconds since the epoch of a point in time.

    Args:
        when: How long ago ("30m", "12h", "7d", "2w", or a timedelta), or a date, of UTC where it does not say.

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
