"""Arguments of one call of a framework's model: what the call says, over what the model is set to.

The call's value wins, and None unsets the model's. In objects of options (`routing`, `gateway_metadata`, `extensions`,
`extra_body`, `reasoning`) it wins key by key, however deep: what it does not name stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from auriko.routing import GatewayOptions, merge_gateway

__all__ = ["GATEWAY_FIELDS", "MERGED_FIELDS", "gateway_arguments", "gateway_of", "merge_arguments"]

# By the name of the argument, the field of the `gateway` object that it becomes.
GATEWAY_FIELDS: Final[Mapping[str, str]] = {"models": "models", "routing": "routing", "gateway_metadata": "metadata"}
# Arguments that are objects of options, beside those.
MERGED_FIELDS: Final = ("extensions", "extra_body", "reasoning")


def gateway_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The `gateway` object that these arguments make; empty where they say nothing of routing."""
    return {key: values[name] for name, key in GATEWAY_FIELDS.items() if values.get(name) is not None}


def gateway_arguments(gateway: GatewayOptions | Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments that make this `gateway` object."""
    values = merge_gateway(None, gateway)
    return {name: values[key] for name, key in GATEWAY_FIELDS.items() if key in values}


def merge_arguments(
    defaults: Mapping[str, Any], gateway: GatewayOptions | Mapping[str, Any] | None, call: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of `client.chat.completions.create`, without the messages.

    Args:
        defaults: What the model is set to, under the names that `create` has.
        gateway: The `gateway` object that the model is set to.
        call: What the call says: any of these names, `gateway`, and those of `GATEWAY_FIELDS`.

    Raises:
        ValueError: The call says the same thing twice: `model` and `models`, or both names of the limit of tokens.
    """
    if not call:
        return {**defaults, "gateway": gateway or None}
    for one, other in (("model", "models"), ("max_tokens", "max_completion_tokens")):
        if call.get(one) is not None and call.get(other) is not None:
            raise ValueError(f"give either {one} or {other}, not both")
    request = {**defaults, **{name: value for name, value in call.items() if name not in GATEWAY_FIELDS}}
    for name in MERGED_FIELDS:
        ours, theirs = defaults.get(name), call.get(name)
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            request[name] = merge_gateway(ours, theirs)  # pyright: ignore[reportUnknownArgumentType]
    if "max_tokens" in request:
        limit = request.pop("max_tokens")
        request["max_completion_tokens"] = call.get("max_completion_tokens") or limit
    said = merge_gateway(call.get("gateway"), gateway_of(call))
    if "models" in said:
        request.pop("model", None)
    unset = {key for name, key in GATEWAY_FIELDS.items() if name in call and call[name] is None}
    if call.get("model") is not None:
        unset.add("models")
    merged = merge_gateway(gateway, said)
    request["gateway"] = {key: value for key, value in merged.items() if key not in unset} or None
    return request
