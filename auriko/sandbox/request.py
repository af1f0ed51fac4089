"""One validated request, in the form that routing and engines work with, whatever endpoint it came by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from auriko.sandbox.engines.base import Prompt
from auriko.sandbox.routing_options import Routing

# Parameters that a provider may lack: then they are dropped with a warning.
OPTIONAL_PARAMS = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "top_a",
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "n",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "user",
    "parallel_tool_calls",
    "web_search_options",
    "verbosity",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
)

# Those of them that `require_parameters` looks at (API section 5).
REQUIRABLE_PARAMS = frozenset(OPTIONAL_PARAMS) - {
    "top_k",
    "min_p",
    "top_a",
    "repetition_penalty",
    "prompt_cache_retention",
}


class RoutingWarning(NamedTuple):
    """A warning: something that the caller should know of; the request went on."""

    type: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """A request that is right in itself.

    Attributes:
        endpoint: By which endpoint it came.
        id: The X-Request-ID that its reply carries.
        models: Names of the models that may answer, as sent, still with suffixes and aliases.
        prompt: What the engine gets.
        params: Optional parameters that were sent.
        modalities: What kinds of content its messages hold.
        needs: Capabilities that it cannot do without, each with what asked for it in words.
        effort: How hard to think; None leaves it to the model.
        warnings: What was ignored already.
        refuse: Whether the answer is to be a refusal.
        redact: Whether reasoning is to have a part that is not for reading.
    """

    endpoint: str
    models: tuple[str, ...]
    routing: Routing
    prompt: Prompt
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    n: int = 1
    effort: str | None = None
    show_reasoning: bool = True
    stream: bool = False
    modalities: frozenset[str] = frozenset({"text"})
    needs: Mapping[str, str] = field(default_factory=dict[str, str])
    extensions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    warnings: tuple[RoutingWarning, ...] = ()
    refuse: bool = False
    redact: bool = False
    id: str = ""

    def texts(self) -> Iterator[str]:
        """Every text of the prompt, in order: what token counts and the prompt cache see."""
        for tool in self.prompt.tools:
            yield str(tool)
        for message in self.prompt.messages:
            yield f"\n{message.get('role')}: {message.get('content') or ''}"
            if message.get("tool_calls"):
                yield str(message["tool_calls"])
