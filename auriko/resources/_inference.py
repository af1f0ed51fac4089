"""Requests that models answer (API sections 3, 4 and 11.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel

from auriko._caller import AsyncCaller, Caller
from auriko._rules.body import encode_body
from auriko._rules.call import Call, check_names, take_options
from auriko.call_arguments import GATEWAY_FIELDS
from auriko.models.extensions import check_extensions
from auriko.routing import GatewayOptions, merge_gateway, merge_gateway_extra_body

ReplyT = TypeVar("ReplyT", bound=BaseModel)
_WORDS: Final = frozenset(GATEWAY_FIELDS)


def inference_call(
    params: Mapping[str, Any],
    known: type[Any],
    path: str,
    reply: type[ReplyT],
    *,
    stream: bool,
    snapshot: Callable[[dict[str, Any]], None],
    caller: Caller | AsyncCaller | None = None,
) -> Call[ReplyT]:
    """The call of a request that a model answers; the arguments, which `known` names, are not kept.

    `snapshot` checks and copies the conversation inside the body; without a caller nobody remembers who served it.

    Raises:
        ValueError: Neither or both of `model` and `gateway.models`, or a value that cannot be sent.
        TypeError: An unknown argument, or one that is missing.
    """
    check_names(params, known, "create")
    given = dict(params)
    options = take_options(given)
    extra = given.pop("extra_body", None)
    conversation = given.pop("conversation", None)
    body = {name: value for name, value in given.items() if value is not None}
    snapshot(body)
    if not _WORDS.isdisjoint(body):
        body["gateway"] = _with_words(body)
    if "gateway" in body:
        body["gateway"] = check_gateway(body["gateway"])
    if stream:
        body["stream"] = True
    if extra:
        body = merge_gateway_extra_body(body, extra)
    model = check_model(body)
    if "extensions" in body:
        check_extensions(body["extensions"])
    turn = caller.affinity().begin(conversation, body) if conversation is not None and caller is not None else None
    encoded = encode_body(body)
    return Call("POST", path, reply, encoded, request=body, stream=stream, model=model, turn=turn, **options)


def _with_words(body: dict[str, Any]) -> dict[str, Any]:
    """The `gateway` object with what the body says of it by names of their own, which are taken out.

    Raises:
        ValueError: Something is said by both.
    """
    gateway = merge_gateway(None, body.get("gateway"))
    for name, field in GATEWAY_FIELDS.items():
        value = body.pop(name, None)
        if value is not None and gateway.get(field) is not None:
            raise ValueError(f"{name} and gateway[{field!r}] say the same thing: give one of them")
        if value is not None:
            gateway[field] = value
    return gateway


def check_gateway(gateway: GatewayOptions | Mapping[str, Any]) -> dict[str, Any]:
    """The `gateway` object as it goes over the wire.

    Raises:
        ValueError: An unknown field or a value out of its range; pydantic's ValidationError is one.
    """
    return GatewayOptions.model_validate(gateway).to_dict()


def check_model(body: Mapping[str, Any]) -> str:
    """The model or models that a body asks for, as one text.

    Raises:
        ValueError: It names neither `model` nor `gateway.models`, or both.
    """
    gateway = body.get("gateway")
    models: Any = None
    if gateway is not None and isinstance(gateway, Mapping):
        models = cast("Mapping[str, Any]", gateway).get("models")
    model = body.get("model")
    if model and models:
        raise ValueError("give either model or models (gateway.models), not both")
    if not model and not models:
        raise ValueError("give a model, or candidates in models=[...]")
    return str(model) if model else ",".join(map(str, models))
