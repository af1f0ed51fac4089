"""Fixtures of the tests of the client's surface."""

from collections.abc import Iterator

import pytest

from auriko import Client
from auriko.sandbox import Sandbox


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A gateway of rules alone, so that answers are the same everywhere."""
    with Sandbox(engines=["quote", "quote-slow"]) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    """A client of the sandbox."""
    with Client(api_key=sandbox.api_key, base_url=sandbox.base_url) as made:
        yield made
