"""A whole reply as LangChain has it (API section 11.1)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, InvalidToolCall, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic_core import to_json

from auriko.meaning.choice import cut
from auriko.meaning.reasoning import reasoning_blocks
from auriko.meaning.tool_calls import ReadCall, read_calls
from auriko.models import ChatCompletion, Choice, ChoiceMessage, GeneratedImage, ToolCallFunction
from auriko.models import ToolCall as WireToolCall
from auriko.models.chat import new_call_id
from auriko_langchain._keys import ANNOTATIONS, COST, REASONING, REASONING_CONTENT, REFUSAL, SIGNATURES
from auriko_langchain._reply import response_metadata, run_metadata, usage_metadata

logger: Final = logging.getLogger("auriko")


def chat_result(completion: ChatCompletion) -> ChatResult:
    """One generation for each choice; tokens and cost are on the first alone, because they count for all.

    A reply without choices, which has been paid for all the same, is a message that says nothing.
    """
    choices = completion.choices or [Choice()]
    shared = response_metadata(
        model=completion.model,
        routing=completion.routing_metadata,
        headers=completion.response_headers or {},
        facts={
            "id": completion.id or None,
            "system_fingerprint": completion.system_fingerprint,
            "service_tier": completion.service_tier,
        },
    )
    first = _generation(choices[0], shared)
    priceless = {name: value for name, value in shared.items() if name != COST}
    others = [_generation(choice, priceless) for choice in choices[1:]]
    if completion.usage is not None and isinstance(first.message, AIMessage):
        first.message.usage_metadata = usage_metadata(completion.usage)
    first.generation_info = {**(first.generation_info or {}), **run_metadata(shared)}
    return ChatResult(generations=[first, *others], llm_output=shared)


def image_block(image: GeneratedImage) -> dict[str, Any]:
    """A generated image as a standard content block."""
    block = {"type": "image", "base64": image.data, "mime_type": image.mime_type}
    return {**block, "extras": {"thought_signature": image.thought_signature}} if image.thought_signature else block


def read_calls_of(message: BaseMessage) -> list[ReadCall]:
    """The tool calls of a LangChain message, whole or joined of its chunks."""
    if not isinstance(message, AIMessage):
        return []
    why = cut(message.response_metadata.get("finish_reason")) or "the arguments cannot be read"
    valid = [
        ReadCall(_wire_call(call["id"], call["name"], to_json(call["args"]).decode()), call["args"], None)
        for call in message.tool_calls
    ]
    invalid = [
        ReadCall(_wire_call(call["id"], call["name"] or "", call["args"] or ""), {}, call["error"] or why)
        for call in message.invalid_tool_calls
    ]
    return valid + invalid


def message_of(choice: Choice, metadata: dict[str, Any]) -> AIMessage:
    """The message of a choice, with these facts about it."""
    said = choice.message
    content: str | list[str | dict[Any, Any]] = said.content or ""
    if said.images:
        text: list[str | dict[Any, Any]] = [{"type": "text", "text": content}] if content else []
        content = text + [image_block(image) for image in said.images]
    # Only what there is: every argument costs langchain-core some time.
    fields: dict[str, Any] = {"response_metadata": metadata}
    if kept := _kept(said):
        fields["additional_kwargs"] = kept
    if said.tool_calls:
        fields |= _tool_calls(read_calls(said.tool_calls, choice.finish_reason))
    return AIMessage(content=content, **fields)


def _wire_call(call_id: str | None, name: str, arguments: str) -> WireToolCall:
    return WireToolCall(id=call_id or new_call_id(), function=ToolCallFunction(name=name, arguments=arguments))


def _generation(choice: Choice, shared: dict[str, Any]) -> ChatGeneration:
    facts = {
        "finish_reason": choice.finish_reason,
        "native_finish_reason": choice.native_finish_reason,
        "logprobs": choice.logprobs,
    }
    metadata = {**shared, **{name: value for name, value in facts.items() if value is not None}}
    message = message_of(choice, metadata)
    return ChatGeneration(message=message, generation_info={"finish_reason": choice.finish_reason})


def _kept(said: ChoiceMessage) -> dict[str, Any]:
    """The values that go back with the message on the next turn."""
    kept = {
        REASONING_CONTENT: said.reasoning_content,
        REASONING: said.reasoning and reasoning_blocks(said),
        REFUSAL: said.refusal,
        ANNOTATIONS: said.annotations,
        SIGNATURES: {call.id: call.provider_signature for call in said.tool_calls or () if call.provider_signature},
    }
    return {name: value for name, value in kept.items() if value}


def _tool_calls(calls: Sequence[ReadCall]) -> dict[str, list[Any]]:
    valid: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for read in calls:
        call = read.call
        name, written = call.function.name, call.function.arguments
        if read.problem is None:
            valid.append(ToolCall(type="tool_call", id=call.id, name=name, args=read.arguments))
        else:
            logger.warning("The model's call of %s is not run: %s.", name, read.problem)
            invalid.append(
                InvalidToolCall(type="invalid_tool_call", id=call.id, name=name, args=written, error=read.problem)
            )
    return {"tool_calls": valid, "invalid_tool_calls": invalid}
