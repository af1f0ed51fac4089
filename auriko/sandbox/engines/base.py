"""Prompts that the gateway hands an engine, and events that it gets back: the one interface between routing and text.

An engine is anything that continues a conversation. It knows nothing of HTTP, prices or providers: the gateway
turns its events into a reply or a stream, counts what they cost, and closes the iterator when the client leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Prompt:
    """One validated request, in the wire's own shapes (chat completions), without anything about routing.

    Attributes:
        messages: The conversation as on the wire; `content` may be a string, null or a list of parts.
        tools: Function tools that may be called; empty when `tool_choice` is "none".
        tool_choice: "auto", "required", or the name of the one tool that must be called as `{"name": ...}`.
        response_format: None or `{"type": "text" | "json_object" | "json_schema", "json_schema"?: {...}}`.
        max_tokens: The most tokens to produce, or None.
        stop: Strings at which the text ends (they are not part of it).
        temperature: Sampling temperature, or None for the engine's own default.
        seed: Seed for sampling, or None.
        parallel_tool_calls: Whether more than one tool call may come back.
        params: Further optional parameters that the provider takes, by their names on the wire, such as `top_p`,
            `logit_bias` or `logprobs`. An engine uses those that it can.
        model: The canonical id of the model that was chosen, as which the engine answers.
        cached: The share of it that the provider's prompt cache holds, of 0 to 1.
        is_thought: Whether this is what a reasoning model thinks before it answers the same prompt.
    """

    messages: tuple[Mapping[str, Any], ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: Literal["auto", "required"] | Mapping[str, str] = "auto"
    response_format: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    temperature: float | None = None
    seed: int | None = None
    parallel_tool_calls: bool = True
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    model: str = ""
    cached: float = 0.0
    is_thought: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer; pieces are joined without a separator.

    `logprobs` are those of its tokens as the wire has them (`token`, `logprob`, `bytes`, `top_logprobs`), if they were
    asked for and the engine knows them.
    """

    text: str
    logprobs: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of reasoning, from an engine that shows what it thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One whole tool call; `arguments` is a JSON object as text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The last event of every run: why it ended and how many tokens went in and out.

    Attributes:
        cached_tokens: Those of `prompt_tokens` that the engine itself says it had kept; None if it does not say.
        reasoning_tokens: Those of `completion_tokens` that were reasoning.
    """

    reason: Literal["stop", "length", "tool_calls", "content_filter"]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int | None = None
    reasoning_tokens: int = 0


Event = Text | Thought | ToolCall | Finish


class EngineError(Exception):
    """The engine could not answer; the gateway tries the next provider, unless the request itself is refused.

    Args:
        message: What happened.
        code: One of the registry's codes, which the caller is told if nobody else can answer.
        retry_after: Seconds after which it may work again, if the engine says so.
    """

    is_final = False
    """True if the caller is told at once, and no other provider is tried."""

    def __init__(self, message: str, code: str = "upstream_error", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


class Engine(Protocol):
    """Something that continues a conversation in this process."""

    @property
    def name(self) -> str:
        """The engine's own name, as replies report it in `system_fingerprint` and `provider_model_id`."""
        ...

    def run(self, prompt: Prompt) -> Iterator[Event]:
        """Events of one run, ending with `Finish`. Blocking: the gateway calls it in a worker thread.

        Closing the iterator early stops the work.

        Raises:
            EngineError: The engine failed; nothing that it yielded before counts.
        """
        ...
