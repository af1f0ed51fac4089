"""The facts of a reply beside its text, in LangChain's words: usage, metadata, and the facts for tracers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration

from auriko.models import Usage
from auriko.routing import GatewayWarning, RoutingMetadata, warn_of_changes
from auriko_langchain._keys import COST, PROVIDER, ROUTING_METADATA

# The key under which langchain-core (1.6 and later) takes facts of a gateway from a generation into
# the metadata of the run, whatever traces it. It is private there: only this line and a test know it.
_RUN_METADATA_KEY = "lc_gateway_metadata"
# Under the name that this package had before the core did.
AurikoGatewayWarning = GatewayWarning
_HEADERS = ("x-ratelimit-", "x-rate-limit-", "x-credits-", "x-budget-")


def get_routing_metadata(message: AIMessage) -> RoutingMetadata | None:
    """The routing metadata of a message, typed: who answered, how fast, at what cost; None where it does not say."""
    found = message.response_metadata.get(ROUTING_METADATA)
    return RoutingMetadata.model_validate(found) if isinstance(found, Mapping) else None


def usage_metadata(usage: Usage) -> UsageMetadata:
    """The tokens of a call. Whole numbers only: LangChain adds them up and fails on any other value."""
    counted = UsageMetadata(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
    )
    if (prompt := usage.prompt_tokens_details) is not None:
        read, written = prompt.cached_tokens, prompt.cache_write_tokens
        taken = _known(cache_read=read, cache_creation=written, audio=prompt.audio_tokens)
        if taken:
            counted["input_token_details"] = cast("InputTokenDetails", taken)
    if (completion := usage.completion_tokens_details) is not None:
        made = _known(reasoning=completion.reasoning_tokens, audio=completion.audio_tokens)
        if made:
            counted["output_token_details"] = cast("OutputTokenDetails", made)
    return counted


def _known(**counts: int | None) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count is not None}


def response_metadata(
    *,
    model: str,
    routing: RoutingMetadata | None,
    headers: Mapping[str, str],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """The facts that inform the user: the model that answered, its cost in USD, and all of the routing metadata.

    The values are plain JSON, so that they survive checkpoints, caches and traces.

    Args:
        model: The model that the reply names, used where the routing metadata does not name one.
        routing: The reply's routing metadata.
        headers: The reply's headers, of which the request's id and the limits are kept.
        facts: Further values; those that are None are left out.
    """
    metadata: dict[str, Any] = {
        "model_provider": PROVIDER,
        "model_name": (routing.model_canonical if routing is not None else None) or model,
        COST: _usd(routing),
        **{name: value for name, value in facts.items() if value is not None},
    }
    if routing is not None:
        metadata[ROUTING_METADATA] = routing.model_dump(mode="json", exclude_none=True)
        warn_of_changes(routing)
    if request_id := headers.get("x-request-id"):
        metadata["request_id"] = request_id
    if limits := {name: headers[name] for name in headers if name.startswith(_HEADERS)}:
        metadata["headers"] = limits
    return metadata


def run_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The part of `generation_info` that reaches the metadata of the run, for every tracer.

    The model and the provider replace those that were asked for.
    """
    routing: Mapping[str, Any] = metadata.get(ROUTING_METADATA) or {}
    facts = {
        "model": metadata["model_name"],
        "provider": routing.get("provider"),
        "cost_usd": metadata[COST],
        ROUTING_METADATA: routing,
    }
    return {_RUN_METADATA_KEY: facts}


def as_cached(generation: ChatGeneration) -> ChatGeneration:
    """A copy, of an answer out of LangChain's cache, that says 0 USD and `routing_metadata["cached"]`.

    The cache's own object stays as it is.
    """
    metadata: dict[str, Any] = generation.message.response_metadata
    if COST not in metadata:
        return generation
    routing: dict[str, Any] = {**(metadata.get(ROUTING_METADATA) or {}), "cost": {"usd": 0.0}, "cached": True}
    free = {**metadata, COST: 0.0, ROUTING_METADATA: routing}
    message = generation.message.model_copy(update={"response_metadata": free})
    info = {**(generation.generation_info or {}), **run_metadata(free)}
    return generation.model_copy(update={"message": message, "generation_info": info})


def _usd(routing: RoutingMetadata | None) -> float | None:
    return routing.cost.usd if routing is not None and routing.cost is not None else None
