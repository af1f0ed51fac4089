"""A call's arguments, from what the LLM is set to and what the call says; the call wins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage

from auriko.call_arguments import gateway_of, merge_arguments
from auriko_llamaindex._to_wire import to_wire

if TYPE_CHECKING:
    from auriko_llamaindex._settings import AurikoSettings


def request_arguments(
    settings: AurikoSettings, messages: Sequence[ChatMessage], call: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of `create`: any that it has, and also `models`, `routing` and `gateway_metadata`.

    They are merged as `auriko.call_arguments` says, the LLM's `additional_kwargs` over its fields, and the call's over
    both.

    Raises:
        ValueError: A message cannot be sent, or the call says a thing twice.
        TypeError: `stream` is asked for.
    """
    if "stream" in call or "stream" in settings.additional_kwargs:
        raise TypeError("stream is no argument of a call: use stream_chat or stream_complete")
    fields: dict[str, Any] = {
        "model": settings.model,
        "temperature": settings.temperature,
        "reasoning_effort": settings.reasoning_effort,
        "max_completion_tokens": settings.max_tokens,
        "extensions": settings.extensions,
        "extra_body": settings.extra_body,
    }
    named = {"models": settings.models, "routing": settings.routing, "gateway_metadata": settings.gateway_metadata}
    arguments = merge_arguments(fields, gateway_of(named), settings.additional_kwargs)
    arguments = merge_arguments(arguments, arguments.pop("gateway"), call)
    sent = to_wire(messages, send_reasoning=settings.send_reasoning)
    conversation = arguments.pop("conversation", settings.conversation)
    if conversation is True:
        conversation = _beginning(sent)
    return {"messages": sent, **arguments, **({"conversation": conversation} if conversation else {})}


def _beginning(messages: Sequence[Mapping[str, Any]]) -> str:
    """A name of the conversation that begins so: memories do not tell theirs, and what begins alike shares a cache."""
    first = next((index for index, message in enumerate(messages) if message["role"] == "user"), 0)
    text = json.dumps(messages[: first + 1], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
