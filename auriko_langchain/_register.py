"""`init_chat_model("auriko:...")`, where langchain lets other packages in."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def register() -> bool:
    """Makes langchain's `init_chat_model("auriko:gpt-4o")` give a `ChatAuriko`; tells whether it could.

    langchain has no public way to add a provider, so this works on its private table and gives up quietly where
    that has changed.
    """

    def create(cls: type[Any], **kwargs: Any) -> Any:
        return cls(**kwargs)

    try:
        table: Any = import_module("langchain.chat_models.base")._BUILTIN_PROVIDERS  # noqa: SLF001
        table["auriko"] = ("auriko_langchain", "ChatAuriko", create)
    except (ImportError, AttributeError, TypeError):
        return False
    return True
