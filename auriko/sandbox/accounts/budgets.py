"""Budgets of a key for a day, a week or a month (API section 10.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, get_args

from auriko.sandbox.replies import GatewayError

Period = Literal["daily", "weekly", "monthly"]
PERIODS: tuple[Period, ...] = get_args(Period)


class Budget:
    """One limit, and what has been spent of it since its period began: at midnight UTC, on Monday, or on the first."""

    def __init__(self, period: Period, limit_usd: float) -> None:
        self.period: Period = period
        self.limit_usd = limit_usd
        self._spent_usd = 0.0
        self._since: datetime | None = None

    def spent_usd(self, now: datetime) -> float:
        """USD that have been spent in the period of `now`, which is in UTC."""
        return self._spent_usd if self._since == _start(self.period, now) else 0.0

    def charge(self, usd: float, now: datetime) -> None:
        """Book what a call has cost."""
        self._spent_usd = self.spent_usd(now) + usd
        self._since = _start(self.period, now)

    def check(self, now: datetime) -> None:
        """Nothing, if something of it is left.

        Raises:
            GatewayError: `budget_exhausted`.
        """
        if self.spent_usd(now) >= self.limit_usd:
            raise budget_exhausted(f"The {self.period} budget of {self.limit_usd:.6f} USD is spent.", self.period)

    def headers(self, now: datetime) -> dict[str, str]:
        """The limit and the spending, in USD."""
        name = f"X-Budget-{self.period.capitalize()}"
        return {f"{name}-Limit": f"{self.limit_usd:.6f}", f"{name}-Spend": f"{self.spent_usd(now):.6f}"}


def budget_exhausted(message: str, period: Period = "daily") -> GatewayError:
    """The error of a spent budget."""
    return GatewayError(
        "budget_exhausted",
        message,
        suggestion="Raise the budget, or wait for its next period.",
        headers={
            "X-Budget-Exceeded": "true",
            "X-Budget-Exceeded-Period": period,
            "X-Budget-Exceeded-Scope": "api_key",
        },
    )


def _start(period: Period, now: datetime) -> datetime:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "daily":
        return midnight
    return midnight - timedelta(days=now.weekday()) if period == "weekly" else midnight.replace(day=1)
