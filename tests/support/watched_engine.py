"""A scripted engine that a test can change while it runs, and that notes what it is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator

from auriko.sandbox.engines.base import EngineError, Event, Prompt
from auriko.sandbox.engines.scripted import Answer, ScriptedEngine, tool_call


class WatchedEngine(ScriptedEngine):
    """Says what it is told to, as slowly as it is told to; calls the first tool if there are tools.

    Attributes:
        fail_after: The number of words after which it fails, if it does.
        closed: How many runs have been ended early.
    """

    def __init__(self, name: str, text: str = "Blue light is scattered more.", delay: float = 0.0) -> None:
        super().__init__(self._answer, name)
        self.text = text
        self.delay = delay
        self.fail_after: int | None = None
        self.prompts: list[Prompt] = []
        self.closed = 0

    def run(self, prompt: Prompt) -> Iterator[Event]:
        self.prompts.append(prompt)
        finished = False
        try:
            time.sleep(self.delay)
            yield from super().run(prompt)
            finished = True
        finally:
            self.closed += not finished

    def take(self, prompt: Prompt) -> Answer:
        return self._answer(prompt)  # thoughts too

    def _answer(self, prompt: Prompt) -> Answer:
        if prompt.tools and prompt.messages[-1]["role"] == "user":
            return tool_call(prompt.tools[0]["function"]["name"], city="Oslo", unit="celsius")
        if prompt.response_format and prompt.response_format["type"] != "text":
            return '{"colour": "blue"}'
        if self.fail_after is not None:
            return [" ".join(self.text.split(" ")[: self.fail_after]), EngineError("out of words")]
        return self.text
