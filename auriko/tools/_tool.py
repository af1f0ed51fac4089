"""A function as a tool: the schema of its arguments, and its call with what a model says they are."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import to_json, to_jsonable_python
from typing_extensions import NotRequired, Required, TypedDict

from auriko.schemas import inlined

_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


# Made while the program runs, which type checkers know nothing of.
_typed_dict: Any = TypedDict


class ToolError(Exception):
    """What the model is told in place of a result; a tool may raise it, to say so in its own words."""


@dataclass(frozen=True)
class Tool:
    """A tool that a model may call. `Tool.of(function)` makes it of a function, as `run_tools` does.

    Attributes:
        name: What the model calls it.
        description: What it does, for the model.
        parameters: The JSON schema of its arguments.
        run: Runs it with its arguments, whose result it gives, or an awaitable of that.
        is_async: Whether `run` gives an awaitable.
    """

    name: str
    description: str
    parameters: Mapping[str, Any] = field(repr=False)
    run: Callable[[dict[str, Any]], Any] = field(repr=False)
    is_async: bool = False

    @classmethod
    def of(cls, function: Callable[..., Any], *, name: str | None = None, description: str | None = None) -> Tool:
        """The function as a tool: its type hints are the schema, its docstring says what it does.

        A parameter is described by `Annotated[int, Field(description="...")]`.

        Raises:
            TypeError: It is no function whose arguments all have names and types that pydantic knows.
        """
        if not callable(function):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(f"a tool is a function or an auriko.tools.Tool, not {type(function).__name__}")
        written = _written(function)
        called = name or getattr(written, "__name__", None) or type(written).__name__
        adapter, schema = _arguments(function, called)

        def run(arguments: dict[str, Any]) -> Any:
            try:
                taken = adapter.validate_json(to_json(arguments))
            except ValidationError as error:
                raise ToolError(_what_is_wrong(error)) from None
            return function(**taken)

        is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 - of an object that is called
        )
        said = description or inspect.getdoc(written) or ""
        return cls(called, said, inlined(schema), run, is_async)

    def to_wire(self) -> dict[str, Any]:
        """The tool as a request has it."""
        described = {"description": self.description} if self.description else {}
        function = {"name": self.name, **described, "parameters": dict(self.parameters)}
        return {"type": "function", "function": function}


def _arguments(function: Callable[..., Any], name: str) -> tuple[TypeAdapter[dict[str, Any]], dict[str, Any]]:
    """What checks the arguments: a typed dictionary of the function's parameters; and its schema."""
    hints = _hints(function, name)
    fields: dict[str, Any] = {}
    parameters = _parameters(function, name)
    for parameter in parameters:
        if parameter.kind not in _NAMED:
            raise TypeError(f"the tool {name} has the parameter {parameter}; a model gives arguments by their names")
        hint = hints.get(parameter.name, Any)
        needed = parameter.default is inspect.Parameter.empty
        fields[parameter.name] = Required[hint] if needed else NotRequired[hint]
    form = _typed_dict(name, fields)
    form.__pydantic_config__ = ConfigDict(extra="forbid")
    try:
        return (adapter := TypeAdapter(form)), adapter.json_schema()
    except Exception as error:
        wrong = [str(parameter) for parameter in parameters if not _has_schema(hints.get(parameter.name, Any))]
        why = str(error).partition("\n")[0]
        raise TypeError(f"the tool {name} has what a model cannot give ({', '.join(wrong)}): {why}") from error


def _parameters(function: Callable[..., Any], name: str) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except ValueError as error:  # as of some that are built in
        raise TypeError(f"the tool {name}: {error}") from None


def _has_schema(hint: Any) -> bool:
    try:
        TypeAdapter(hint).json_schema()
    except Exception:  # noqa: BLE001 - classes may raise what they like
        return False
    return True


def _written(function: Any) -> Any:
    """What somebody has named and described: of a partial, the function that it is of."""
    return function.func if isinstance(function, partial) else function


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    written = _written(function)
    named = written if inspect.isroutine(written) else getattr(written, "__call__", written)  # noqa: B004 - as above
    with suppress(Exception):
        return get_type_hints(named, include_extras=True)
    hints: dict[str, Any] = {}
    where, known = "a parameter", getattr(inspect.unwrap(named), "__globals__", None)
    try:
        for parameter, hint in inspect.get_annotations(named).items():
            where = f"the parameter {parameter}"
            if parameter != "return":  # nobody asks what it is
                hints |= get_type_hints(SimpleNamespace(__annotations__={parameter: hint}), known, include_extras=True)
    except Exception as error:
        raise TypeError(f"the tool {name} has {where} whose type is unknown: {error}") from error
    return hints


def _what_is_wrong(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_context=False)
    wrong = [f"{'.'.join(map(str, detail['loc'])) or 'arguments'}: {detail['msg']}" for detail in details]
    return f"the arguments are wrong: {'; '.join(wrong)}"


def as_tools(tools: Any) -> dict[str, Tool]:
    """The tools by name.

    Raises:
        TypeError: One is no function.
        ValueError: There is none, or two have one name.
    """
    made: dict[str, Tool] = {}
    for each in tools:
        tool = each if isinstance(each, Tool) else Tool.of(each)
        if tool.name in made:
            raise ValueError(
                f"two tools are called {tool.name!r}: give one another name, by Tool.of(function, name=...)"
            )
        made[tool.name] = tool
    if not made:
        raise ValueError("tools is empty; without tools, create answers")
    return made


def result_text(result: Any) -> str:
    """What a tool gave, as text for the model: text as it is, anything else as JSON."""
    if isinstance(result, str):
        return result
    try:
        return result.model_dump_json() if isinstance(result, BaseModel) else to_json(result, fallback=str).decode()
    except ValueError:  # text that UTF-8 has no form for, as in names of files, which goes out without it
        return json.dumps(result, ensure_ascii=False, default=partial(to_jsonable_python, fallback=str))
