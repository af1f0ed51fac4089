"""The field of a request that each refusal is about, and what to do then."""

from __future__ import annotations

from collections.abc import Sequence

from auriko.sandbox.catalog.model import RESPONSES

_PARAMS = {
    "invalid_request": "messages",
    "cost_constraint_exceeded": "gateway.routing.max_cost_per_1m",
    "latency_constraint_exceeded": "gateway.routing.max_ttft_ms",
    "throughput_constraint_not_met": "gateway.routing.min_throughput_tps",
    "provider_not_in_allowlist": "gateway.routing.providers",
    "provider_blocked": "gateway.routing.exclude_providers",
    "required_params_not_supported": "gateway.routing.require_parameters",
    "byok_keys_required": "gateway.routing.only_byok",
    "platform_keys_unavailable": "gateway.routing.only_platform",
    "tier_opt_in_required": "gateway.routing.tier",
    "tools_not_supported": "tools",
    "json_mode_not_supported": "response_format",
    "structured_output_not_supported": "response_format",
    "tools_with_structured_output_not_supported": "response_format",
    "tool_choice_required_not_supported": "tool_choice",
    "reasoning_not_supported": "reasoning_effort",
    "thinking_disable_not_supported": "reasoning_effort",
    "streaming_not_supported": "stream",
    "non_streaming_not_supported": "stream",
    "vision_not_supported": "messages",
    "unsupported_modalities": "messages",
    "context_length_exceeded": "messages",
    "response_api_only": "model",
    "no_responses_endpoint": "model",
    "no_tools_on_endpoint": "tools",
    "batch_only": "model",
}

SUGGESTIONS = {
    "json_mode_not_supported": "Use response_format json_schema, or a model with JSON mode.",
    "structured_output_not_supported": "Use response_format json_object, or a model with structured output.",
    "tools_with_structured_output_not_supported": "Send either tools or response_format.",
    "tools_not_supported": "Pick a model whose capabilities in GET /v1/directory/models include tools.",
    "vision_not_supported": "Pick a model whose input_modalities in GET /v1/directory/models include image.",
    "tier_opt_in_required": 'Set gateway.routing.tier to "priority".',
    "response_api_only": "Send it to POST /v1/responses.",
    "no_responses_endpoint": "Send it to POST /v1/chat/completions.",
    "context_length_exceeded": "Shorten the messages, or pick a model with a larger context window.",
    "required_params_not_supported": "Leave a parameter out, or unset gateway.routing.require_parameters.",
    "reasoning_not_supported": "Leave reasoning_effort out, or pick a model that reasons.",
    "thinking_disable_not_supported": "Leave reasoning_effort out, or pick a model that can stop reasoning.",
    "tool_choice_required_not_supported": "Use tool_choice auto, or a model that honours it.",
    "streaming_not_supported": "Send stream as false.",
    "non_streaming_not_supported": "Send stream as true.",
    "unsupported_modalities": "Pick a model whose input_modalities in GET /v1/directory/models include them.",
    "no_tools_on_endpoint": "Leave tools out, or pick a model that has them.",
    "batch_only": "Pick a model that GET /v1/models lists.",
    "cost_constraint_exceeded": "Raise gateway.routing.max_cost_per_1m; GET /v1/directory/models has the prices.",
    "latency_constraint_exceeded": "Raise gateway.routing.max_ttft_ms, or leave it out.",
    "throughput_constraint_not_met": "Lower gateway.routing.min_throughput_tps, or leave it out.",
    "provider_not_in_allowlist": "Name a provider that GET /v1/models lists for the model.",
    "provider_blocked": "Take a provider out of gateway.routing.exclude_providers.",
    "byok_keys_required": "Store a key of your own for one of its providers (own_keys of a sandbox).",
    "platform_keys_unavailable": "Unset gateway.routing.only_platform, or pick another model.",
    "no_compatible_endpoint": "Loosen one of the constraints, or pick another model.",
}


def did_you_mean(models: Sequence[str]) -> str:
    """What to do about a model that is not there, where these are the most like it."""
    listed = "GET /v1/models lists every model."
    return f"Did you mean {' or '.join(models)}? {listed}" if models else listed


# What fields of a chat completion are called in a response's request.
_RESPONSES_NAMES = {
    "messages": "input",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
}


def param_for(code: str, endpoint: str) -> str | None:
    """The field that this refusal is about, as it is called at this endpoint."""
    param = _PARAMS.get(code)
    return _RESPONSES_NAMES.get(param, param) if param is not None and endpoint == RESPONSES else param
