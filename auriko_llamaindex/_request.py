"""A call's arguments, from what the LLM is set to and what the call says; the call wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage

from auriko.routing import merge_gateway
from auriko_llamaindex._to_wire import to_wire

if TYPE_CHECKING:
    from auriko_llamaindex._settings import AurikoSettings


def request_arguments(
    settings: AurikoSettings, messages: Sequence[ChatMessage], call: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of `create`.

    A call may name any of them, and also `models`, `routing` and `gateway_metadata`. Routing, labels,
    extensions and extra fields are merged key by key, a model replaces models and the other way round.

    Raises:
        ValueError: A message cannot be sent.
        TypeError: `stream` is asked for.
    """
    given = {**settings.additional_kwargs, **{name: value for name, value in call.items() if value is not None}}
    if "stream" in given:
        raise TypeError("stream is no argument of a call: use stream_chat or stream_complete")
    model, gateway = _model_and_gateway(settings, given)
    arguments: dict[str, Any] = {
        "messages": to_wire(messages, send_reasoning=settings.send_reasoning),
        "model": model,
        "gateway": gateway or None,
        "temperature": settings.temperature,
        "reasoning_effort": settings.reasoning_effort,
        "extensions": _merged_extensions(settings.extensions, given.pop("extensions", None)),
        "extra_body": {**(settings.extra_body or {}), **given.pop("extra_body", {})} or None,
    }
    if "max_tokens" not in given:
        arguments["max_completion_tokens"] = settings.max_tokens
    return {**arguments, **given}


def _model_and_gateway(settings: AurikoSettings, given: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Takes what names models and routing out of `given`."""
    model = given.pop("model", None)
    call = _gateway(given.pop("models", None), given.pop("routing", None), given.pop("gateway_metadata", None))
    base = _gateway(settings.models, settings.routing, settings.gateway_metadata)
    override = merge_gateway(given.pop("gateway", None), call)
    if model is None and "models" not in override:
        model = settings.model
    else:
        base.pop("models", None)
    return model, merge_gateway(base, override)


def _gateway(models: Any, routing: Any, metadata: Any) -> dict[str, Any]:
    named = {"models": models, "routing": routing, "metadata": metadata}
    return {name: value for name, value in named.items() if value is not None}


def _merged_extensions(base: Mapping[str, Any] | None, override: Mapping[str, Any] | None) -> dict[str, Any] | None:
    merged: dict[str, Any] = dict(base or {})
    for provider, options in (override or {}).items():
        merged[provider] = {**merged.get(provider, {}), **options}
    return merged or None
