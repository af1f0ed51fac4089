"""Words, stems and the units of a text that can be an answer: sentences, list items and rows of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from auriko.sandbox.engines.extract_words import STOPWORDS

_TOKEN = re.compile(r"\w+(?:[.'’-]\w+)*")  # noqa: RUF001 (typographic apostrophes are what people write)
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”)\]]*\s+(?=[\"'“(\[`*_]*[^\W_])")
_ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|No|vs|etc|e\.g|i\.e|approx|cf)|\b[A-Z])\.$")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_RULE = re.compile(r"\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*$")
_METADATA = re.compile(r"(?:file|file_path|file_name|page_label|source|document_id|doc_id|url):\s")


_IRREGULAR = {
    form: root
    for root, forms in {
        "begin": "began begun", "break": "broke broken", "bring": "brought", "buy": "bought", "choose": "chose chosen",
        "come": "came", "find": "found", "fall": "fell fallen", "forget": "forgot forgotten", "give": "gave given",
        "go": "went gone", "grow": "grew grown", "hold": "held", "keep": "kept", "know": "knew known", "leave": "left",
        "lose": "lost", "make": "made", "mean": "meant", "meet": "met", "pay": "paid", "run": "ran", "say": "said",
        "see": "saw seen", "sell": "sold", "send": "sent", "show": "shown", "speak": "spoke spoken", "spend": "spent",
        "take": "took taken", "teach": "taught", "tell": "told", "think": "thought", "understand": "understood",
        "win": "won", "write": "wrote written",
    }.items()
    for form in forms.split()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of text that can stand as an answer.

    Attributes:
        text: What is shown.
        heading: The headings, list lead-in or column names above it, which say what it is about.
        paragraph: The number of the paragraph that a sentence belongs to; None for what stands alone.
    """

    text: str
    heading: str
    paragraph: int | None


_SUFFIXES = (
    ("ing", 3), ("ed", 3), ("ally", 5), ("ly", 3), ("ation", 5),
    ("ion", 5), ("ment", 4), ("able", 4), ("er", 4), ("or", 4),
)  # fmt: skip
"""Endings, with the least number of letters that must stay when they are cut off."""


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The lower-case stem of an English word; other words come back in lower case."""
    word = word.lower()
    word = _IRREGULAR.get(word, word)
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    for suffix, replacement in (("ies", "y"), ("ied", "y"), ("ily", "y"), ("sses", "ss")):
        if word.endswith(suffix) and len(word) >= len(suffix) + 2:
            return word[: -len(suffix)] + replacement
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    is_root = word.endswith("eed") and len(word) < 8  # need, speed, exceed
    for suffix, least in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= least and not is_root:
            word = word[: -len(suffix)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    word = word.rstrip("e") if len(word) > 3 else word
    return f"{word[:-1]}s" if word.endswith("iz") else word  # optimize, optimise


@lru_cache(maxsize=20_000)
def token_terms(token: str) -> tuple[str, ...]:
    """The terms of one token; a compound such as `max_ttft_ms` or `StreamError` gives itself and its parts."""
    lowered = token.lower().replace("’", "'")  # noqa: RUF001
    if lowered in STOPWORDS:
        return ()
    if lowered.endswith("'s"):
        return token_terms(token[:-2])
    parts: list[str] = _PARTS.findall(token)
    if len(parts) <= 1:
        return (stem(lowered),)
    return (lowered, *(stem(part) for part in parts if part.lower() not in STOPWORDS))


def stem_set(text: str) -> frozenset[str]:
    """The stems of the words of a list that is written as text."""
    return frozenset(stem(word) for word in text.split())


@lru_cache(maxsize=10_000)
def terms(text: str) -> tuple[str, ...]:
    """The stemmed terms of `text` in order, without stop words."""
    return tuple(term for token in _TOKEN.findall(text) for term in token_terms(token))


def tokens(text: str) -> list[str]:
    """The words of `text` as they are written."""
    return _TOKEN.findall(text)


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph; abbreviations do not end one."""
    found: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        sentence = text[start : match.end()].strip()
        if not _ABBREVIATION.search(sentence):
            found.append(sentence)
            start = match.end()
    if rest := text[start:].strip():
        found.append(rest)
    return found


def units(text: str) -> list[Unit]:
    """The units of a text, plain or Markdown, in order; code blocks are left out."""
    found: list[Unit] = []
    heading = lead = ""
    for paragraph, (kind, lines) in enumerate(_blocks(text)):
        if kind in {"heading", "metadata"}:
            heading, lead = lines[0].strip("# ") if kind == "heading" else "", ""
        elif kind == "table":
            if not _has_head(lines):
                heading = ""  # the rest of a table that was cut: what stands above belongs to another passage
            found.extend(Unit(row, heading, None) for row in _rows(lines))
        elif kind == "item":
            found.append(Unit(_LIST_ITEM.sub("", " ".join(lines), count=1), f"{heading} {lead}".strip(), None))
        else:
            pieces = sentences(" ".join(lines))
            found.extend(Unit(piece, heading, paragraph) for piece in pieces)
            lead = pieces[-1] if pieces[-1].endswith(":") else ""
    return found


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yields (kind, lines) with kind heading, table, item, prose, or metadata that begins a passage."""
    kind = ""
    lines: list[str] = []
    in_code = False
    for line in text.splitlines():
        bare = line.strip()
        starts = _kind(bare) if bare else ""
        if bare.startswith("```"):
            in_code = not in_code
            starts = ""
        elif in_code:
            continue
        continues = starts == kind == "table" or (starts == "prose" and kind in {"prose", "item"})
        if lines and not continues:
            yield kind, lines
            lines = []
        if starts:
            kind = kind if continues else starts
            lines.append(bare)
    if lines:
        yield kind, lines


def _kind(line: str) -> str:
    if _METADATA.match(line):
        return "metadata"
    if line.startswith("#"):
        return "heading"
    if line.startswith("|"):
        return "table"
    return "item" if _LIST_ITEM.match(line) else "prose"


def _has_head(lines: list[str]) -> bool:
    return len(lines) > 1 and _RULE.match(lines[1]) is not None


def _rows(lines: list[str]) -> list[str]:
    """The rows of a Markdown table as text, each cell with the name of its column where the table says it."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not _RULE.match(line)]
    if not _has_head(lines):
        return ["; ".join(cell for cell in row if cell) for row in rows]
    names = rows[0]
    return [
        "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(names, row) if cell)  # noqa: B905
        for row in rows[1:]
    ]
