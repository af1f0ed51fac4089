"""`auriko chat`: one question, its answer as it arrives, and what it cost."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from auriko import Client, Stream
from auriko.cli._console import usd
from auriko.cli._errors import CommandError
from auriko.models import ChatCompletionChunk
from auriko.spend import json_text


def run(arguments: argparse.Namespace) -> int:
    """Asks and prints; the exit code is 0."""
    request = _request(arguments)
    with Client() as client, client.chat.completions.create(**request, stream=True) as stream:
        if arguments.json:
            print(json_text(_collected(stream)))
        else:
            _print_stream(stream)
    return 0


def _request(arguments: argparse.Namespace) -> dict[str, Any]:
    question = " ".join(arguments.message) if arguments.message else "" if sys.stdin.isatty() else sys.stdin.read()
    if not question.strip():
        raise CommandError("say something: auriko chat -m MODEL 'your question', or pipe it in")
    if bool(arguments.model) == bool(arguments.models):
        raise CommandError("name one model with --model, or candidates with --models a,b")
    messages = [{"role": "system", "content": arguments.system}] if arguments.system else []
    return {
        "messages": [*messages, {"role": "user", "content": question}],
        "model": arguments.model,
        "models": [name.strip() for name in arguments.models.split(",") if name.strip()] if arguments.models else None,
        "routing": {"optimize": arguments.optimize} if arguments.optimize else None,
        "max_completion_tokens": arguments.max_tokens,
    }


def _collected(stream: Stream[ChatCompletionChunk]) -> dict[str, Any]:
    text = "".join(stream.text_deltas())
    metadata, usage = stream.routing_metadata, stream.usage
    return {
        "text": text,
        "routing_metadata": metadata.model_dump(exclude_none=True) if metadata is not None else None,
        "usage": usage.model_dump(exclude_none=True) if usage is not None else None,
    }


def _print_stream(stream: Stream[ChatCompletionChunk]) -> None:
    for text in stream.text_deltas():
        print(text, end="", flush=True)
    print()
    metadata, usage = stream.routing_metadata, stream.usage
    if metadata is not None:
        tokens = f", {usage.prompt_tokens} tokens in, {usage.completion_tokens} out" if usage is not None else ""
        cost = usd(metadata.cost.usd if metadata.cost is not None else None)
        print(f"{metadata.model_canonical} by {metadata.provider}: {cost}{tokens}", file=sys.stderr)
