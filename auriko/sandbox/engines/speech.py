"""An answer that is there already, as the events of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from auriko.sandbox.engines.base import Event, Finish, Prompt, Text, ToolCall
from auriko.sandbox.engines.tokens import count_prompt_tokens, count_tokens, cut_tokens

_PIECE = re.compile(r"\s*\S+(?:\s+\Z)?|\s+")


def say(parts: Iterable[str | Event], prompt: Prompt) -> Iterator[Event]:
    """The parts, texts word by word up to a stop string or the greatest number of tokens, then `Finish`."""
    end, tokens = Finish("stop"), 0
    for part in parts:
        if isinstance(part, str):
            stops = [at for stop in prompt.stop if stop and (at := part.find(stop)) >= 0]
            text = part[: min(stops, default=len(part))]
            said = text if prompt.max_tokens is None else cut_tokens(text, prompt.max_tokens)
            yield from (Text(piece.group()) for piece in _PIECE.finditer(said))
            end, tokens = Finish("stop" if said == text else "length"), tokens + count_tokens(said)
        elif isinstance(part, Finish):
            end, tokens = part, tokens + part.completion_tokens
        else:
            yield part
            if isinstance(part, ToolCall):
                end, tokens = Finish("tool_calls"), tokens + count_tokens(part.name + part.arguments)
    yield Finish(end.reason, count_prompt_tokens(prompt), tokens)
