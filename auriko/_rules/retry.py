"""The delay before a failed call is made again, if it is. Clock and chance are passed in; no I/O."""

from __future__ import annotations

from typing import Final

from auriko.errors import AurikoAPIError
from auriko.response_headers import parse_retry_after

FIRST_DELAY: Final = 0.5
GROWTH: Final = 1.5
LONGEST_DELAY: Final = 30.0
LONGEST_RETRY_AFTER: Final = 60.0


def retry_delay(error: AurikoAPIError, retries_done: int, *, chance: float, now: float) -> float | None:
    """Seconds to wait before the next attempt, or None where there must be none.

    Args:
        error: What the last attempt came to.
        retries_done: How many retries came before, from 0.
        chance: A random number in [0, 1) that the jitter of 0.8 to 1.2 is taken from.
        now: The present, in seconds since the epoch, for a Retry-After that is a date.
    """
    if not error.is_retryable:
        return None
    # The exponent is bounded so that a large max_retries cannot overflow a float.
    backoff = min(FIRST_DELAY * GROWTH ** min(retries_done, 64), LONGEST_DELAY) * (0.8 + 0.4 * chance)
    headers = error.response_headers
    asked = parse_retry_after(headers.get("retry-after"), now) if headers is not None else None
    if asked is None:
        return backoff
    return None if asked > LONGEST_RETRY_AFTER else max(asked, backoff)
