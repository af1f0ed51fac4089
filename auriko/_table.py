"""Tables for terminals and notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

Row = Sequence[str]
_CELL: Final = "text-align:left;padding:0.2em 0.8em;vertical-align:top"


def text_table(head: Row, rows: Sequence[Row]) -> str:
    """Aligned columns under a line of headings."""
    lines = [head, ["-" * len(name) for name in head], *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def html_table(head: Row, rows: Sequence[Row], caption: str = "") -> str:
    """A table without colours of its own, so that dark themes can show it."""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f"<table>{title}<thead>{_html_row('th', head)}</thead>"
        f"<tbody>{''.join(_html_row('td', row) for row in rows)}</tbody></table>"
    )


def _html_row(tag: str, row: Row) -> str:
    cells = (f'<{tag} style="{_CELL}">{escape(cell)}</{tag}>' for cell in row)
    return f"<tr>{''.join(cells)}</tr>"
