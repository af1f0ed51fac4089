"""Output of commands: plain lines that read well in a terminal and in a file, tables by rich."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from auriko.spend import CallRecord, SpendTotal, SpendTracker, usd_text

if TYPE_CHECKING:
    import rich.console


# The narrower the terminal, the fewer columns: what something cost is never cut.
_TEXTS: Final = ("made by", "provider", "model")
_COLUMNS: Final = (
    (100, (*_TEXTS, "tokens in", "out", "first token", "USD")),
    (80, (*_TEXTS, "out", "USD")),
    (0, ("made by", "model", "USD")),
)


def open_console() -> Console:
    """A console on standard output; no colours where that is not a terminal."""
    import rich.console

    return Console(rich.console.Console(highlight=False, soft_wrap=False))


class Console:
    """Prints what a command has to say."""

    def __init__(self, console: rich.console.Console) -> None:
        self._console = console

    def heading(self, text: str) -> None:
        """A new part of the output."""
        self._console.print(f"\n{text}", style="bold", markup=False)

    def note(self, text: str) -> None:
        """Something about what happens."""
        self._console.print(text, style="dim", markup=False)

    def question(self, text: str) -> None:
        """Prints a question."""
        self._console.print(f"\n> {text}", style="cyan", markup=False)

    def answer(self, text: str) -> None:
        """Prints an answer."""
        self._console.print(text, markup=False)

    def stream(self, pieces: Iterable[str]) -> None:
        """Prints an answer as it arrives."""
        for piece in pieces:
            self._console.file.write(piece)
            self._console.file.flush()
        self._console.file.write("\n")

    def routed(self, spend: SpendTracker, more: str = "") -> None:
        """Prints who answered and what it cost, in one line."""
        who = ", ".join(dict.fromkeys(f"{r.model} by {r.provider}" for r in spend.records))
        self.note(f"{who}, {usd(spend.usd)}" + (f", {more}" if more else ""))

    def calls(self, spend: SpendTracker) -> None:
        """A table of every call."""
        from rich.table import Table

        cells = [_cells(record) for record in spend.records]
        shown = next(names for least, names in _COLUMNS if self._console.width >= least)
        table = Table(show_edge=False, pad_edge=False, box=None, header_style="bold")
        for name in shown:
            is_text = name in _TEXTS
            table.add_column(f"\n{name}", justify="left" if is_text else "right", no_wrap=not is_text)
        for row in cells:
            table.add_row(*(row[name] for name in shown))
        self._console.print(table)

    def totals(self, title: str, totals: Mapping[str | None, SpendTotal]) -> None:
        """A table of sums."""
        from rich.table import Table

        table = Table(show_edge=False, pad_edge=False, box=None, header_style="bold")
        table.add_column(f"\n{title}", min_width=22)
        for name in ("calls", "tokens in", "out"):
            table.add_column(f"\n{name}", justify="right", no_wrap=True)
        table.add_column("\nUSD", justify="right", min_width=9)
        for key, total in sorted(totals.items(), key=lambda item: -item[1].usd):
            cells = (total.calls, total.prompt_tokens, total.completion_tokens)
            unknown = f" + {total.unknown_cost_calls} of unknown cost" if total.unknown_cost_calls else ""
            table.add_row(key or "unknown", *map(str, cells), usd(total.usd) + unknown)
        self._console.print(table)


def _cells(record: CallRecord) -> dict[str, str]:
    return {
        "made by": ", ".join(record.tags),
        "provider": record.provider or "unknown",
        "model": record.model or "unknown",
        "tokens in": number(record.prompt_tokens),
        "out": number(record.completion_tokens),
        "first token": f"{record.ttft_ms:.1f} ms" if record.ttft_ms is not None else "",
        "USD": usd(record.usd),
    }


def usd(amount: float | None) -> str:
    """An amount in USD as text; an amount that is not known is never shown as 0."""
    return "unknown" if amount is None else usd_text(amount)


def number(count: int | None) -> str:
    """A count as text, empty where it is not known."""
    return "" if count is None else str(count)
