"""Replies as LlamaIndex responses, with who answered and what it cost on them (API section 11)."""

# LlamaIndex types additional_kwargs with bare dicts, and log probabilities are plain JSON.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.base.llms.types import ChatResponse, CompletionResponse, LogProb

from auriko import ChatCompletion, RoutingMetadata, Usage
from auriko.models import Choice
from auriko_llamaindex._message import chat_message


def chat_response(completion: ChatCompletion, *, single_call: bool = False) -> ChatResponse:
    """The first choice as a response; `raw` is the whole reply as a dictionary."""
    choice = completion.choices[0] if completion.choices else Choice()
    tokens = reasoning_tokens(completion.usage)
    return ChatResponse(
        message=chat_message(choice.message, single_call=single_call, reasoning_tokens=tokens),
        raw=completion.model_dump(mode="json", exclude_unset=True),
        logprobs=log_probs(choice.logprobs),
        additional_kwargs=facts(completion.usage, completion.routing_metadata, choice.message.refusal),
    )


def facts(usage: Usage | None, routing_metadata: RoutingMetadata | None, refusal: str | None) -> dict[str, Any]:
    """The facts of a finished call for `ChatResponse.additional_kwargs`, in plain JSON values.

    `routing_metadata` with the cost, the three token counts, and the refusal; what is unknown is left out.
    """
    told: dict[str, Any] = {}
    if routing_metadata is not None:
        told["routing_metadata"] = routing_metadata.model_dump(mode="json", exclude_unset=True)
    if usage is not None:
        told["prompt_tokens"] = usage.prompt_tokens
        told["completion_tokens"] = usage.completion_tokens
        told["total_tokens"] = usage.total_tokens
    if refusal:
        told["refusal"] = refusal
    return told


def reasoning_tokens(usage: Usage | None) -> int | None:
    """The number of the completion's tokens that were reasoning, or None where that is not told."""
    details = usage.completion_tokens_details if usage is not None else None
    return details.reasoning_tokens if details is not None else None


def log_probs(logprobs: Any) -> list[list[LogProb]] | None:
    """For every token of the answer the chosen one and its alternatives, or None where none were sent."""
    if logprobs is None:
        return None
    try:
        return [
            [_log_prob(token), *(_log_prob(t) for t in token.get("top_logprobs") or () if t["token"] != token["token"])]
            for token in logprobs["content"]
        ] or None
    except (AttributeError, KeyError, TypeError, ValueError):  # they only inform
        return None


def _log_prob(token: Mapping[str, Any]) -> LogProb:
    return LogProb(token=token["token"], logprob=token["logprob"], bytes=token.get("bytes") or [])


def completion_response(chat: ChatResponse) -> CompletionResponse:
    """A chat response, or an item of a stream of them, as a completion."""
    return CompletionResponse(
        text=chat.message.content or "",
        delta=chat.delta,
        raw=chat.raw,
        logprobs=chat.logprobs,
        additional_kwargs={**chat.message.additional_kwargs, **chat.additional_kwargs},
    )
