"""The six ways to run a LangChain runnable, and where agents of old Pythons lose their run."""

from __future__ import annotations

import sys
from typing import Any

import pytest

WAYS = ["invoke", "ainvoke", "stream", "astream", "batch", "abatch"]

# Not for the whole of such a test, but for its asynchronous ways.
AGENT_IN_ASYNC_CODE = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="tasks take no context before, and LangGraph does not hand its run on to models"
)


async def call(runnable: Any, way: str, *arguments: Any, chunks: list[Any] | None = None) -> Any:
    """The whole answer, by one of the six ways; `chunks` is given those of a stream as they come."""
    chunks = [] if chunks is None else chunks
    match way:
        case "invoke":
            return runnable.invoke(*arguments)
        case "ainvoke":
            return await runnable.ainvoke(*arguments)
        case "batch":
            return runnable.batch([arguments[0]], *arguments[1:])[0]
        case "abatch":
            return (await runnable.abatch([arguments[0]], *arguments[1:]))[0]
        case "stream":
            for chunk in runnable.stream(*arguments):
                chunks.append(chunk)
        case "astream":
            async for chunk in runnable.astream(*arguments):
                chunks.append(chunk)
    return sum(chunks[1:], chunks[0])
