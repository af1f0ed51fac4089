"""Tests whether a JSON value of unknown shape is an object or an array."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """True if `value` is a JSON object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """True if `value` is a JSON array."""
    return isinstance(value, list)
