"""What a message says that came out of LangChain's cache: it cost nothing this time."""

from __future__ import annotations

from typing import Any

from langchain_core.outputs import ChatGeneration

from auriko_langchain._keys import COST, ROUTING_METADATA
from auriko_langchain._reply import run_metadata


def as_cached(generation: ChatGeneration) -> ChatGeneration:
    """A copy that says 0 USD and `routing_metadata["cached"]`; the cache's own object stays as it is."""
    metadata: dict[str, Any] = generation.message.response_metadata
    if COST not in metadata:
        return generation
    routing: dict[str, Any] = {**(metadata.get(ROUTING_METADATA) or {}), "cost": {"usd": 0.0}, "cached": True}
    free = {**metadata, COST: 0.0, ROUTING_METADATA: routing}
    message = generation.message.model_copy(update={"response_metadata": free})
    info = {**(generation.generation_info or {}), **run_metadata(free)}
    return generation.model_copy(update={"message": message, "generation_info": info})
