"""Replies and errors as a notebook, or a terminal of IPython, shows them.

Nothing has a colour of its own, so that light and dark themes both can show it. A reply's text is shown as it is
and never read as Markdown or HTML: an address in it would be fetched by being looked at.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from html import escape
from typing import Any, Final

Bundle = dict[str, str]
_FAINT: Final = "opacity:0.7;font-size:0.9em;margin-top:0.4em"
_PRE: Final = "white-space:pre-wrap;overflow-wrap:anywhere"
_IMAGE: Final = re.compile(r"image/(?:png|jpeg|gif|webp)")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]+=*\s*")


class Card:
    """Paragraphs above a fainter line of facts, as plain text and as HTML."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._html: list[str] = []

    def title(self, text: str) -> None:
        """Adds a heading."""
        self._text.append(text)
        self._html.append(f"<div><strong>{escape(text)}</strong></div>")

    def paragraph(self, text: str) -> None:
        """Adds text with its line breaks."""
        self._text.append(text)
        self._html.append(f'<div style="{_PRE}">{escape(text)}</div>')

    def folded(self, summary: str, text: str) -> None:
        """Adds text that is folded away where that is possible."""
        self._text.append(f"({summary}: {text})")
        self._html.append(
            f'<details><summary>{escape(summary)}</summary><div style="{_PRE}">{escape(text)}</div></details>'
        )

    def picture(self, mime_type: str, data: str) -> None:
        """Adds an image that the reply itself holds, in base64."""
        self._text.append(f"({mime_type}, {len(data) * 3 // 4:,} bytes)")
        if _IMAGE.fullmatch(mime_type) and _BASE64.fullmatch(data):
            self._html.append(f'<img style="max-width:100%" src="data:{mime_type};base64,{data}">')
        else:
            self._html.append(f"<div>{escape(self._text[-1])}</div>")

    def facts(self, facts: Iterable[str]) -> None:
        """Adds a fainter line."""
        line = " · ".join(facts)
        if line:
            self._text.append(line)
            self._html.append(f'<div style="{_FAINT}">{escape(line)}</div>')

    def bundle(self) -> Bundle:
        """The card by MIME type."""
        return {"text/plain": "\n".join(self._text), "text/html": f"<div>{''.join(self._html)}</div>"}


def in_a_notebook() -> bool:
    """True if this runs in a cell of a notebook; to have its packages imported is not enough."""
    ipython: Any = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
