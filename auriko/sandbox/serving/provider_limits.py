"""Limits of providers: what of a request is forwarded, and what is dropped with a warning (API sections 3 and 8.1)."""

from __future__ import annotations

from dataclasses import replace

from auriko.sandbox.catalog.model import CHAT, EFFORTS
from auriko.sandbox.engines.base import Prompt
from auriko.sandbox.request import InferenceRequest, RoutingWarning
from auriko.sandbox.router.candidates import Candidate

_USUAL_EFFORT = "medium"
_CLASH_WITH_THINKING = frozenset({"temperature", "top_p", "top_k"})
_NOT_FOR_ENGINES = frozenset({"n", "temperature", "seed", "parallel_tool_calls"})  # a prompt has them by themselves


def effort(request: InferenceRequest, candidate: Candidate) -> str | None:
    """The effort of reasoning, or None for none at all.

    An effort that the model does not know becomes the next higher one, or its highest.
    """
    offer = candidate.offer
    if "reasoning" not in offer.capabilities:
        return None
    wanted = request.effort if offer.efforts and not _is_silent(request, candidate) else None
    if wanted is None or wanted == "off":
        # A model that cannot stop reasoning does it unasked.
        return None if "reasoning_off" in offer.capabilities else _USUAL_EFFORT
    higher = EFFORTS[EFFORTS.index(wanted) :]
    return next((known for known in higher if known in offer.efforts), offer.efforts[-1])


def effort_warning(request: InferenceRequest, candidate: Candidate) -> RoutingWarning | None:
    """The warning of an effort other than the one that was asked for, if it is another."""
    wanted, taken = request.effort, effort(request, candidate)
    if wanted in {None, taken or "off"} or _is_silent(request, candidate):
        return None
    model, kind = candidate.model.id, "unsupported_parameter"
    if not candidate.offer.efforts:
        return RoutingWarning(kind, "reasoning_effort_dropped", f"{model} decides by itself how hard it thinks.")
    return RoutingWarning(
        kind, "reasoning_effort_changed", f"{model} has no effort {wanted}; it was asked for {taken}."
    )


def _is_silent(request: InferenceRequest, candidate: Candidate) -> bool:
    """True if the effort is dropped without a word, as it is where there are tools (API section 8.1)."""
    return bool(request.prompt.tools) and request.endpoint == CHAT and not candidate.offer.effort_with_tools


def dropped_params(request: InferenceRequest, candidate: Candidate) -> list[str]:
    """Names of the parameters that are not forwarded."""
    provider = candidate.offer.provider
    refused = request.params.keys() - provider.params
    if provider.dialect == "anthropic" and effort(request, candidate) is not None:
        refused |= request.params.keys() & _CLASH_WITH_THINKING
    return [name for name in request.params if name in refused]


def forwarded_prompt(request: InferenceRequest, candidate: Candidate) -> Prompt:
    """The prompt without what is dropped, and bounded by what the model can say."""
    prompt, offer = request.prompt, candidate.offer
    dropped = dropped_params(request, candidate)
    most = offer.max_output_tokens
    params = {name: value for name, value in request.params.items() if name not in {*dropped, *_NOT_FOR_ENGINES}}
    limit: int | None = min(prompt.max_tokens or most, most)
    if offer.upstream_model is not None:  # it thinks by itself, and has a limit of its own
        limit = None if prompt.max_tokens is None else limit
        if request.effort and (taken := effort(request, candidate)):
            params["reasoning_effort"] = taken
    return replace(
        prompt,
        temperature=None if "temperature" in dropped else prompt.temperature,
        seed=None if "seed" in dropped else prompt.seed,
        parallel_tool_calls=prompt.parallel_tool_calls or "parallel_tool_calls" in dropped,
        max_tokens=limit,
        params=params,
        model=candidate.model.id,
    )
