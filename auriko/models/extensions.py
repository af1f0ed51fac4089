"""The `extensions` of a request as an object (API section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Extensions(BaseModel):
    """Fields for single providers, by the provider's name; only the block of the one that answers is used."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    anthropic: dict[str, Any] | None = None
    openai: dict[str, Any] | None = None
    google: dict[str, Any] | None = None
    deepseek: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_thinking(cls, value: Any) -> Any:
        check_extensions(value)
        return value


def check_extensions(extensions: Any) -> None:
    """Nothing, if the extensions are keyed by provider.

    Raises:
        ValueError: They ask for reasoning in the old way.
    """
    if isinstance(extensions, Mapping) and "thinking" in extensions:
        raise ValueError("extensions.thinking is no longer part of the API: use reasoning_effort='low' ... 'max'")
