"""Functions as tools, and the loop that runs what a model calls: `client.chat.completions.run_tools(tools=[...])`."""

from auriko.tools._loop import ToolCallRecord, ToolStep
from auriko.tools._mcp import mcp_tools
from auriko.tools._run import AsyncToolRun, ToolResult, ToolRun
from auriko.tools._tool import Tool, ToolError

__all__ = ["AsyncToolRun", "Tool", "ToolCallRecord", "ToolError", "ToolResult", "ToolRun", "ToolStep", "mcp_tools"]
