"""The arguments of one request: what the model was made with, and what the call says on top.

A call's value wins. In `routing`, `gateway_metadata` and other objects of options it wins option by option: what it
does not name stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from auriko.routing import GatewayOptions, merge_gateway, unknown_name
from auriko.types import CallOptions, ChatParams

# Fields of a request that a call or the constructor may set under the wire's own name.
WIRE_FIELDS: Final = (
    frozenset(ChatParams.__annotations__)
    - set(CallOptions.__annotations__)
    - {
        "messages",
        "gateway",
        "max_tokens",
        "stream_options",
    }
)
CALL_OPTIONS: Final = frozenset(CallOptions.__annotations__)
GATEWAY_FIELDS: Final = {"models": "models", "routing": "routing", "gateway_metadata": "metadata"}
# Fields that are objects of options too.
MERGED_FIELDS: Final = ("extensions", "extra_body", "reasoning")
# Accepted per call beside those: LangChain's names, and what only a stream has.
_OTHERS: Final = frozenset({"max_tokens", "stream", "stream_options", "stream_usage"})
_NOT_SENT: Final = GATEWAY_FIELDS.keys() | {"stream", "stream_usage"}
CALL_FIELDS: Final = WIRE_FIELDS | CALL_OPTIONS | GATEWAY_FIELDS.keys() | _OTHERS


def check_names(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Nothing, if every name is known.

    Raises:
        TypeError: A name is not known; the message names the nearest that is.
    """
    names = dict.fromkeys(known)
    for name in given:
        if name not in names:
            raise TypeError(f"ChatAuriko: {unknown_name(name, names, what)}")


def gateway_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The `gateway` object that these arguments make; empty where they say nothing of routing."""
    return {key: values[name] for name, key in GATEWAY_FIELDS.items() if values.get(name) is not None}


def merge(defaults: Mapping[str, Any], gateway: GatewayOptions | None, call: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `client.chat.completions.create`, without the messages.

    Args:
        defaults: The request's fields as the model was made with them, under the wire's names.
        gateway: The `gateway` object as the model was made with it.
        call: What the call says, under the names of `CALL_FIELDS`.

    Raises:
        TypeError: The call names an unknown argument.
        ValueError: The call gives both `model` and `models`.
    """
    if not call:
        return {**defaults, "gateway": gateway}
    check_names(call, CALL_FIELDS, "argument")
    model, models = call.get("model"), call.get("models")
    if model is not None and models is not None:
        raise ValueError("give either model or models, not both")
    request = {**defaults, **{name: value for name, value in call.items() if name not in _NOT_SENT}}
    for name in MERGED_FIELDS:
        ours, theirs = defaults.get(name), call.get(name)
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            request[name] = merge_gateway(ours, theirs)  # pyright: ignore[reportUnknownArgumentType]
    if "max_tokens" in request:
        request["max_completion_tokens"] = request.pop("max_tokens")
    merged = merge_gateway(gateway, gateway_of(call))
    if models is not None:
        request.pop("model", None)
    elif model is not None:
        merged.pop("models", None)
    request["gateway"] = merged or None
    return request
