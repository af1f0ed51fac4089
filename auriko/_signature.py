"""Parameters that are written once, as a TypedDict: signatures that show them, and names that are none of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final

_REQUIRED: Final = "Required["
# What other libraries, or other parts of this one, call an argument, and what it may be called here.
_ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "api_base": ("base_url",),
    "openai_api_base": ("base_url",),
    "openai_api_key": ("api_key",),
    "auriko_api_key": ("api_key",),
    "gateway": ("routing", "models", "gateway_metadata"),
    "functions": ("tools",),
    "function_call": ("tool_choice",),
    "request_timeout": ("timeout",),
}


@cache
def required_names(params: Any) -> frozenset[str]:
    """The fields of a TypedDict that must be given; its own set of them is empty where annotations are strings."""
    return frozenset(name for name, hint in params.__annotations__.items() if _text(hint).startswith(_REQUIRED))


def unknown_name(name: str, known: Mapping[str, Any], what: str) -> str:
    """The message for a name that is not known, with what it is called here, or the nearest name that is known."""
    meant = [other for other in _ELSEWHERE.get(name, ()) if other in known] or nearest_names(name, known, 1)
    hint = f"; did you mean {' or '.join(map(repr, meant))}?" if meant else f"; known are {', '.join(sorted(known))}"
    return f"unknown {what} {name!r}{hint}"


def nearest_names(name: str, known: Iterable[str], most: int) -> list[str]:
    """The names that are most like one that is not known, the nearest first; often none."""
    import difflib

    return difflib.get_close_matches(name, list(known), n=most)


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
