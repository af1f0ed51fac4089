"""Tools of a server of the Model Context Protocol, by a session of the package `mcp`."""

from __future__ import annotations

from typing import Any

from auriko.tools._tool import Tool, ToolError


async def mcp_tools(session: Any) -> list[Tool]:
    """The tools that a session's server offers, for `run_tools` of an `AsyncClient`.

    Args:
        session: An `mcp.ClientSession` that has been initialised, and stays open while the tools run.
    """
    found: list[Tool] = []
    cursor: str | None = None
    while True:
        page = await session.list_tools(cursor=cursor) if cursor else await session.list_tools()
        found += [_tool(session, offered) for offered in page.tools]
        cursor = page.nextCursor
        if not cursor:
            return found


def _tool(session: Any, offered: Any) -> Tool:
    async def run(arguments: dict[str, Any]) -> str:
        result = await session.call_tool(offered.name, arguments)
        text = "\n".join(_text(part) for part in result.content)
        if result.isError:
            raise ToolError(text)
        return text

    return Tool(offered.name, offered.description or "", offered.inputSchema, run, is_async=True)


def _text(part: Any) -> str:
    """A part of a result as text; what is no text is written as JSON."""
    text: str = part.text if part.type == "text" else part.model_dump_json(exclude_none=True)
    return text
