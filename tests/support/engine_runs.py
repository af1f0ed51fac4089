"""What engines are asked in tests, and what comes back, in one piece."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auriko.sandbox.engines import Engine, Finish, Prompt, Text, ToolCall

ROOT = Path(__file__).parents[2]


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
    """A committed set of `tests/sandbox/data`."""
    found: dict[str, Any] = json.loads((ROOT / "tests/sandbox/data" / f"{name}.json").read_text(encoding="utf-8"))
    return found
