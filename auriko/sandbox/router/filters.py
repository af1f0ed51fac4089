"""Filters: who cannot serve a request, and why (API section 5.2).

First the caller's own choice of providers narrows the field, one filter after the other; the one that empties it is
the error. What is left must meet the request's needs: if all fail for one reason, that is the error, otherwise
`no_compatible_endpoint` lists the reasons. Ceilings are tested at p50; the percentile options only rank.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from auriko.sandbox.catalog.model import BATCH, CHAT, DATA_POLICIES, RESPONSES
from auriko.sandbox.errors import GatewayError
from auriko.sandbox.request import REQUIRABLE_PARAMS, InferenceRequest
from auriko.sandbox.router.candidates import Candidate
from auriko.sandbox.router.speed import Speed
from auriko.sandbox.router.suggestions import advice


class Drop(NamedTuple):
    """Why a candidate is out."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Assessed:
    """A candidate with what is known of it for one request; a speed is None until it has been measured.

    Attributes:
        expected_usd: What this request will probably cost here.
        ttft_ms, throughput_tps: By the percentiles that the request ranks with.
    """

    candidate: Candidate
    expected_usd: float
    speed: Speed | None
    ttft_ms: float | None
    throughput_tps: float | None


Dropped = list[tuple[Candidate, Drop]]


class NoCandidateError(GatewayError):
    """Nobody can serve a request. `dropped` says of each who could have why not."""

    dropped: Dropped


_Test = Callable[[Assessed, InferenceRequest], "Drop | None"]


def filter_candidates(
    assessed: Sequence[Assessed], request: InferenceRequest, prompt_tokens: int
) -> tuple[list[Assessed], Dropped]:
    """The candidates that can serve the request, and those that cannot.

    Raises:
        NoCandidateError: Nobody can.
    """
    dropped: Dropped = []
    left = list(assessed)
    for test in _NARROWING:
        left = _keep(left, request, dropped, [test])
        if not left:
            raise _nobody(dropped[-1][1], request, dropped)

    def fits(each: Assessed, _: InferenceRequest) -> Drop | None:
        window = each.candidate.offer.context_window
        if prompt_tokens <= window:
            return None
        return Drop("context_length_exceeded", f"the prompt has {prompt_tokens} tokens, its window {window}")

    before = len(dropped)
    viable = _keep(left, request, dropped, [*_NEEDS, fits])
    if not viable:
        raise _nobody(_common(dropped[before:]), request, dropped)
    return viable, dropped


def _keep(left: list[Assessed], request: InferenceRequest, dropped: Dropped, tests: Sequence[_Test]) -> list[Assessed]:
    kept: list[Assessed] = []
    for each in left:
        drop = next((drop for test in tests if (drop := test(each, request))), None)
        if drop is None:
            kept.append(each)
        else:
            dropped.append((each.candidate, drop))
    return kept


def _common(dropped: Dropped) -> Drop:
    codes = {drop.code for _, drop in dropped}
    if len(codes) == 1:
        return dropped[0][1]
    reasons = "; ".join(f"{candidate.provider}: {drop.reason}" for candidate, drop in dropped)
    return Drop("no_compatible_endpoint", reasons)


def _nobody(drop: Drop, request: InferenceRequest, dropped: Dropped) -> NoCandidateError:
    message = f"No provider of {', '.join(request.models)} can serve this request: {drop.reason}."
    param, suggestion = advice(drop.code, request.endpoint)
    error = NoCandidateError(drop.code, message, param=param, suggestion=suggestion)
    error.dropped = dropped
    return error


def _endpoint(each: Assessed, request: InferenceRequest) -> Drop | None:
    offered = each.candidate.offer.endpoints
    if request.endpoint in offered:
        return None
    if offered == (BATCH,):
        return Drop("batch_only", "its provider serves it in batches only")
    if request.endpoint == CHAT:
        return Drop("response_api_only", "the model is served by POST /v1/responses only")
    return Drop("no_responses_endpoint", "the model is not served by POST /v1/responses")


def _tier(each: Assessed, request: InferenceRequest) -> Drop | None:
    # Opting in to a premium tier adds it to the choice; it does not take the standard one away.
    tier = each.candidate.tier.name
    if tier in {"standard", request.routing.tier}:
        return None
    return Drop("tier_opt_in_required", f"it is offered in the {tier} tier only")


def _keys(each: Assessed, request: InferenceRequest) -> Drop | None:
    key = each.candidate.key
    if request.routing.only_platform and key != "platform":
        return Drop("platform_keys_unavailable", "the platform has no key for it")
    if key is None or (request.routing.only_byok and key != "own"):
        return Drop("byok_keys_required", "it needs a provider key of your own")
    return None


