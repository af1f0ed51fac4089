"""The limits of each key: requests, credits and budgets (API sections 10.2 and 13)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from auriko.sandbox.accounts.budgets import PERIODS, Budget


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
            Budget(period, limit) for period in PERIODS if (limit := getattr(self, f"{period}_budget_usd")) is not None
        ]
