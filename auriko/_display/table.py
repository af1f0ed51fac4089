"""Tables for terminals and notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

Row = Sequence[str]
_CELL: Final = "text-align:left;padding:0.2em 0.8em;vertical-align:top"
_LONGEST_UNBROKEN: Final = 30


def text_table(head: Row, rows: Sequence[Row]) -> str:
    """Aligned columns under a line of headings."""
    lines = [head, ["-" * len(name) for name in head], *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def html_table(head: Row, rows: Sequence[Row], notes: Sequence[str] = ()) -> str:
    """A table, and notes below it, without colours of its own, so that dark themes can show it."""
    below = "".join(f"<div>{escape(note)}</div>" for note in notes)
    return (
        f"<table><thead>{_html_row('th', head)}</thead>"
        f"<tbody>{''.join(_html_row('td', row) for row in rows)}</tbody></table>"
        + (f'<div style="opacity:0.7;font-size:0.9em">{below}</div>' if below else "")
    )


def _html_row(tag: str, row: Row) -> str:
    return f"<tr>{''.join(_html_cell(tag, cell) for cell in row)}</tr>"


def _html_cell(tag: str, cell: str) -> str:
    style = f"{_CELL};white-space:nowrap" if len(cell) <= _LONGEST_UNBROKEN else _CELL
    return f'<{tag} style="{style}">{escape(cell)}</{tag}>'
