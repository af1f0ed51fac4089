"""Names of tools that the API does not take: others that it takes for the request, and their own in the reply."""

# Tools are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from auriko.models.chat import ToolCall, ToolCallDelta
from auriko.schemas import fitting_name


def with_fitting_names(params: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, str]]:
    """The arguments of a request with fitting names, and the own name of each tool by that; none where all fit.

    Raises:
        ValueError: Two tools would have one name.
    """
    given: Any = params["tools"]
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        return params, {}
    tools = given if type(given) is list else list(given)
    named = [_name_of(tool) for tool in tools]
    own: dict[str, str] = {}
    for name in filter(None, named):
        if own.setdefault(fitting := fitting_name(name), name) != name:
            raise ValueError(
                f"the tools {own[fitting]!r} and {name!r} would both be {fitting!r}, since the API takes 64 letters, "
                "digits, hyphens and underscores of a name: give one of them another"
            )
    own = {fitting: name for fitting, name in own.items() if fitting != name}
    if not own:
        return (params if tools is given else {**params, "tools": tools}), own
    fitted = [
        {**tool, "function": {**tool["function"], "name": fitting_name(name)}} if name else tool
        for tool, name in zip(tools, named, strict=True)
    ]
    return {**params, "tools": fitted, "tool_choice": _fitting(params.get("tool_choice"))}, own


def give_own_names(calls: Iterable[ToolCall | ToolCallDelta] | None, own: Mapping[str, str]) -> None:
    """Gives the calls of a reply, or of a chunk of one, the own names of their tools."""
    for call in calls or ():
        if call.function is not None and call.function.name is not None:
            call.function.name = own.get(call.function.name, call.function.name)


def _name_of(tool: Any) -> str | None:
    function = tool.get("function") if isinstance(tool, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) else None


def _fitting(choice: Any) -> Any:
    """A choice of tools, in which every name is that of one."""
    if isinstance(choice, Mapping):
        return {
            key: fitting_name(part) if key == "name" and isinstance(part, str) else _fitting(part)
            for key, part in choice.items()
        }
    return [_fitting(part) for part in choice] if isinstance(choice, (list, tuple)) else choice
