"""The limits of each key: requests, credits, and budgets for a day, a week or a month (API sections 10.2 and 13)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Literal, get_args

from auriko.sandbox.errors import GatewayError

Period = Literal["daily", "weekly", "monthly"]


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


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of each key.

    Attributes:
        requests_per_minute: Requests to the inference endpoints.
        credits_usd: What the workspace has to begin with.
        daily_budget_usd, weekly_budget_usd, monthly_budget_usd: What a key may spend in each such period, or None.

    Raises:
        ValueError: A limit is negative or not a number.
    """

    requests_per_minute: int = 1_000_000
    credits_usd: float = 100.0
    daily_budget_usd: float | None = None
    weekly_budget_usd: float | None = None
    monthly_budget_usd: float | None = None

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if value is not None and not 0 <= value < float("inf"):
                raise ValueError(f"{limit.name} cannot be {value}")

    def budgets(self) -> list[Budget]:
        """Those that are set, with nothing spent."""
        return [
            Budget(period, limit)
            for period in get_args(Period)
            if (limit := getattr(self, f"{period}_budget_usd")) is not None
        ]
