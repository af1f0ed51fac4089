"""Sandboxes for tests: engines whose behaviour a test decides, and clients that are not ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from auriko.sandbox import Sandbox
from auriko.sandbox.engines.base import Engine, EngineError, Event, Finish, Prompt, Text, ToolCall
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


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def quick() -> ScriptedEngine:
    return ScriptedEngine("extract")


@pytest.fixture
def slow() -> ScriptedEngine:
    return ScriptedEngine("extract-thorough", delay=0.01)


@pytest.fixture
def sandbox(quick: ScriptedEngine, slow: ScriptedEngine) -> Iterator[Sandbox]:
    with Sandbox(engines=[quick, slow]) as running:
        quick.prompts.clear()
        slow.prompts.clear()
        yield running


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_for(sandbox) as client:
        yield client


@pytest.fixture(scope="module")
def steady_http() -> Iterator[httpx.Client]:
    """A client of one sandbox for many tests, for those that leave nothing behind."""
    engines = [ScriptedEngine("extract"), ScriptedEngine("extract-thorough")]
    with Sandbox(engines=engines) as running, client_for(running) as client:
        yield client


@pytest.fixture
def start_sandbox() -> Iterator[Callable[..., httpx.Client]]:
    """Starts a sandbox with these arguments and returns a client for it; both end with the test."""
    running: list[tuple[Sandbox, httpx.Client]] = []

    def start(engines: list[Engine] | None = None, **arguments: Any) -> httpx.Client:
        engines = engines or [ScriptedEngine("extract"), ScriptedEngine("extract-thorough", delay=0.01)]
        sandbox = Sandbox(engines=engines, **arguments).start()
        running.append((sandbox, client_for(sandbox)))
        return running[-1][1]

    yield start
    for sandbox, client in running:
        client.close()
        sandbox.stop()


def client_for(sandbox: Sandbox) -> httpx.Client:
    return httpx.Client(base_url=sandbox.base_url, headers={"Authorization": f"Bearer {sandbox.api_key}"}, timeout=20)
