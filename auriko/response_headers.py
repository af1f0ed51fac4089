"""The headers of a reply, with the gateway's own ones as typed properties (API section 13)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait, from a number or an HTTP date; None for anything else or not in the future.

    Args:
        value: The header's text, or None where it is missing.
        now: The present, in seconds since the epoch, that a date is compared with.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            # HTTP dates are in GMT; the forms that do not say so must not be taken for local time.
            seconds = (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp() - now
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


class ResponseHeaders(Mapping[str, str]):
    """The headers of one reply; names are matched without regard to case, repeated ones are joined by ", ".

    Args:
        raw: A mapping or pairs of names and values.
    """

    __slots__ = ("_values",)

    def __init__(self, raw: Mapping[str, str] | list[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in raw if isinstance(raw, list) else raw.items():
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"ResponseHeaders({', '.join(self._values)})"

    def __reduce__(self) -> tuple[type[ResponseHeaders], tuple[dict[str, str]]]:
        return ResponseHeaders, (dict(self._values),)

    def _int(self, name: str) -> int | None:
        try:
            return int(self._values[name])
        except (KeyError, ValueError):
            return None

    @property
    def request_id(self) -> str | None:
        """The request's id, to be quoted to support."""
        return self._values.get("x-request-id")

    @property
    def retry_after_seconds(self) -> float | None:
        """Seconds to wait before the next request, or None."""
        return parse_retry_after(self._values.get("retry-after"), time.time())

    @property
    def retryable(self) -> bool | None:
        """The gateway's own opinion on whether a retry can help, or None where it gives none."""
        return {"true": True, "false": False}.get(self._values.get("x-error-retryable", "").strip().lower())

    @property
    def rate_limit_limit(self) -> int | None:
        """Requests allowed in the present window."""
        return self._int("x-ratelimit-limit-requests")

    @property
    def rate_limit_remaining(self) -> int | None:
        """Requests left in the present window."""
        return self._int("x-ratelimit-remaining-requests")

    @property
    def rate_limit_reset(self) -> str | None:
        """When the window ends, as ISO 8601 text."""
        return self._values.get("x-ratelimit-reset-requests")

    @property
    def rate_limit_source(self) -> str | None:
        """The source of a rate limit: an upstream provider or the gateway."""
        return self._values.get("x-rate-limit-source")

    @property
    def credits_balance_microdollars(self) -> int | None:
        """Credits left, in millionths of a US dollar."""
        return self._int("x-credits-balance-microdollars")

    @property
    def token_count_model(self) -> str | None:
        """The model whose tokenizer counted, where the endpoint counts tokens."""
        return self._values.get("x-token-count-model")

    @property
    def budget(self) -> dict[str, str]:
        """The X-Budget headers by their name's rest, as in `{"daily-limit": "5.00"}` (USD); often empty."""
        prefix = "x-budget-"
        return {k[len(prefix) :]: v for k, v in self._values.items() if k.startswith(prefix)}
