"""What can be asked of any collection of finished calls: sums, and later exports and pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime, timezone
from typing import Final, Literal, get_args

from auriko.spend._record import CallRecord, SpendTotal

Key = Literal["provider", "model", "tag", "day"]
KEYS: Final[tuple[Key, ...]] = get_args(Key)


class SpendView(ABC):
    """Finished calls, however they are kept."""

    @property
    @abstractmethod
    def records(self) -> list[CallRecord]:
        """The calls."""

    @property
    def total(self) -> SpendTotal:
        """The sum over all calls."""
        return self._sums(None).get(None, SpendTotal())

    def by_provider(self) -> dict[str | None, SpendTotal]:
        """Sums by the provider that answered; None stands for calls where it is not known."""
        return self.by("provider")

    def by_model(self) -> dict[str | None, SpendTotal]:
        """Sums by the model that answered; None stands for calls where it is not known."""
        return self.by("model")

    def by_tag(self) -> dict[str | None, SpendTotal]:
        """Sums by tag; a call with several tags counts under each, one without under None."""
        return self.by("tag")

    def by(self, key: Key) -> dict[str | None, SpendTotal]:
        """Sums by `provider`, `model`, `tag` or `day` (of UTC, as in "2026-03-31").

        Raises:
            ValueError: There is no such key.
        """
        if key not in KEYS:
            raise ValueError(f"calls can be added up by {', '.join(KEYS)}, not by {key!r}")
        return self._sums(key)

    def _sums(self, key: Key | None) -> dict[str | None, SpendTotal]:
        sums: dict[str | None, SpendTotal] = {}
        for record in self.records:
            for name in _names(record, key):
                sums.setdefault(name, SpendTotal()).add(record)
        return sums


def _names(record: CallRecord, key: Key | None) -> tuple[str | None, ...]:
    """Under which names a call counts."""
    if key == "provider":
        return (record.provider,)
    if key == "model":
        return (record.model,)
    if key == "tag":
        return record.tags or (None,)
    if key == "day":
        return (datetime.fromtimestamp(record.started_at, timezone.utc).date().isoformat(),)
    return (None,)
