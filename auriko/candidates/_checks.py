"""Checks that can exclude a provider, one for each reason (API section 5.2). No I/O."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Final, NamedTuple

from auriko._display.money import decimal_text
from auriko.models.providers import ProviderEntry, TierEntry
from auriko.routing import DataPolicy, RoutingOptions
from auriko.types.model_params import Endpoint

# What `require_parameters` looks at (API section 5).
REQUIRABLE: Final = frozenset(
    {
        "temperature",
        "top_p",
        "seed",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "n",
        "presence_penalty",
        "frequency_penalty",
        "user",
        "parallel_tool_calls",
        "web_search_options",
        "verbosity",
        "prompt_cache_key",
        "safety_identifier",
    }
)
# Parameters that are not dropped where a provider lacks them, and the error instead.
_INDISPENSABLE: Final = {
    "tools": "tools_not_supported",
    "response_format": "structured_output_not_supported",
    "reasoning_effort": "reasoning_not_supported",
}
_POLICIES: Final = [policy.value for policy in DataPolicy]  # from the weakest to the strictest
CHAT: Final = "chat_completions"


class Query(NamedTuple):
    """The demands that a request makes on a provider."""

    routing: RoutingOptions
    params: frozenset[str]
    endpoint: Endpoint
    now: datetime = datetime.min.replace(tzinfo=timezone.utc)

    @property
    def optional_params(self) -> frozenset[str]:
        """Parameters that a provider may lack: then they are dropped with a warning."""
        return self.params & REQUIRABLE


class Finding(NamedTuple):
    """A finding of a check: a reason that excludes, or one that cannot be decided from the directory."""

    code: str | None
    text: str
    excludes: bool = True


Check = Callable[[Query, ProviderEntry, TierEntry], Finding | None]


def known_params(entry: ProviderEntry) -> frozenset[str] | None:
    """The parameters that a provider takes, or None where the directory does not say."""
    if entry.accepted_params is None and entry.supported_parameters is None:
        return None
    return frozenset(entry.accepted_params or ()) | frozenset(entry.supported_parameters or ())


def mean_price(prices: TierEntry) -> float | None:
    """The mean of a tier's input and output price, which `max_cost_per_1m` is compared with."""
    if prices.input_price is None or prices.output_price is None:
        return None
    return (prices.input_price + prices.output_price) / 2


def _endpoint(query: Query, entry: ProviderEntry, _: TierEntry) -> Finding | None:
    if entry.supported_endpoints is None or query.endpoint in entry.supported_endpoints:
        return None
    if query.endpoint == CHAT:
        return Finding("response_api_only", "it is served by the Responses API only")
    return Finding("no_responses_endpoint", "it is not served by the Responses API")


def _shutdown(query: Query, entry: ProviderEntry, _: TierEntry) -> Finding | None:
    try:
        date = datetime.fromisoformat((entry.shutdown_at or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
    return Finding("model_unavailable", f"it was shut down on {date.date()}") if date <= query.now else None


def _allowed(query: Query, entry: ProviderEntry, _: TierEntry) -> Finding | None:
    allowed = query.routing.providers
    if allowed is None or entry.provider in allowed:
        return None
    return Finding("provider_not_in_allowlist", "it is not among providers")


def _blocked(query: Query, entry: ProviderEntry, _: TierEntry) -> Finding | None:
    if entry.provider not in (query.routing.exclude_providers or ()):
        return None
    return Finding("provider_blocked", "it is among exclude_providers")


def _tier(query: Query, _: ProviderEntry, tier: TierEntry) -> Finding | None:
    # Opting in to a premium tier adds it to the choice; it does not take the standard one away.
    if tier.name in {None, "standard", query.routing.tier}:
        return None
    return Finding("tier_opt_in_required", f"the {tier.name} tier needs tier={tier.name!r}")


def _cost(query: Query, _: ProviderEntry, tier: TierEntry) -> Finding | None:
    ceiling = query.routing.max_cost_per_1m
    if ceiling is None:
        return None
    mean = mean_price(tier)
    if mean is None:
        return Finding("cost_constraint_exceeded", "the directory has no price for it", excludes=False)
    if mean <= ceiling:
        return None
    return Finding(
        "cost_constraint_exceeded",
        f"its mean price of ${decimal_text(mean)} is above max_cost_per_1m={decimal_text(ceiling)}",
    )


def _data_policy(query: Query, entry: ProviderEntry, _: TierEntry) -> Finding | None:
    wanted, offered = query.routing.data_policy, entry.data_policy
    if wanted is None or wanted == _POLICIES[0]:
        return None
    if offered not in _POLICIES:
        return Finding(None, "the directory does not say its data policy", excludes=False)
    if _POLICIES.index(offered) >= _POLICIES.index(wanted):
        return None
    return Finding("no_compatible_endpoint", f"its data policy is {offered}, not {wanted}")


def _indispensable(query: Query, entry: ProviderEntry, _: TierEntry) -> Finding | None:
    known = known_params(entry)
    for name, code in _INDISPENSABLE.items():
        if name in query.params and known is not None and name not in known:
            return Finding(code, f"it does not take {name}")
    return None


def _optional(query: Query, entry: ProviderEntry, _: TierEntry) -> Finding | None:
    if not (query.routing.require_parameters and query.optional_params):
        return None
    known = known_params(entry)
    if known is None:
        return Finding("required_params_not_supported", "the directory does not say its parameters", excludes=False)
    missing = ", ".join(sorted(query.optional_params - known))
    return Finding("required_params_not_supported", f"it does not take {missing}") if missing else None


def _speed(query: Query, _: ProviderEntry, __: TierEntry) -> Finding | None:
    routing = query.routing
    if routing.max_ttft_ms is None and routing.min_throughput_tps is None:
        return None
    code = "latency_constraint_exceeded" if routing.max_ttft_ms else "throughput_constraint_not_met"
    named = [name for name in ("max_ttft_ms", "min_throughput_tps") if getattr(routing, name) is not None]
    return Finding(code, f"only the gateway measures speed ({', '.join(named)})", excludes=False)


def _keys(query: Query, _: ProviderEntry, __: TierEntry) -> Finding | None:
    if query.routing.only_byok:
        return Finding("byok_keys_required", "only the gateway knows the keys of your own (only_byok)", excludes=False)
    if query.routing.only_platform:
        return Finding(
            "platform_keys_unavailable", "only the gateway knows the platform's keys (only_platform)", excludes=False
        )
    return None


CHECKS: Final[tuple[Check, ...]] = (
    _allowed,
    _blocked,
    _endpoint,
    _shutdown,
    _tier,
    _cost,
    _data_policy,
    _indispensable,
    _optional,
    _speed,
    _keys,
)
