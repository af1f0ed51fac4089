"""The six ways to run a LangChain runnable."""

from __future__ import annotations

from typing import Any

WAYS = ["invoke", "ainvoke", "stream", "astream", "batch", "abatch"]


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
