"""What of a request its provider takes, and what is dropped with a warning (API sections 3 and 8.1)."""

from __future__ import annotations

from dataclasses import replace

from auriko.sandbox.engines.base import Prompt
from auriko.sandbox.inference import Inference
from auriko.sandbox.router.candidates import Candidate

_CLASH_WITH_THINKING = frozenset({"temperature", "top_p", "top_k"})
_NOT_FOR_ENGINES = frozenset({"n", "temperature", "seed", "parallel_tool_calls"})  # a prompt has them by themselves


def effort(request: Inference, candidate: Candidate) -> str | None:
    """How hard to think, or None for not at all."""
    capabilities = candidate.offer.capabilities
    if "reasoning" not in capabilities or request.effort == "off":
        return None
    # A model that cannot stop reasoning does it unasked.
    return request.effort or (None if "reasoning_off" in capabilities else "medium")


def dropped_params(request: Inference, candidate: Candidate) -> list[str]:
    """Names of the parameters that are not forwarded."""
    provider = candidate.offer.provider
    refused = request.params.keys() - provider.params
    if provider.dialect == "anthropic" and effort(request, candidate) is not None:
        refused |= request.params.keys() & _CLASH_WITH_THINKING
    return [name for name in request.params if name in refused]


def choices(request: Inference, candidate: Candidate) -> int:
    """How many answers to give."""
    return 1 if "n" in dropped_params(request, candidate) else request.n


def accepted_prompt(request: Inference, candidate: Candidate) -> Prompt:
    """The prompt without what is dropped, and bounded by what the model can say."""
    prompt, offer = request.prompt, candidate.offer
    dropped = dropped_params(request, candidate)
    most = offer.max_output_tokens
    if prompt.max_tokens is None and offer.upstream_model is not None:
        limit = None  # the upstream has a limit of its own
    else:
        limit = min(prompt.max_tokens or most, most)
    return replace(
        prompt,
        temperature=None if "temperature" in dropped else prompt.temperature,
        seed=None if "seed" in dropped else prompt.seed,
        parallel_tool_calls=prompt.parallel_tool_calls or "parallel_tool_calls" in dropped,
        max_tokens=limit,
        params={name: value for name, value in request.params.items() if name not in {*dropped, *_NOT_FOR_ENGINES}},
    )
