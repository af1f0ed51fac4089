"""Views of any collection of finished calls: sums, exports, tables and plots."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from auriko._display.money import usd_text
from auriko.spend._record import CallRecord, SpendTotal

if TYPE_CHECKING:  # how sums are shown and written is imported when it is asked for
    from auriko.spend._display import Sums
    from auriko.spend._export import Target

Key = Literal["provider", "model", "tag", "conversation", "day"]
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
        """Sums by `provider`, `model`, `tag`, `conversation` or `day` (of UTC, as in "2026-03-31").

        Raises:
            ValueError: There is no such key.
        """
        if key not in KEYS:
            raise ValueError(f"calls can be added up by {', '.join(KEYS)}, not by {key!r}")
        return self._sums(key)

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` with a row for each call; what is unknown is missing.

        Raises:
            ImportError: pandas is not installed.
        """
        from auriko.spend._export import data_frame

        return data_frame(self.records)

    def to_csv(self, target: Target) -> None:
        """Writes the calls as CSV to a path or an open text file; what is unknown is empty."""
        from auriko.spend._export import write_csv

        write_csv(self.records, target)

    def to_jsonl(self, target: Target) -> None:
        """Writes the calls as lines of JSON to a path or an open text file; what is unknown is null."""
        from auriko.spend._export import write_jsonl

        write_jsonl(self.records, target)

    def plot(self, by: Key = "provider", *, ax: Any = None) -> Any:
        """Matplotlib's axes with a bar for each provider, model, tag, conversation or day.

        Raises:
            ValueError: There is no such key.
            ImportError: matplotlib is not installed.
        """
        from auriko.spend._display import bar_plot

        return bar_plot(by, self.by(by), ax)

    def _summary(self) -> str:
        total = self.total
        if not total.calls:
            return "no calls"
        saved = f", {usd_text(total.cache_savings_usd)} saved by caches" if total.cache_savings_usd else ""
        return f"{total.calls:,} call{'' if total.calls == 1 else 's'}: {total.cost_text}{saved}"

    def report(self, *by: Key) -> str:
        """The sums as text, by what is asked for; else by provider and model, and by tag where there are tags.

        Raises:
            ValueError: There is no such key.
        """
        from auriko.spend._display import text_report

        return text_report(self._summary(), self.total, self._parts(*by))

    def _parts(self, *by: Key) -> dict[str, Sums]:
        parts: dict[str, Sums] = {key: self.by(key) for key in by or ("provider", "model", "tag")}
        if not by and not parts["tag"].keys() - {None}:
            del parts["tag"]
        return parts

    def __str__(self) -> str:
        return self.report()

    def _repr_html_(self) -> str:
        from auriko.spend._display import html_report

        return html_report(self._summary(), self.total, self._parts())

    def _sums(self, key: Key | None) -> dict[str | None, SpendTotal]:
        sums: dict[str | None, SpendTotal] = {}
        for record in self.records:
            for name in _names(record, key):
                sums.setdefault(name, SpendTotal()).add(record)
        return sums


def _names(record: CallRecord, key: Key | None) -> tuple[str | None, ...]:
    """Under which names a call counts."""
    if key is None:
        return (None,)
    if key == "tag":
        return record.tags or (None,)
    if key == "day":
        return (datetime.fromtimestamp(record.started_at, timezone.utc).date().isoformat(),)
    return (getattr(record, key),)
