"""The three ways to run a batch, with one face for the tests."""

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from auriko import AsyncClient, Client
from tests.support.cells import KEY

Results = list[Any]


class InThreads:
    """The client of threads."""

    def batch(self, url: str, requests: Any, **options: Any) -> Results:
        with Client(api_key=KEY, base_url=url, max_retries=0) as client:
            return client.chat.completions.batch(requests, **options)

    def as_completed(self, url: str, requests: Any, see: Callable[..., Any] = print, **options: Any) -> Results:
        """What came, in the order in which it came; `see` is told of the batch and of each result."""
        with Client(api_key=KEY, base_url=url, max_retries=0) as client:
            seen: Results = []
            with client.chat.completions.batch_as_completed(requests, **options) as replies:
                for index, reply in replies:
                    seen.append((index, reply))
                    see(replies, index, reply)
            return seen


class OnLoop:
    """The client of an event loop."""

    def __init__(self, backend: str) -> None:
        self.backend = backend

    def batch(self, url: str, requests: Any, **options: Any) -> Results:
        async def main() -> Results:
            async with AsyncClient(api_key=KEY, base_url=url, max_retries=0) as client:
                return await client.chat.completions.batch(requests, **options)

        return self._run(main)

    def as_completed(self, url: str, requests: Any, see: Callable[..., Any] = print, **options: Any) -> Results:
        async def main() -> Results:
            async with AsyncClient(api_key=KEY, base_url=url, max_retries=0) as client:
                seen: Results = []
                async with client.chat.completions.batch_as_completed(requests, **options) as replies:
                    async for index, reply in replies:
                        seen.append((index, reply))
                        see(replies, index, reply)
                return seen

        return self._run(main)

    def _run(self, main: Callable[[], Any]) -> Results:
        """Runs it as programs do: before Python 3.11, anyio's own way makes a cancellation of Ctrl-C."""
        ran: Results = asyncio.run(main()) if self.backend == "asyncio" else anyio.run(main, backend=self.backend)
        return ran


WAYS = [
    pytest.param(InThreads(), id="threads"),
    pytest.param(OnLoop("asyncio"), id="asyncio"),
    pytest.param(OnLoop("trio"), id="trio"),
]


def ask(number: int) -> dict[str, Any]:
    """The request of this number."""
    return {"model": "m", "messages": [{"role": "user", "content": str(number)}]}
