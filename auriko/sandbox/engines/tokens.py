"""The number of tokens of a text, for engines without a tokenizer of their own.

A token is a run of up to seven letters, a run of up to three digits, one Chinese, Japanese or Korean character, or one
other sign. On English prose that gives about 1.3 tokens a word, as the tokenizers of large models do; it is an
estimate, the same one everywhere, and it makes costs in the sandbox add up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from auriko.sandbox.engines.base import Prompt
from auriko.sandbox.engines.content import text_of
from auriko.sandbox.engines.json_types import is_array, is_object

_TOKEN = re.compile(r"[a-zA-Z]{1,7}|\d{1,3}|[^\w\s]|_|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_]{1,7}")

PER_MESSAGE = 4
"""Tokens that a message costs beside its text: its role and its borders."""

PER_ATTACHMENT = 256
"""Tokens that an image, a sound or a file counts as, whatever its size."""


def count_tokens(text: str) -> int:
    """The number of tokens of `text`."""
    return len(_TOKEN.findall(text))


def cut_tokens(text: str, limit: int) -> str:
    """The beginning of `text` that has `limit` tokens, or all of it."""
    for number, match in enumerate(_TOKEN.finditer(text)):
        if number == limit:
            return text[: match.start()].rstrip()
    return text


def count_prompt_tokens(prompt: Prompt) -> int:
    """The number of tokens of the messages, tools and response format of `prompt`."""
    count = sum(_message_tokens(message) for message in prompt.messages)
    if prompt.tools:
        count += count_tokens(json.dumps(prompt.tools))
    if prompt.response_format:
        count += count_tokens(json.dumps(prompt.response_format))
    return count


def count_audio_tokens(prompt: Prompt) -> int:
    """The number of the prompt's tokens that are sounds."""
    contents = (message.get("content") for message in prompt.messages)
    parts = (part for content in contents if is_array(content) for part in content if is_object(part))
    return sum(PER_ATTACHMENT for part in parts if part.get("type") == "input_audio")


def _message_tokens(message: Mapping[str, Any]) -> int:
    content: Any = message.get("content")
    parts = content if is_array(content) else ()
    attachments = sum(is_object(part) and not isinstance(part.get("text"), str) for part in parts)
    calls: Iterable[Mapping[str, Any]] = message.get("tool_calls") or ()
    functions = [call.get("function", {}) for call in calls]
    told = [f"{function.get('name', '')}{function.get('arguments', '')}" for function in functions]
    return PER_MESSAGE + PER_ATTACHMENT * attachments + sum(map(count_tokens, [text_of(message), *told]))
