"""A text that is there already, as the events of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auriko.sandbox.engines.base import Event, Finish, Prompt, Text
from auriko.sandbox.engines.tokens import count_prompt_tokens, count_tokens, cut_tokens

_PIECE = re.compile(r"\s*\S+(?:\s+\Z)?|\s+")


def say(text: str, prompt: Prompt) -> Iterator[Event]:
    """The words of `text` up to a stop string or the greatest number of tokens, then `Finish`."""
    stops = [at for stop in prompt.stop if stop and (at := text.find(stop)) >= 0]
    text = text[: min(stops, default=len(text))]
    said = text if prompt.max_tokens is None else cut_tokens(text, prompt.max_tokens)
    for piece in _PIECE.finditer(said):
        yield Text(piece.group())
    yield Finish("stop" if said == text else "length", count_prompt_tokens(prompt), count_tokens(said))
