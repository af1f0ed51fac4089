"""Keys of callers, and what each may still spend and send (API sections 10.2, 10.4 and 13)."""

from __future__ import annotations

import hmac
import re
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from auriko.sandbox.accounts.limits import Budget, Limits
from auriko.sandbox.errors import GatewayError

DEFAULT_KEY = "ak_sandbox_key"
INVALID_KEY = "ak_sandbox_invalid"
EXPIRED_KEY = "ak_sandbox_expired"
FORBIDDEN_KEY = "ak_sandbox_forbidden"

_HARD_TO_GUESS = re.compile(r"[\x21-\x7e]{8,512}")
_ANY_KEY = f"The sandbox accepts any other key, such as {DEFAULT_KEY}."
_MINUTE = 60.0


@dataclass(slots=True)
class Account:
    """One key's use so far."""

    key: str
    limits: Limits
    spent_usd: float = 0.0
    window_start: float = field(default_factory=time.monotonic)
    window_requests: int = 0
    budgets: list[Budget] = field(init=False)

    def __post_init__(self) -> None:
        self.budgets = self.limits.budgets()

    def headers(self, *, with_budgets: bool) -> dict[str, str]:
        """Rate limit, credit and budget headers."""
        reset = datetime.now(timezone.utc) + timedelta(seconds=max(0.0, self._window_left()))
        headers = {
            "X-RateLimit-Limit-Requests": str(self.limits.requests_per_minute),
            "X-RateLimit-Remaining-Requests": str(max(0, self.limits.requests_per_minute - self.window_requests)),
            "X-RateLimit-Reset-Requests": reset.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "X-Credits-Balance-Microdollars": str(max(0, round(self._credits_left() * 1_000_000))),
        }
        if with_budgets:
            for budget in self.budgets:
                headers |= budget.headers(datetime.now(timezone.utc))
        return headers

    def charge(self, usd: float) -> None:
        """Book what a call has cost."""
        self.spent_usd += usd
        for budget in self.budgets:
            budget.charge(usd, datetime.now(timezone.utc))

    def admit(self) -> None:
        """Count one more request to an inference endpoint.

        Raises:
            GatewayError: `rate_limit_exceeded`, `budget_exhausted` or `insufficient_quota`.
        """
        for budget in self.budgets:
            budget.check(datetime.now(timezone.utc))
        if self._credits_left() <= 0:
            raise GatewayError("insufficient_quota", "The credits are used up.", suggestion="Top up the workspace.")
        if self._window_left() <= 0:
            self.window_start, self.window_requests = time.monotonic(), 0
        if self.window_requests >= self.limits.requests_per_minute:
            raise rate_limited(max(1, round(self._window_left() + 0.5)))
        self.window_requests += 1

    def _window_left(self) -> float:
        return self.window_start + _MINUTE - time.monotonic()

    def _credits_left(self) -> float:
        return self.limits.credits_usd - self.spent_usd


def rate_limited(retry_after: float | None, source: str = "auriko") -> GatewayError:
    """The error of too many requests; `retry_after` in seconds."""
    headers = {"X-Rate-Limit-Source": source}
    if retry_after is not None:
        headers["Retry-After"] = f"{retry_after:g}"
    return GatewayError(
        "rate_limit_exceeded",
        "Too many requests; slow down.",
        suggestion="Wait as long as Retry-After says, or some seconds without it.",
        headers=headers,
    )


class Accounts:
    """Every key that has called.

    Args:
        only_key: The one key that is accepted; None accepts every one but those that are there to be refused.

    Raises:
        ValueError: The one key is too short, or cannot be sent.
    """

    def __init__(self, limits: Limits, only_key: str | None = None) -> None:
        if only_key is not None and not _HARD_TO_GUESS.fullmatch(only_key):
            raise ValueError("An API key has 8 to 512 characters, none of them a space or outside ASCII.")
        self._limits = limits
        self._only_key = only_key
        self._accounts: dict[str, Account] = {}

    def authenticate(self, authorization: str | None) -> Account:
        """The account of the key in this `Authorization` header.

        Raises:
            GatewayError: There is no key, or it is not accepted.
        """
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise _unauthorized("invalid_api_key", "There is no API key in the Authorization header.")
        if key == EXPIRED_KEY:
            raise _unauthorized("expired_api_key", "The API key has expired.")
        if key == FORBIDDEN_KEY:
            raise GatewayError("insufficient_permissions", "The API key lacks the scope inference.")
        if self._only_key is not None and not hmac.compare_digest(key.encode(), self._only_key.encode()):
            raise _unauthorized("invalid_api_key", "The API key is not valid.", "Send the key it was started with.")
        if key == INVALID_KEY:
            raise _unauthorized("invalid_api_key", "The API key is not valid.")
        return self._accounts.setdefault(key, Account(key, self._limits))


def identity(account: Account) -> dict[str, Any]:
    """`GET /v1/me` (API section 11.6)."""
    rpm = account.limits.requests_per_minute
    return {
        "credential_type": "api_key",
        "status": "active",
        "profile": "inference",
        "key_id": "00000000-0000-4000-8000-000000000001",
        "key_prefix": account.key[:8],
        "key_name": "sandbox",
        "workspace": {"id": "00000000-0000-4000-8000-000000000002", "name": "Sandbox"},
        "scopes": ["inference"],
        "rate_limits": {
            "inference_rpm": rpm,
            "management_reads_rpm": rpm,
            "management_writes_rpm": rpm,
        },
        "expires_at": None,
        "created_at": "2026-01-01T00:00:00Z",
    }


def _unauthorized(code: str, message: str, suggestion: str = _ANY_KEY) -> GatewayError:
    return GatewayError(code, message, suggestion=suggestion, headers={"WWW-Authenticate": "Bearer"})