def _allowed(each: Assessed, request: InferenceRequest) -> Drop | None:
    allowed = request.routing.providers
    if allowed is None or each.candidate.provider in allowed:
        return None
    return Drop("provider_not_in_allowlist", f"gateway.routing.providers is {', '.join(allowed) or 'empty'}")


def _blocked(each: Assessed, request: InferenceRequest) -> Drop | None:
    if each.candidate.provider not in request.routing.exclude_providers:
        return None
    return Drop("provider_blocked", "gateway.routing.exclude_providers leaves none")


def _capabilities(each: Assessed, request: InferenceRequest) -> Drop | None:
    for capability, what in request.needs.items():
        if capability not in each.candidate.offer.capabilities:
            at_responses = capability == "tools" and request.endpoint == RESPONSES
            code = "no_tools_on_endpoint" if at_responses else f"{capability}_not_supported"
            return Drop(code, f"it does not support {what}")
    offer = each.candidate.offer
    stops = "reasoning_off" in offer.capabilities or "reasoning" not in offer.capabilities
    if request.effort == "off" and not stops and offer.efforts:
        return Drop("thinking_disable_not_supported", "it cannot stop reasoning")
    return None


def _json_word(each: Assessed, request: InferenceRequest) -> Drop | None:
    wanted = (request.prompt.response_format or {}).get("type") == "json_object"
    if not wanted or each.candidate.model.author not in _WANT_THE_WORD_JSON:
        return None
    if any("json" in text.lower() for text in request.texts()):
        return None
    return Drop("invalid_request", "response_format json_object needs the word JSON in the messages")


def _modalities(each: Assessed, request: InferenceRequest) -> Drop | None:
    missing = request.modalities - set(each.candidate.offer.input_modalities)
    if not missing:
        return None
    if missing == frozenset({"image"}):
        return Drop("vision_not_supported", "it does not take images")
    return Drop("unsupported_modalities", f"it does not take {', '.join(sorted(missing))}")


def _parameters(each: Assessed, request: InferenceRequest) -> Drop | None:
    if not request.routing.require_parameters:
        return None
    missing = (request.params.keys() & REQUIRABLE_PARAMS) - each.candidate.offer.provider.params
    if not missing:
        return None
    return Drop("required_params_not_supported", f"it does not take {', '.join(sorted(missing))}")


def _data_policy(each: Assessed, request: InferenceRequest) -> Drop | None:
    wanted = request.routing.data_policy
    offered = each.candidate.offer.provider.data_policy
    if DATA_POLICIES.index(offered) >= DATA_POLICIES.index(wanted):
        return None
    return Drop("no_compatible_endpoint", f"its data policy is {offered}, not {wanted}")


def _cost(each: Assessed, request: InferenceRequest) -> Drop | None:
    ceiling = request.routing.max_cost_per_1m
    tier = each.candidate.tier
    mean = (tier.input + tier.output) / 2
    if ceiling is None or mean <= ceiling:
        return None
    return Drop("cost_constraint_exceeded", f"its mean price is {mean:g} USD per 1M tokens, above {ceiling:g}")


def _latency(each: Assessed, request: InferenceRequest) -> Drop | None:
    ceiling = request.routing.max_ttft_ms
    ttft = None if each.speed is None else each.speed.ttft_ms()
    if ceiling is None or (ttft is not None and ttft <= ceiling):
        return None
    measured = "has not been measured yet" if ttft is None else f"is {ttft:.1f} ms"
    return Drop("latency_constraint_exceeded", f"its time to first token {measured}, {ceiling} ms are asked for")


def _throughput(each: Assessed, request: InferenceRequest) -> Drop | None:
    floor = request.routing.min_throughput_tps
    tps = None if each.speed is None else each.speed.throughput_tps()
    if floor is None or (tps is not None and tps >= floor):
        return None
    measured = "has not been measured yet" if tps is None else f"is {tps:.1f} tokens/s"
    return Drop("throughput_constraint_not_met", f"its throughput {measured}, {floor:g} are asked for")


_NARROWING: tuple[_Test, ...] = (_endpoint, _tier, _allowed, _blocked, _keys)
_NEEDS: tuple[_Test, ...] = (
    _capabilities,
    _json_word,
    _modalities,
    _parameters,
    _data_policy,
    _cost,
    _latency,
    _throughput,
)

_WANT_THE_WORD_JSON = frozenset({"openai", "deepseek"})
