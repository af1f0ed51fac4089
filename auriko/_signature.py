"""Signatures that show every parameter where the parameters are written once, as a TypedDict."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, Final

_REQUIRED: Final = "Required["


@cache
def required_names(params: Any) -> frozenset[str]:
    """The fields of a TypedDict that must be given; its own set of them is empty where annotations are strings."""
    return frozenset(name for name, hint in params.__annotations__.items() if _text(hint).startswith(_REQUIRED))


def _text(hint: Any) -> str:
    return str(getattr(hint, "__forward_arg__", hint))


def show_parameters(function: Callable[..., Any], params: type[Any]) -> None:
    """Makes `help()`, Shift-Tab and signature readers show the fields of a TypedDict as keyword arguments."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    fields: list[inspect.Parameter] = []
    for name, hint in params.__annotations__.items():
        required = name in required_names(params)  # type: ignore[arg-type]  # mypy doubts that classes are hashable
        text = _text(hint)
        fields.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=text.removeprefix(_REQUIRED).removesuffix("]") if required else text,
                default=inspect.Parameter.empty if required else None,
            )
        )
    parameters = sorted([*own, *fields], key=lambda p: p.kind)
    function.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]
