"""The calls of chat completion requests (API section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from auriko._caller import AsyncCaller, Caller
from auriko._rules.call import Call
from auriko.history.messages import ready_messages
from auriko.models.chat import ChatCompletion
from auriko.resources._inference import inference_call
from auriko.schemas.tool_names import give_own_names, with_fitting_names
from auriko.types.chat_params import ChatParams

if TYPE_CHECKING:  # imported when something is parsed
    from auriko.models.parsed import ParsedChatCompletion
    from auriko.schemas.response_format import ResponseFormat

T = TypeVar("T")
_FORM: Final = "response_format"


def chat_call(
    params: Mapping[str, Any], *, stream: bool, caller: Caller | AsyncCaller | None = None
) -> Call[ChatCompletion]:
    """The call of a chat completion request; the arguments are not kept.

    Raises:
        ValueError: Neither or both of `model` and `models`, or a value that cannot be sent.
        TypeError: An unknown argument.
    """
    own_names: Mapping[str, str] = {}
    if params.get("tools"):
        params, own_names = with_fitting_names(params)
    call = inference_call(
        params,
        ChatParams,
        "/chat/completions",
        ChatCompletion,
        stream=stream,
        snapshot=_snapshot_messages,
        caller=caller,
    )
    return replace(call, convert=partial(_with_own_names, own_names), tool_names=own_names) if own_names else call


def _with_own_names(names: Mapping[str, str], reply: ChatCompletion) -> ChatCompletion:
    for choice in reply.choices:
        give_own_names(choice.message.tool_calls, names)
    return reply


def _snapshot_messages(body: dict[str, Any]) -> None:
    """Checks the messages and makes copies that can be sent, since they may come from a generator or a reply."""
    messages: Any = body.get("messages")
    if messages is None or (type(messages) is not list and isinstance(messages, (str, bytes, Mapping))):
        raise ValueError("messages is a list of messages such as {'role': 'user', 'content': '...'}")
    body["messages"] = ready_messages(body["messages"])
    if not body["messages"]:
        raise ValueError("messages is empty; the gateway needs at least one")
    if _FORM in body and not isinstance(body[_FORM], Mapping):
        from auriko.schemas.response_format import response_format_of

        body[_FORM] = response_format_of(body[_FORM]).for_chat()


def parse_call(
    params: Mapping[str, Any],
    form: ResponseFormat[T],
    *,
    stream: bool = False,
    caller: Caller | AsyncCaller | None = None,
) -> Call[ParsedChatCompletion[T]]:
    """The call of a chat completion request whose answer has that form.

    Raises:
        ValueError: As `chat_call`; or the form is said twice.
        TypeError: An unknown argument.
    """
    if params.get(_FORM) is not None:
        raise ValueError("response_format is said twice: for this request, and for all")
    call = chat_call({**params, _FORM: form.for_chat()}, stream=stream, caller=caller)
    named = call.convert

    def convert(reply: ChatCompletion) -> ParsedChatCompletion[T]:
        return form.of_completion(reply if named is None else named(reply))

    return cast("Call[ParsedChatCompletion[T]]", replace(call, convert=cast("Any", convert)))
