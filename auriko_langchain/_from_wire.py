"""A whole reply as LangChain has it (API section 11.1)."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.messages import AIMessage, InvalidToolCall, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import BaseModel

from auriko.errors import APIResponseValidationError
from auriko.models import ChatCompletion, Choice, ChoiceMessage, GeneratedImage
from auriko.models import ToolCall as WireToolCall
from auriko_langchain._keys import ANNOTATIONS, COST, REASONING, REASONING_CONTENT, REFUSAL, SIGNATURES
from auriko_langchain._reply import response_metadata, run_metadata, usage_metadata


def chat_result(completion: ChatCompletion) -> ChatResult:
    """One generation for each choice; tokens and cost are on the first alone, because they count for all.

    Raises:
        APIResponseValidationError: The reply has no choice.
    """
    if not completion.choices:
        raise APIResponseValidationError(
            "The reply has no choices.", status_code=200, response_headers=completion.response_headers
        )
    shared = response_metadata(
        model=completion.model,
        routing=completion.routing_metadata,
        headers=completion.response_headers,
        facts={
            "id": completion.id or None,
            "system_fingerprint": completion.system_fingerprint,
            "service_tier": completion.service_tier,
        },
    )
    first = _generation(completion.choices[0], shared)
    priceless = {name: value for name, value in shared.items() if name != COST}
    others = [_generation(choice, priceless) for choice in completion.choices[1:]]
    if completion.usage is not None and isinstance(first.message, AIMessage):
        first.message.usage_metadata = usage_metadata(completion.usage)
    first.generation_info = {**(first.generation_info or {}), **run_metadata(shared)}
    return ChatResult(generations=[first, *others], llm_output=shared)


def image_block(image: GeneratedImage) -> dict[str, Any]:
    """A generated image as a standard content block."""
    block = {"type": "image", "base64": image.data, "mime_type": image.mime_type}
    return {**block, "extras": {"thought_signature": image.thought_signature}} if image.thought_signature else block


def _generation(choice: Choice, shared: dict[str, Any]) -> ChatGeneration:
    facts = {
        "finish_reason": choice.finish_reason,
        "native_finish_reason": choice.native_finish_reason,
        "logprobs": choice.logprobs,
    }
    metadata = {**shared, **{name: value for name, value in facts.items() if value is not None}}
    message = _message(choice.message, metadata)
    return ChatGeneration(message=message, generation_info={"finish_reason": choice.finish_reason})


def _message(said: ChoiceMessage, metadata: dict[str, Any]) -> AIMessage:
    content: str | list[str | dict[Any, Any]] = said.content or ""
    if said.images:
        text: list[str | dict[Any, Any]] = [{"type": "text", "text": content}] if content else []
        content = text + [image_block(image) for image in said.images]
    # Only what there is: every argument costs langchain-core some time.
    fields: dict[str, Any] = {"response_metadata": metadata}
    if kept := _kept(said):
        fields["additional_kwargs"] = kept
    if said.tool_calls:
        fields |= _tool_calls(said.tool_calls)
    return AIMessage(content=content, **fields)


def _kept(said: ChoiceMessage) -> dict[str, Any]:
    """The values that go back with the message on the next turn."""
    kept: dict[str, Any] = {}
    if said.reasoning_content:
        kept[REASONING_CONTENT] = said.reasoning_content
    if said.reasoning:
        kept[REASONING] = [_plain(block) for block in said.reasoning]
    if said.refusal:
        kept[REFUSAL] = said.refusal
    if said.annotations:
        kept[ANNOTATIONS] = said.annotations
    if signatures := {call.id: call.provider_signature for call in said.tool_calls or () if call.provider_signature}:
        kept[SIGNATURES] = signatures
    return kept


def _tool_calls(calls: list[WireToolCall]) -> dict[str, list[Any]]:
    valid: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in calls:
        name, written = call.function.name, call.function.arguments
        arguments, error = _arguments(written)
        if error is None:
            valid.append(ToolCall(type="tool_call", id=call.id, name=name, args=arguments))
        else:
            invalid.append(InvalidToolCall(type="invalid_tool_call", id=call.id, name=name, args=written, error=error))
    return {"tool_calls": valid, "invalid_tool_calls": invalid}


def _arguments(text: str) -> tuple[dict[str, Any], str | None]:
    """The arguments of a tool call, and why they could not be read, or None."""
    try:
        arguments: Any = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        return {}, str(error)
    return (arguments, None) if isinstance(arguments, dict) else ({}, "the arguments are not a JSON object")  # pyright: ignore[reportUnknownVariableType]


def _plain(block: BaseModel | dict[str, Any]) -> dict[str, Any]:
    return block.model_dump(mode="json", exclude_none=True) if isinstance(block, BaseModel) else block
