"""Sums as text for a terminal, as HTML for a notebook, and as a plot. Colours are those of the reader's theme."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from auriko._display.table import text_table
from auriko.spend._export import optional
from auriko.spend._record import SpendTotal

Sums = Mapping[str | None, SpendTotal]
_HEAD: Final = ("calls", "tokens in", "out", "USD", "share")
_RIGHT: Final = "text-align:right;padding:0.2em 0.8em;white-space:nowrap"
_LEFT: Final = "text-align:left;padding:0.2em 0.8em;white-space:nowrap"
_UNNAMED: Final = {"provider": "unknown", "model": "unknown", "tag": "(none)", "conversation": "(none)"}


def text_report(summary: str, total: SpendTotal, parts: Mapping[str, Sums]) -> str:
    """A line about everything, and a table for each way of adding up."""
    blocks = [summary]
    for title, sums in parts.items():
        rows = [(_name(title, key), *_cells(part, total)) for key, part in _largest_first(sums)]
        if rows:
            columns = [max(map(len, column)) for column in zip(_HEAD, *(row[1:] for row in rows), strict=True)]
            head, *body = [
                (name, *(cell.rjust(width) for cell, width in zip(cells, columns, strict=True)))
                for name, *cells in ((title, *_HEAD), *rows)
            ]
            blocks.append(text_table(head, body))
    return "\n\n".join(blocks)


def html_report(summary: str, total: SpendTotal, parts: Mapping[str, Sums]) -> str:
    """The same, with a bar beside each amount."""
    groups = [
        _html_head(title)
        + "".join(_html_row(_name(title, key), _cells(part, total), _share(part, total)) for key, part in rows)
        for title, sums in parts.items()
        if (rows := _largest_first(sums))
    ]
    # Where a page has no document type, a table would not take over the colour of its surroundings.
    return f'<div>{escape(summary)}<table style="color:inherit;margin-top:0.6em">{"".join(groups)}</table></div>'


def bar_plot(title: str, sums: Sums, axes: Any) -> Any:
    """Matplotlib's axes with a bar for each sum.

    Raises:
        ImportError: matplotlib is not installed.
    """
    if axes is None:
        pyplot = optional("matplotlib.pyplot", "plot")
        axes = pyplot.subplots(figsize=(7, 1 + 0.4 * max(1, len(sums))), layout="constrained")[1]
    rows = _largest_first(sums)[::-1]
    bars = axes.barh([_name(title, key) for key, _ in rows], [total.usd for _, total in rows])
    axes.bar_label(bars, [total.cost_text for _, total in rows], padding=4)
    axes.margins(x=0.25)
    axes.set_xlabel("USD")
    axes.set_title(f"spend by {title}")
    return axes


def _largest_first(sums: Sums) -> list[tuple[str | None, SpendTotal]]:
    return sorted(sums.items(), key=lambda item: (-item[1].usd, -item[1].calls, item[0] or ""))


def _name(title: str, key: str | None) -> str:
    return _UNNAMED.get(title, "") if key is None else key


def _share(part: SpendTotal, total: SpendTotal) -> float:
    """The share of the whole, as far as the cost is known."""
    return part.usd / total.usd if total.usd else 0.0


def _cells(part: SpendTotal, total: SpendTotal) -> tuple[str, ...]:
    share = f"{_share(part, total):.0%}" if part.usd else ""
    return (f"{part.calls:,}", f"{part.prompt_tokens:,}", f"{part.completion_tokens:,}", part.cost_text, share)


def _html_head(title: str) -> str:
    names = "".join(f'<th style="{_RIGHT}">{name}</th>' for name in _HEAD)
    return f'<tr><th style="{_LEFT};padding-top:0.8em">{escape(title)}</th>{names}<th style="min-width:8em"></th></tr>'


def _html_row(name: str, cells: tuple[str, ...], share: float) -> str:
    numbers = "".join(f'<td style="{_RIGHT}">{escape(cell)}</td>' for cell in cells)
    # Of the text's own colour, so that it is seen on light and dark grounds alike.
    style = f"background:currentColor;opacity:0.45;height:0.7em;border-radius:2px;width:{100 * share:.1f}%"
    return f'<tr><td style="{_LEFT}">{escape(name)}</td>{numbers}<td><div style="{style}"></div></td></tr>'
