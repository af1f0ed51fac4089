"""The tokens of a prompt, estimated without any tokenizer and without a network.

One token for each Chinese, Japanese or Korean character, for each sign, for two digits, and for four other letters,
but at least one for a word. The tokenizers of large models give within 20 % of that on prose, code and CJK text; those
of small models split text outside English two or three times as finely.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel

_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_DIGIT: Final = re.compile(r"\d")
_SIGN: Final = re.compile(r"[^\w\s]|_")
_ASCII: Final = [chr(code) if code < 128 else " " for code in range(256)]
_LETTERS_ALONE: Final = "".join(sign if sign.isalpha() else " " for sign in _ASCII).encode()
_KINDS: Final = "".join(
    "a" if sign.isalpha() else "0" if sign.isdigit() else " " if sign.isspace() else "." for sign in _ASCII
).encode()
_LETTERS_PER_TOKEN: Final = 4
_DIGITS_PER_TOKEN: Final = 2
_LETTERS_PER_DIGIT: Final = _LETTERS_PER_TOKEN // _DIGITS_PER_TOKEN
_PER_MESSAGE: Final = 4  # the role and the borders between messages
_TEXT_KEYS: Final = ("text", "thinking", "data")
SPREAD: Final = 1.2
FEWEST_PER_ATTACHMENT: Final = 85
MOST_PER_ATTACHMENT: Final = 1600


def estimate_tokens(text: str) -> int:
    """About how many tokens the text has."""
    if text.isascii():
        return _estimate_ascii(text.encode())
    words = _WORD.findall(_CJK.sub(" ", text))
    letters = sum(map(len, words))
    tokens = (
        len(_CJK.findall(text))
        + max(len(words), letters / _LETTERS_PER_TOKEN)
        + len(_DIGIT.findall(text)) / _DIGITS_PER_TOKEN
        + len(_SIGN.findall(text))
    )
    return math.ceil(tokens)


def _estimate_ascii(text: bytes) -> int:
    """The same of text that is ASCII, without regular expressions: limits ask for it before every call."""
    kinds = text.translate(_KINDS)
    letters, digits, signs = kinds.count(b"a"), kinds.count(b"0"), kinds.count(b".")
    letters_of_words = len(text.translate(_LETTERS_ALONE).split()) * _LETTERS_PER_TOKEN
    # In whole numbers, and rounded up: a digit takes the place of so many letters.
    most = max(letters, letters_of_words)
    return -(-(most + digits * _LETTERS_PER_DIGIT) // _LETTERS_PER_TOKEN) + signs


def prompt_token_range(
    messages: Iterable[Any], tools: Iterable[Any] | None, response_format: Any
) -> tuple[int, int, int]:
    """The least and the most tokens that a prompt will probably have, and how many attachments are among them."""
    texts: list[str] = []
    if tools or response_format:
        texts += [json.dumps(part, default=str) for part in (list(tools or ()), response_format) if part]
    count = attachments = 0
    for message in messages:
        fields = _fields(message)
        count += _PER_MESSAGE
        content = fields.get("content")
        if len(fields) == 2 and "role" in fields and isinstance(content, str):  # nothing but text, as most are
            texts.append(content)
        else:
            attachments += _collect(fields, texts)
    for text in texts:
        count += estimate_tokens(text)
    fewest = math.floor(count / SPREAD) + attachments * FEWEST_PER_ATTACHMENT
    return fewest, math.ceil(count * SPREAD) + attachments * MOST_PER_ATTACHMENT, attachments


def _fields(message: Any) -> Mapping[str, Any]:
    if type(message) is dict:
        return message  # pyright: ignore[reportUnknownVariableType]
    if isinstance(message, BaseModel):
        return message.model_dump(exclude_none=True)
    if isinstance(message, Mapping):
        return message  # pyright: ignore[reportUnknownVariableType]
    raise ValueError(f"a message is a dictionary such as {{'role': 'user', ...}}, not {type(message).__name__}")


def _collect(message: Mapping[str, Any], texts: list[str]) -> int:
    """Adds a message's texts to the list; returns how many images, sounds and files it has."""
    attachments = 0
    content, reasoning = message.get("content"), message.get("reasoning")
    if isinstance(content, str):
        texts.append(content)
        content = None
    for part in [*(content or ()), *(reasoning or ())]:
        said = part if isinstance(part, str) else next((part[key] for key in _TEXT_KEYS if key in part), None)
        if isinstance(said, str):
            texts.append(said)
        else:
            attachments += 1
    for call in message.get("tool_calls") or ():
        function: Mapping[str, Any] = call.get("function") or {}
        texts.append(f"{function.get('name', '')} {function.get('arguments', '')}")
    return attachments
