"""Tools in requests and tool calls in responses (API section 3.3)."""

# LlamaIndex types its tools and JSON helpers with bare dicts.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool
from pydantic_core import from_json


def tool_spec(tool: BaseTool, *, strict: bool | None) -> dict[str, Any]:
    """The tool as the API takes it; with `strict` its schema is closed, which providers then guarantee."""
    spec: dict[str, Any] = tool.metadata.to_openai_tool(skip_length_check=True)
    if strict is not None:
        function = spec["function"]
        parameters = closed_schema(function["parameters"]) if strict else function["parameters"]
        spec = {**spec, "function": {**function, "parameters": parameters, "strict": strict}}
    return spec


def closed_schema(schema: Any) -> Any:
    """A copy of a JSON schema in which every object has all its properties and no others, as strict mode asks."""
    if isinstance(schema, Mapping):
        copy = {key: closed_schema(value) for key, value in schema.items()}
        properties = copy.get("properties")
        if copy.get("type") == "object" and isinstance(properties, dict):
            copy["additionalProperties"] = False
            copy["required"] = list(properties)
        return copy
    if isinstance(schema, list):
        return [closed_schema(item) for item in schema]
    return schema


def wire_tool_choice(choice: str | Mapping[str, Any] | None, *, required: bool) -> str | dict[str, Any] | None:
    """A tool choice as the API takes it: a word, the name of a tool, or the API's own object.

    Without one it is `required`, or None, which leaves the choice to the model.
    """
    if choice is None:
        return "required" if required else None
    if not isinstance(choice, str):
        return dict(choice)
    if choice in {"auto", "none", "required"}:
        return choice
    return "required" if choice == "any" else {"type": "function", "function": {"name": choice}}


def tool_selections(response: ChatResponse) -> list[ToolSelection]:
    """The calls that the model asks for; arguments that are still incomplete are read as far as they go."""
    blocks = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
    return [
        ToolSelection(
            tool_id=block.tool_call_id or f"call_{position}",
            tool_name=block.tool_name,
            tool_kwargs=read_json(block.tool_kwargs) if isinstance(block.tool_kwargs, str) else block.tool_kwargs,
        )
        for position, block in enumerate(blocks)
    ]


def read_json(text: str) -> dict[str, Any]:
    """A JSON object as far as it has come; what is none counts as empty."""
    try:
        value: Any = from_json(text, allow_partial="trailing-strings")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
