"""Tools, the choice among them, and schemas for answers, as the wire has them (API sections 3.3 and 3.4)."""

# Schemas are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any

from langchain_core.tools import BaseTool, create_schema_from_function
from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool
from pydantic import TypeAdapter
from typing_extensions import is_typeddict

from auriko.schemas import fitting_name, inlined, strict_schema

Tool = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
ToolChoice = str | bool | Mapping[str, Any] | None


def wire_tools(tools: Sequence[Tool], strict: bool | None) -> list[dict[str, Any]]:
    """The tools as JSON schemas, whether they are LangChain tools, functions, classes or schemas already."""
    return [_wire_tool(tool, strict) for tool in tools]


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
    if isinstance(schema, Mapping):
        ready: Mapping[str, Any] = schema
        if ready.get("type") in ("json_object", "text"):
            return dict(ready)
        if ready.get("type") == "json_schema":
            ready = ready.get("json_schema") or {}
            if "schema" not in ready:
                return dict(schema)  # for the gateway to say what is missing
        if _is_described(ready):
            return {"type": "json_schema", "json_schema": _finished(ready, "schema", strict)}
    function = _wire_function(schema, strict)
    described = {"name": fitting_name(function["name"]), "schema": function["parameters"]}
    described |= {name: function[name] for name in ("description", "strict") if function.get(name)}
    return {"type": "json_schema", "json_schema": described}


def wire_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a call or a binding, in which tools and the form of the answer may be classes."""
    wired = dict(arguments)
    if (tools := arguments.get("tools")) is not None:
        wired["tools"] = wire_tools(tools, None)
        if "tool_choice" in arguments:
            wired["tool_choice"] = wire_tool_choice(arguments["tool_choice"], wired["tools"])
    if (form := arguments.get("response_format")) is not None:
        wired["response_format"] = wire_response_format(form)
    return wired


def is_wired(arguments: Mapping[str, Any]) -> bool:
    """True if tools and the form of the answer are dictionaries, as on the wire."""
    form = arguments.get("response_format")
    return (form is None or isinstance(form, Mapping)) and all(
        isinstance(tool, Mapping) for tool in arguments.get("tools") or ()
    )


def _wire_tool(tool: Tool, strict: bool | None) -> dict[str, Any]:
    if isinstance(tool, Mapping):
        if isinstance(function := tool.get("function"), Mapping):
            return {**tool, "function": _finished(function, "parameters", strict)}
        if _is_described(tool):
            return {"type": "function", "function": _wire_function(tool, strict)}
        tool = dict(tool)
    if is_typeddict(tool):
        return {"type": "function", "function": _wire_function(tool, strict)}
    described = convert_to_openai_tool(tool)
    return {**described, "function": _wire_function(tool, strict)} if "function" in described else described


def _wire_function(source: Any, strict: bool | None) -> dict[str, Any]:
    if isinstance(source, Mapping) and _is_described(source):
        function = {name: value for name, value in source.items() if name in ("name", "description", "strict")}
        function["parameters"] = source["schema"]
    else:
        try:
            function = convert_to_openai_function(dict(source) if isinstance(source, Mapping) else source)
        except RecursionError:  # langchain-core follows a TypedDict that refers to itself without end
            source = _schema_of_typed_dict(source)
            function = convert_to_openai_function(source)
        recursive = _recursive_schema(source)
        if recursive is not None:  # langchain-core forgets what refers to itself
            function["parameters"] = recursive
    return _finished(function, "parameters", strict)


def _finished(described: Mapping[str, Any], key: str, strict: bool | None) -> dict[str, Any]:
    """A function or a schema of an answer, closed where it is strict, be it by itself or as all are."""
    finished = dict(described)
    if key == "schema" and isinstance(finished.get("name"), str):
        finished["name"] = fitting_name(finished["name"])
    own = finished.get("strict")
    asked = strict if own is None else own
    if asked is not None:
        finished["strict"] = asked
    if asked and isinstance(schema := finished.get(key), Mapping):
        finished[key] = strict_schema(schema)
    return finished


def _is_described(schema: Mapping[str, Any]) -> bool:
    """True for `{"name": ..., "schema": ..., "strict": ...}`."""
    return isinstance(schema.get("name"), str) and isinstance(schema.get("schema"), Mapping)


def _recursive_schema(source: Any) -> dict[str, Any] | None:
    """The schema of a class, a tool or a JSON schema, if a part of it contains itself; else None."""
    if isinstance(source, BaseTool):
        source = source.tool_call_schema
    elif isinstance(source, FunctionType):
        # As convert_to_openai_function does it.
        options: dict[str, Any] = {"filter_args": (), "parse_docstring": True, "error_on_invalid_docstring": False}
        source = create_schema_from_function(source.__name__, source, include_injected=False, **options)
    make = getattr(source, "model_json_schema", None)
    schema: Any = make() if callable(make) else source
    if not isinstance(schema, Mapping) or not schema.keys() & {"$defs", "definitions"}:
        return None
    found = inlined(schema)
    if not found.keys() & {"$defs", "definitions"}:
        return None
    return {name: value for name, value in found.items() if name not in ("title", "description")}


def _schema_of_typed_dict(source: Any) -> dict[str, Any]:
    schema = inlined(TypeAdapter(source).json_schema())
    return {
        **schema,
        "title": source.__name__,
        "description": schema.get("description") or inspect.getdoc(source) or "",
    }


def _named(name: str, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = [tool["function"]["name"] for tool in tools if "function" in tool]
    found = name if name in names else next((own for own in names if fitting_name(own) == fitting_name(name)), None)
    if found is None:
        raise ValueError(f"tool_choice names the tool {name!r}, but the tools are {', '.join(names) or 'none'}.")
    return {"type": "function", "function": {"name": found}}
