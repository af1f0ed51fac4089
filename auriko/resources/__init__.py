"""The API's resources: each builds a call once, and has a sync and an async face of one line."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from auriko.resources.chat import AsyncChat, Chat
    from auriko.resources.me import AsyncMe, Me
    from auriko.resources.models import AsyncModels, Models
    from auriko.resources.responses import AsyncResponses, Responses

__all__ = ["AsyncChat", "AsyncMe", "AsyncModels", "AsyncResponses", "Chat", "Me", "Models", "Responses"]

_FILES: Final = {name: name.removeprefix("Async").lower() for name in __all__}


def __getattr__(name: str) -> Any:  # a resource is imported when it is first used
    if name in _FILES:
        return getattr(import_module(f"auriko.resources.{_FILES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
