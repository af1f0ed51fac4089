"""The field of a request that each refusal is about, and what to do then."""

from __future__ import annotations

from collections.abc import Sequence

from auriko.sandbox.catalog.model import RESPONSES

# By code: the field as a chat completion has it, and what to do with it.
_ADVICE: dict[str, tuple[str | None, str | None]] = {
    "invalid_request": ("messages", None),
    "cost_constraint_exceeded": (
        "gateway.routing.max_cost_per_1m",
        "Raise {param}; GET /v1/directory/models has the prices.",
    ),
    "latency_constraint_exceeded": ("gateway.routing.max_ttft_ms", "Raise {param}, or leave it out."),
    "throughput_constraint_not_met": ("gateway.routing.min_throughput_tps", "Lower {param}, or leave it out."),
    "provider_not_in_allowlist": (
        "gateway.routing.providers",
        "Name a provider that GET /v1/models lists for the model.",
    ),
    "provider_blocked": ("gateway.routing.exclude_providers", "Take a provider out of {param}."),
    "required_params_not_supported": ("gateway.routing.require_parameters", "Leave a parameter out, or unset {param}."),
    "byok_keys_required": (
        "gateway.routing.only_byok",
        "Store a key of your own for one of its providers (own_keys of a sandbox).",
    ),
    "platform_keys_unavailable": ("gateway.routing.only_platform", "Unset {param}, or pick another model."),
    "tier_opt_in_required": ("gateway.routing.tier", 'Set {param} to "priority".'),
    "tools_not_supported": ("tools", "Pick a model whose capabilities in GET /v1/directory/models include tools."),
    "json_mode_not_supported": ("response_format", "Use {param} json_schema, or a model with JSON mode."),
    "structured_output_not_supported": (
        "response_format",
        "Use {param} json_object, or a model with structured output.",
    ),
    "tools_with_structured_output_not_supported": ("response_format", "Send either tools or {param}."),
    "tool_choice_required_not_supported": ("tool_choice", "Use {param} auto, or a model that honours it."),
    "reasoning_not_supported": ("reasoning_effort", "Leave {param} out, or pick a model that reasons."),
    "thinking_disable_not_supported": (
        "reasoning_effort",
        "Leave {param} out, or pick a model that can stop reasoning.",
    ),
    "streaming_not_supported": ("stream", "Send {param} as false."),
    "non_streaming_not_supported": ("stream", "Send {param} as true."),
    "vision_not_supported": (
        "messages",
        "Pick a model whose input_modalities in GET /v1/directory/models include image.",
    ),
    "unsupported_modalities": (
        "messages",
        "Pick a model whose input_modalities in GET /v1/directory/models include them.",
    ),
    "context_length_exceeded": ("messages", "Shorten the messages, or pick a model with a larger context window."),
    "response_api_only": ("model", "Send it to POST /v1/responses."),
    "no_responses_endpoint": ("model", "Send it to POST /v1/chat/completions."),
    "no_tools_on_endpoint": ("tools", "Leave tools out, or pick a model that has them."),
    "batch_only": ("model", "Pick a model that GET /v1/models lists."),
    "no_compatible_endpoint": (None, "Loosen one of the constraints, or pick another model."),
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


def advice(code: str, endpoint: str) -> tuple[str | None, str | None]:
    """(the field that this refusal is about, as it is called at this endpoint; what to do)."""
    param, suggestion = _ADVICE.get(code, (None, None))
    if endpoint == RESPONSES and param is not None:
        param = _RESPONSES_NAMES.get(param, param)
    return param, suggestion and suggestion.format(param=param)
