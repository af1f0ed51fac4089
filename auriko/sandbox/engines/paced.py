"""Any engine at a pace of one's choosing, so that providers differ in speed."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from typing import Any

from auriko.sandbox.engines.base import Engine, Event, Finish, Prompt
from auriko.sandbox.engines.tokens import count_prompt_tokens


class Paced:
    """Another engine at a steady pace.

    Args:
        engine: The engine that answers.
        first: Seconds before the first piece, on top of what the engine takes itself.
        each: Seconds before each further piece.
        prefill: Seconds for each token of the prompt that the provider's cache does not hold, before the first piece.
        name: The name of this one, which a catalogue's providers refer to; None takes the engine's.
    """

    def __init__(
        self, engine: Engine, *, first: float = 0.0, each: float = 0.0, prefill: float = 0.0, name: str | None = None
    ) -> None:
        self.name = name or engine.name
        self.engine = engine
        self._first, self._each, self._prefill = first, each, prefill

    def run(self, prompt: Prompt) -> Iterator[Event]:
        """Events of the other engine's run, one after the other."""
        events = self.engine.run(prompt)
        try:
            pause = self._first
            if self._prefill:
                pause += self._prefill * count_prompt_tokens(prompt) * (1 - prompt.cached)
            for event in events:
                if not isinstance(event, Finish):
                    time.sleep(pause)
                    pause = self._each
                yield event
        finally:
            if isinstance(events, Generator):
                events.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)  # whether it passes a prompt on, warms up, or has something to close
