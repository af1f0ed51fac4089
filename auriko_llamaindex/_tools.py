"""Tools in requests and tool calls in responses (API section 3.3)."""

# LlamaIndex types its tools and JSON helpers with bare dicts.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool
from pydantic_core import from_json, to_json

from auriko.meaning.tool_calls import ReadCall, read_calls
from auriko.models import ToolCall, ToolCallFunction
from auriko.schemas import inlined, strict_schema
from auriko_llamaindex._stream import GrowingResponse


def tool_spec(tool: BaseTool, *, strict: bool | None) -> dict[str, Any]:
    """The tool as the API takes it; with `strict` its schema is closed, which providers then guarantee."""
    spec: dict[str, Any] = tool.metadata.to_openai_tool(skip_length_check=True)
    # LlamaIndex's spec may have another name, by which agents do not find the tool.
    function: dict[str, Any] = {**spec["function"], "name": tool.metadata.get_name(), "parameters": _parameters(tool)}
    if strict is not None:
        function["strict"] = strict
        if strict:
            function["parameters"] = strict_schema(function["parameters"])
    return {**spec, "function": function}


def _parameters(tool: BaseTool) -> dict[str, Any]:
    """The schema of the tool's arguments; LlamaIndex's own has nothing left where the class contains itself."""
    parameters = tool.metadata.get_parameters_dict()
    if "properties" in parameters or tool.metadata.fn_schema is None:
        return inlined(parameters)
    whole = inlined(tool.metadata.fn_schema.model_json_schema())
    return {name: value for name, value in whole.items() if name not in ("title", "description")}


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
    """The calls that the model asks for.

    While they grow, as far as they have come. A call of a finished answer that must not be run has the reason in its
    name: no tool is called so, which an agent then tells the model.
    """
    if isinstance(response, GrowingResponse):
        calls = [ReadCall(call, read_json(call.function.arguments), None) for call in _wire_calls(response)]
    else:
        calls = read_calls_of(response)
    return [
        ToolSelection(tool_id=read.call.id, tool_name=_shown_name(read), tool_kwargs=read.arguments) for read in calls
    ]


def why_not_run(response: ChatResponse) -> str | None:
    """The reason that a call of a finished answer must not be run, or None."""
    if isinstance(response, GrowingResponse):
        return None
    return next((_shown_name(read) for read in read_calls_of(response) if read.problem), None)


def read_calls_of(response: ChatResponse) -> list[ReadCall]:
    """The calls of an answer, and which of them may be run."""
    return read_calls(_wire_calls(response), finish_reason(response))


def finish_reason(response: ChatResponse) -> str | None:
    """Why an answer ended, as the gateway said; or None."""
    choices = response.raw.get("choices") if isinstance(response.raw, Mapping) else None
    return choices[0].get("finish_reason") if choices else None


def _wire_calls(response: ChatResponse) -> list[ToolCall]:
    blocks = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
    return [
        ToolCall.model_construct(
            id=block.tool_call_id or f"call_{position}",
            function=ToolCallFunction.model_construct(name=block.tool_name, arguments=_text(block)),
        )
        for position, block in enumerate(blocks)
    ]


def _text(block: ToolCallBlock) -> str:
    arguments = block.tool_kwargs
    return arguments if isinstance(arguments, str) else to_json(arguments).decode()


def _shown_name(read: ReadCall) -> str:
    name = read.call.function.name
    return name if read.problem is None else f"{name} (not run: {read.problem})"


def read_json(text: str) -> dict[str, Any]:
    """A JSON object as far as it has come; what is none counts as empty."""
    try:
        value: Any = from_json(text, allow_partial="trailing-strings")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
