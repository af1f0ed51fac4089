"""Tools of a real server of the Model Context Protocol, over its standard input and output."""

import sys
from pathlib import Path

import pytest
from mcp.client.stdio import stdio_client

from auriko import AsyncClient
from auriko.sandbox import Sandbox, tool_call
from auriko.tools import mcp_tools
from mcp import ClientSession, StdioServerParameters

SERVER = StdioServerParameters(command=sys.executable, args=[str(Path(__file__).with_name("server.py"))])


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_tools_of_a_session_are_run() -> None:
    calls = [tool_call("temperature", city="Oslo"), tool_call("temperature", city="Atlantis")]
    with Sandbox(engines=["quote"], answers=[calls, "It is 3 degrees."]) as sandbox:
        async with (
            stdio_client(SERVER) as streams,
            ClientSession(*streams) as session,
            AsyncClient(api_key=sandbox.api_key, base_url=sandbox.base_url) as client,
        ):
            await session.initialize()
            result = await client.chat.completions.run_tools(
                model="gpt-4o",
                messages=[{"role": "user", "content": "How warm is it in Oslo?"}],
                tools=await mcp_tools(session),
            )
    good, bad = result.steps[0].calls
    assert good.result == "Oslo: 3 degrees"
    assert bad.error is not None
    assert "there is no such city" in bad.result
    assert result.text == "It is 3 degrees."
