"""Signatures that show every parameter where the parameters are written once, as a TypedDict."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def show_parameters(function: Callable[..., Any], params: type[Any]) -> None:
    """Makes `help()`, Shift-Tab and signature readers show the fields of a TypedDict as keyword arguments."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    fields: list[inspect.Parameter] = []
    for name, hint in params.__annotations__.items():
        required = name in params.__required_keys__
        text = getattr(hint, "__forward_arg__", hint)
        if isinstance(text, str):
            text = text.removeprefix("Required[").removesuffix("]") if required else text
        default = inspect.Parameter.empty if required else None
        fields.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=text, default=default))
    parameters = sorted([*own, *fields], key=lambda p: p.kind)
    function.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]
