"""Sandboxes for tests: engines whose behaviour a test decides, and clients that are not ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from auriko.sandbox import Sandbox
from auriko.sandbox.engines.base import Engine
from support.watched_engine import WatchedEngine


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def quick() -> WatchedEngine:
    return WatchedEngine("quote")


@pytest.fixture
def slow() -> WatchedEngine:
    return WatchedEngine("quote-slow", delay=0.01)


@pytest.fixture
def sandbox(quick: WatchedEngine, slow: WatchedEngine) -> Iterator[Sandbox]:
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
    engines = [WatchedEngine("quote"), WatchedEngine("quote-slow")]
    with Sandbox(engines=engines) as running, client_for(running) as client:
        yield client


@pytest.fixture
def start_sandbox() -> Iterator[Callable[..., httpx.Client]]:
    """Starts a sandbox with these arguments and returns a client for it; both end with the test."""
    running: list[tuple[Sandbox, httpx.Client]] = []

    def start(engines: list[Engine] | None = None, **arguments: Any) -> httpx.Client:
        engines = engines or [WatchedEngine("quote"), WatchedEngine("quote-slow", delay=0.01)]
        sandbox = Sandbox(engines=engines, **arguments).start()
        running.append((sandbox, client_for(sandbox)))
        return running[-1][1]

    yield start
    for sandbox, client in running:
        client.close()
        sandbox.stop()


def client_for(sandbox: Sandbox) -> httpx.Client:
    return httpx.Client(base_url=sandbox.base_url, headers={"Authorization": f"Bearer {sandbox.api_key}"}, timeout=20)
