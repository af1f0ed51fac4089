"""The input of a model: messages, also as the wire or the client has them."""

# Messages are dictionaries of anything:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.prompt_values import PromptValue

from auriko.models import Choice, ChoiceMessage
from auriko_langchain._from_wire import message_of


def with_answers_read(model_input: LanguageModelInput) -> LanguageModelInput:
    """The input, with messages of the assistant that are a reply's or as on the wire as LangChain's own.

    langchain-core reads such dictionaries too, but loses the signatures of their calls, fails where arguments are no
    JSON, and wants a content even where there is none.
    """
    if isinstance(model_input, (str, PromptValue)) or not isinstance(model_input, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
        return model_input
    read = [_read(message) for message in model_input]
    return read if any(new is not old for new, old in zip(read, model_input, strict=True)) else model_input


def _read(message: Any) -> Any:
    if isinstance(message, ChoiceMessage):
        return message_of(Choice(message=message), {})
    if not isinstance(message, Mapping) or message.get("role") != "assistant" or not _is_wires(message):
        return message
    content = message.get("content")
    try:
        said = ChoiceMessage.model_validate({**message, "content": content if isinstance(content, str) else None})
    except ValueError:
        return message  # for langchain-core to say what is wrong
    read = message_of(Choice(message=said), {})
    update: dict[str, Any] = {"name": message.get("name"), "id": message.get("id")}
    if isinstance(content, list):
        update["content"] = content
    if isinstance(kept := message.get("additional_kwargs"), dict):
        update["additional_kwargs"] = {**kept, **read.additional_kwargs}
    return read.model_copy(update=update)


def _is_wires(message: Mapping[str, Any]) -> bool:
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls:
        return all(isinstance(call, Mapping) and "function" in call for call in calls)
    return message.get("content") is None or bool(message.keys() & {"reasoning", "reasoning_content"})
