"""Makes `loads(..., allowed_objects="all")` of langchain-core know `ChatAuriko`, as it knows its partners' models.

The caller still has to name `valid_namespaces=["auriko_langchain"]`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def allow_loading(cls: type[Any]) -> None:
    """Adds a class to the ones that may be loaded; does nothing where langchain-core keeps no such list."""
    load = import_module("langchain_core.load.load")  # its package has a function of that name
    path = (*cls.__module__.split("."), cls.__name__)
    known: dict[tuple[str, ...], tuple[str, ...]] = getattr(load, "ALL_SERIALIZABLE_MAPPINGS", {})
    known[path] = path
    cached: dict[str, set[tuple[str, ...]]] = getattr(load, "_default_class_paths_cache", {})
    cached.pop("all", None)
