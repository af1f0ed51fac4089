"""`init_chat_model("auriko:...")` and `loads` of LangChain, which know other packages' models by private tables."""

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
        table: Any = import_module("langchain.chat_models.base")._BUILTIN_PROVIDERS  # noqa: SLF001 - there is no public way
        table["auriko"] = ("auriko_langchain", "ChatAuriko", create)
    except (ImportError, AttributeError, TypeError):
        return False
    return True


def allow_loading(cls: type[Any]) -> None:
    """Makes `loads(..., allowed_objects="all")` of langchain-core know a class, as it knows its partners' models.

    The caller still has to name `valid_namespaces=["auriko_langchain"]`. Does nothing where there is no such list.
    """
    load = import_module("langchain_core.load.load")  # its package has a function of that name
    path = (*cls.__module__.split("."), cls.__name__)
    known: dict[tuple[str, ...], tuple[str, ...]] = getattr(load, "ALL_SERIALIZABLE_MAPPINGS", {})
    known[path] = path
    cached: dict[str, set[tuple[str, ...]]] = getattr(load, "_default_class_paths_cache", {})
    cached.pop("all", None)
