"""The gateway's registry of error codes: what each means for a caller, as data (API section 12.2).

The set grows with every release of the gateway, so an unknown code always works through its type and status.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class CodeInfo(NamedTuple):
    """An entry of the registry of codes.

    Attributes:
        type: The error type that its envelope carries.
        status: The HTTP status it comes with; 0 for codes that only occur inside a stream.
        retryable: Whether the same request may succeed later.
    """

    type: str
    status: int
    retryable: bool


_INVALID: Final = "invalid_request_error"

CODES: Final[dict[str, CodeInfo]] = {
    "invalid_api_key": CodeInfo("authentication_error", 401, False),
    "expired_api_key": CodeInfo("authentication_error", 401, False),
    "insufficient_permissions": CodeInfo("permission_error", 403, False),
    "feature_disabled": CodeInfo("permission_error", 403, False),
    "mfa_required": CodeInfo("permission_error", 403, False),
    "invalid_recovery_code": CodeInfo("authentication_error", 401, False),
    "mfa_verification_failed": CodeInfo("authentication_error", 401, False),
    "invalid_request": CodeInfo(_INVALID, 400, False),
    "missing_required_parameter": CodeInfo(_INVALID, 400, False),
    "invalid_parameter_value": CodeInfo(_INVALID, 400, False),
    "payload_too_large": CodeInfo(_INVALID, 413, False),
    "context_length_exceeded": CodeInfo(_INVALID, 400, False),
    "content_filtered": CodeInfo(_INVALID, 400, False),
    "idempotency_conflict": CodeInfo(_INVALID, 409, False),
    "idempotency_replay_unavailable": CodeInfo(_INVALID, 409, False),
    "field_immutable": CodeInfo(_INVALID, 400, False),
    "operation_not_allowed": CodeInfo(_INVALID, 400, False),
    "unknown_field": CodeInfo(_INVALID, 400, False),
    "state_precondition_failed": CodeInfo(_INVALID, 409, False),
    "duplicate_resource": CodeInfo(_INVALID, 409, False),
    "method_not_allowed": CodeInfo(_INVALID, 405, False),
    "payment_declined": CodeInfo(_INVALID, 400, False),
    "payment_method_invalid": CodeInfo(_INVALID, 400, False),
    "tools_not_supported": CodeInfo(_INVALID, 400, False),
    "json_mode_not_supported": CodeInfo(_INVALID, 400, False),
    "structured_output_not_supported": CodeInfo(_INVALID, 400, False),
    "tools_with_structured_output_not_supported": CodeInfo(_INVALID, 400, False),
    "vision_not_supported": CodeInfo(_INVALID, 400, False),
    "reasoning_not_supported": CodeInfo(_INVALID, 400, False),
    "thinking_disable_not_supported": CodeInfo(_INVALID, 400, False),
    "streaming_not_supported": CodeInfo(_INVALID, 400, False),
    "non_streaming_not_supported": CodeInfo(_INVALID, 400, False),
    "batch_only": CodeInfo(_INVALID, 400, False),
    "tier_opt_in_required": CodeInfo(_INVALID, 400, False),
    "tool_choice_required_not_supported": CodeInfo(_INVALID, 400, False),
    "cost_constraint_exceeded": CodeInfo(_INVALID, 400, False),
    "latency_constraint_exceeded": CodeInfo(_INVALID, 400, False),
    "throughput_constraint_not_met": CodeInfo(_INVALID, 400, False),
    "provider_not_in_allowlist": CodeInfo(_INVALID, 400, False),
    "provider_blocked": CodeInfo(_INVALID, 400, False),
    "required_params_not_supported": CodeInfo(_INVALID, 400, False),
    "byok_keys_required": CodeInfo(_INVALID, 400, False),
    "platform_keys_unavailable": CodeInfo(_INVALID, 400, False),
    "unsupported_modalities": CodeInfo(_INVALID, 400, False),
    "no_compatible_endpoint": CodeInfo(_INVALID, 400, False),
    "no_responses_endpoint": CodeInfo(_INVALID, 400, False),
    "input_requires_responses_endpoint": CodeInfo(_INVALID, 400, False),
    "response_api_only": CodeInfo(_INVALID, 400, False),
    "hosted_tool_not_supported": CodeInfo(_INVALID, 400, False),
    "no_tools_on_endpoint": CodeInfo(_INVALID, 400, False),
    "model_not_found": CodeInfo("not_found_error", 404, False),
    "resource_not_found": CodeInfo("not_found_error", 404, False),
    "rate_limit_exceeded": CodeInfo("rate_limit_error", 429, True),
    "budget_exhausted": CodeInfo("rate_limit_error", 429, False),
    "insufficient_quota": CodeInfo("rate_limit_error", 429, False),
    "no_provider_available": CodeInfo("api_error", 503, True),
    "upstream_error": CodeInfo("api_error", 502, True),
    "upstream_timeout": CodeInfo("api_error", 504, True),
    "client_disconnected": CodeInfo("api_error", 0, True),
    "stream_duration_exceeded": CodeInfo("api_error", 0, True),
    "model_unavailable": CodeInfo("api_error", 503, True),
    "internal_error": CodeInfo("api_error", 500, False),
    "service_unavailable": CodeInfo("api_error", 503, True),
}

ERROR_TYPES: Final = frozenset(known.type for known in CODES.values())
# Types whose errors pass with time, but for the codes that only the caller can mend (API section 12.5).
RETRYABLE_TYPES: Final = frozenset({"rate_limit_error", "api_error"})
NEVER_RETRIED_CODES: Final = frozenset({"budget_exhausted", "insufficient_quota", "internal_error"})
RETRYABLE_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504, 529})

# What a user can do where the gateway's own suggestion is missing.
HINTS: Final[dict[str, str]] = {
    "invalid_api_key": "Check AURIKO_API_KEY or the api_key argument.",
    "expired_api_key": "Create a new key and set AURIKO_API_KEY to it.",
    "insufficient_quota": "Top up the workspace's credits; waiting does not help.",
    "budget_exhausted": "A budget of the workspace or key is spent; raise it or wait for its next period.",
    "model_not_found": "client.models.list() names the models that this key can call.",
    "context_length_exceeded": "Shorten the messages or pick a model with a larger context window.",
    "cost_constraint_exceeded": "No provider is that cheap: raise gateway.routing.max_cost_per_1m.",
    "latency_constraint_exceeded": "No provider is that quick: raise gateway.routing.max_ttft_ms.",
    "throughput_constraint_not_met": "No provider is that fast: lower gateway.routing.min_throughput_tps.",
    "provider_not_in_allowlist": "None of gateway.routing.providers serves this model.",
    "provider_blocked": "gateway.routing.exclude_providers leaves no provider for this model.",
    "required_params_not_supported": (
        "No provider takes every parameter sent: drop one, or unset gateway.routing.require_parameters."
    ),
    "byok_keys_required": "gateway.routing.only_byok is set, and the workspace has no key of its own here.",
    "platform_keys_unavailable": "gateway.routing.only_platform is set, and no platform key serves this.",
    "no_compatible_endpoint": "client.models.candidates(...) says of each provider what excludes it.",
    "tier_opt_in_required": 'Set gateway.routing.tier to "priority".',
    "response_api_only": "This model is served by client.responses.create(...) only.",
}
