"""What every test may use: the fixtures that users of the package have, and examples that are the same in every run."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from auriko import Client
    from auriko.sandbox import Sandbox

pytest_plugins = ["auriko.pytest_plugin"]

# A shell has what it runs in the background ignore Ctrl-C, and so would what tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A gateway whose answers are the same everywhere."""
    from auriko.sandbox import Sandbox

    with Sandbox(engines=["quote", "quote-slow"]) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    """A client of the sandbox."""
    from auriko import Client

    with Client(api_key=sandbox.api_key, base_url=sandbox.base_url) as made:
        yield made


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are made again at once."""
    monkeypatch.setattr("auriko._rules.retry.FIRST_DELAY", 0.0)


@pytest.fixture
def llamaindex() -> Iterator[None]:
    """LlamaIndex for one test: its settings and handlers are taken back, and the loop that it uses is closed."""
    from llama_index.core import Settings
    from llama_index.core.instrumentation import get_dispatcher

    before = dict(vars(Settings))
    dispatcher = get_dispatcher()
    handlers = list(dispatcher.event_handlers), list(dispatcher.span_handlers)
    loop = asyncio.new_event_loop()  # it would make one and leave it open
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
    vars(Settings).update(before)
    dispatcher.event_handlers, dispatcher.span_handlers = handlers
