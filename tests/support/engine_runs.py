"""What engines are asked in tests, and what comes back, in one piece."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auriko.sandbox.engines import Engine, Finish, Prompt, Text, ToolCall
from auriko.sandbox.engines.extract_bm25 import BM25
from auriko.sandbox.engines.extract_questions import analyse
from auriko.sandbox.engines.extract_text import terms

ROOT = Path(__file__).parents[2]
_DOCUMENTS = ("routing", "cost", "errors")
_CHUNK = 1000


@dataclass(frozen=True)
class Run:
    """All of one run."""

    pieces: list[str]
    calls: list[ToolCall]
    finish: Finish

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def called(self) -> list[tuple[str, Any]]:
        """(name, arguments) of each call."""
        return [(call.name, json.loads(call.arguments)) for call in self.calls]


def run(engine: Engine, *messages: str | Mapping[str, Any], **settings: Any) -> Run:
    """What `engine` makes of the messages; a string is a user message."""
    wire = tuple({"role": "user", "content": one} if isinstance(one, str) else one for one in messages)
    *events, finish = engine.run(Prompt(messages=wire, **settings))
    assert isinstance(finish, Finish)
    assert not any(isinstance(event, Finish) for event in events)
    pieces = [event.text for event in events if isinstance(event, Text)]
    return Run(pieces, [event for event in events if isinstance(event, ToolCall)], finish)


def question_set(name: str) -> dict[str, Any]:
    """A committed set: "questions", written before the engine, or a "heldout" one, which it had not seen."""
    found: dict[str, Any] = json.loads((ROOT / "tests/sandbox/data" / f"{name}.json").read_text(encoding="utf-8"))
    return found


@functools.cache
def _chunks() -> list[tuple[str, str]]:
    """(file, text) of every chunk of the documentation: paragraphs or rows of one section, about 1,000 characters."""
    found: list[tuple[str, str]] = []
    for name in _DOCUMENTS:
        text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
        for section in re.split(r"(?m)^(?=#)", text):
            chunk = ""
            for part in re.split(r"(?m)\n(?=\n|\|)", section):  # before a blank line or a row of a table
                if len(chunk) + len(part) > _CHUNK:
                    found.append((name, chunk))
                    chunk = ""
                chunk = f"{chunk}\n{part}"
            found.append((name, chunk))
    return [(name, chunk) for name, chunk in found if chunk.strip()]


@functools.cache
def _index() -> BM25:
    return BM25([terms(chunk) for _, chunk in _chunks()])


def retrieve(question: str, count: int = 4) -> str:
    """The chunks of the documentation that fit best by BM25, as a query engine joins them."""
    scores = _index().scores({concept.term: concept.weight for concept in analyse(question).concepts})
    best = sorted(range(len(scores)), key=lambda number: -scores[number])[:count]
    return "\n\n".join(f"file_path: docs/{_chunks()[number][0]}.md\n\n{_chunks()[number][1]}" for number in best)
