"""An engine whose behaviour a test decides."""

from __future__ import annotations

import time
from collections.abc import Iterator

from auriko.sandbox.engines.base import EngineError, Event, Finish, Prompt, Text, ToolCall
from auriko.sandbox.engines.tokens import count_prompt_tokens, count_tokens


class ScriptedEngine:
    """Says what it is told to, as slowly as it is told to; calls the first tool if there are tools."""

    def __init__(self, name: str, text: str = "Blue light is scattered more.", delay: float = 0.0) -> None:
        self.name = name
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
            prompt_tokens = count_prompt_tokens(prompt)
            if prompt.tools and prompt.messages[-1]["role"] == "user":
                name = prompt.tools[0]["function"]["name"]
                yield ToolCall(name, '{"city": "Oslo", "unit": "celsius"}')
                yield Finish("tool_calls", prompt_tokens, 9)
            elif prompt.response_format and prompt.response_format["type"] != "text":
                yield Text('{"colour": "blue"}')
                yield Finish("stop", prompt_tokens, 6)
            else:
                yield from self._words(prompt_tokens)
            finished = True
        finally:
            self.closed += not finished

    def _words(self, prompt_tokens: int) -> Iterator[Event]:
        for number, word in enumerate(self.text.split(" ")):
            if number == self.fail_after:
                raise EngineError("out of words")
            yield Text(word if number == 0 else f" {word}")
        if self.fail_after is not None and self.fail_after >= len(self.text.split(" ")):
            raise EngineError("out of words")
        yield Finish("stop", prompt_tokens, count_tokens(self.text))
