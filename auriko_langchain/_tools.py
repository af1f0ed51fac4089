"""Tools, the choice among them, and schemas for answers, as the wire has them (API sections 3.3 and 3.4)."""

# Schemas are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool

Tool = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
ToolChoice = str | bool | Mapping[str, Any] | None


def wire_tools(tools: Sequence[Tool], strict: bool | None) -> list[dict[str, Any]]:
    """The tools as JSON schemas, whether they are LangChain tools, functions, classes or schemas already."""
    return [convert_to_openai_tool(dict(tool) if isinstance(tool, Mapping) else tool, strict=strict) for tool in tools]


def wire_tool_choice(choice: ToolChoice, tools: Sequence[Mapping[str, Any]]) -> Any:
    """The tool that must be called, or None to leave it to the model.

    Args:
        choice: "auto", "none", "any" or "required", True for any, the name of a tool, or a dictionary as the
            OpenAI or the Anthropic API has it.
        tools: The tools that are offered, as on the wire.

    Raises:
        ValueError: There is no tool of that name.
    """
    if not choice:
        return None
    if isinstance(choice, Mapping):
        kind = choice.get("type")
        if kind == "tool":
            return _named(str(choice.get("name")), tools)
        return wire_tool_choice(kind, tools) if kind in ("auto", "any", "none") else dict(choice)
    if choice is True or choice in ("any", "required"):
        return "required"
    return choice if choice in ("auto", "none") else _named(choice, tools)


def wire_response_format(schema: Any, strict: bool | None = None) -> dict[str, Any]:
    """The `response_format` on the wire, from a class, a JSON schema, or one that is ready."""
    if isinstance(schema, Mapping) and schema.get("type") in ("json_schema", "json_object", "text"):
        return dict(schema)
    function = convert_to_openai_function(schema, strict=strict)
    described = {"name": function["name"], "schema": function["parameters"]}
    described |= {name: function[name] for name in ("description", "strict") if function.get(name)}
    return {"type": "json_schema", "json_schema": described}


def _named(name: str, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = [tool["function"]["name"] for tool in tools if "function" in tool]
    if name not in names:
        raise ValueError(f"tool_choice names the tool {name!r}, but the tools are {', '.join(names) or 'none'}.")
    return {"type": "function", "function": {"name": name}}
