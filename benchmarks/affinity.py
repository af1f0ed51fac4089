"""What `conversation=` saves: 20 conversations of 12 turns under three strategies, with it and without.

The gateway is the sandbox, which shares calls among those that are about as good, and whose providers fail now and
then. Each conversation is about a document of its own. Prices are those of the packaged catalogue, and each
provider has a pace: a token that its cache does not hold takes time. The table of docs/routing.md is renewed with
`python benchmarks/affinity.py --write`.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

from auriko import Client
from auriko.sandbox import Paced, Sandbox, ScriptedEngine

PAGE = Path(__file__).parents[1] / "docs" / "routing.md"
MODELS = ["gpt-4o", "gpt-5.4"]
STRATEGIES = ["cost-focus", "balanced", "ttft"]
CONVERSATIONS, TURNS = 20, 12
DOCUMENT_WORDS, QUESTION_WORDS, ANSWER_WORDS = 1500, 150, 20
# Seconds: before the first token, for each that follows, and for each token of the prompt that has to be read.
PACES = {"openai": (0.030, 0.001, 2e-5), "azure_openai": (0.036, 0.0008, 2e-5), "local_lm": (0.040, 0.0006, 2e-5)}
LOAD_BALANCE, DOWN = 0.35, 0.03
TABLE = re.compile(r"^\| Strategy \| `conversation=`.*?\n(?=[^|])", re.DOTALL | re.MULTILINE)


class Outcome(NamedTuple):
    """What all conversations came to: a share of 0 to 1, USD, and the median in ms."""

    cached: float
    usd: float
    ttft_ms: float


def measure(strategy: str, *, kept: bool, pace: float = 1.0, seed: int = 1) -> Outcome:
    """What it comes to under a strategy, with conversations that are kept together or without.

    Args:
        strategy: What the gateway optimizes.
        kept: Whether the client knows which turns are of one conversation.
        pace: How slow providers are, as a multiple of `PACES`.
        seed: Of the texts, and of the gateway's choices.
    """
    chance = random.Random(seed)  # noqa: S311 - makes texts
    engines = [
        Paced(ScriptedEngine(words(chance, ANSWER_WORDS)), name=name, **_seconds(times, pace))
        for name, times in PACES.items()
    ]
    faults = [f"down={DOWN};provider={name}" for name in PACES]
    catalog: dict[str, Any] = {"providers": {name: {"engine": name} for name in PACES}}
    talks: list[list[dict[str, Any]]] = [
        [{"role": "system", "content": words(chance, DOCUMENT_WORDS)}] for _ in range(CONVERSATIONS)
    ]
    replies: list[Any] = []
    with (
        Sandbox(engines=engines, catalog=catalog, load_balance=LOAD_BALANCE, faults=faults, seed=seed) as sandbox,
        Client(base_url=sandbox.base_url, api_key=sandbox.api_key) as client,
    ):
        for _, (number, messages) in product(range(TURNS), enumerate(talks)):
            messages.append({"role": "user", "content": words(chance, QUESTION_WORDS)})
            reply = client.chat.completions.create(
                models=MODELS,
                messages=messages,
                routing={"optimize": strategy},
                conversation=f"talk-{number}" if kept else None,
            )
            messages.append({"role": "assistant", "content": reply.choices[0].message.content})
            replies.append(reply)
    return Outcome(
        sum(each.usage.prompt_tokens_details.cached_tokens for each in replies)
        / sum(each.usage.prompt_tokens for each in replies),
        sum(each.routing_metadata.cost.usd for each in replies),
        statistics.median(each.routing_metadata.ttft_ms for each in replies),
    )


def words(chance: random.Random, count: int) -> str:
    """So many words, which nobody has said before."""
    return " ".join("".join(chance.choices(ascii_lowercase, k=5)) for _ in range(count))


def _seconds(times: tuple[float, float, float], pace: float) -> dict[str, float]:
    return {name: seconds * pace for name, seconds in zip(("first", "each", "prefill"), times, strict=True)}


def table(found: Mapping[tuple[str, bool], Outcome]) -> str:
    """The outcomes by strategy and whether conversations were kept together, as Markdown."""
    lines = ["| Strategy | `conversation=` | From caches | Cost | First token |", "|---|---|---:|---:|---:|"]
    for (strategy, kept), each in found.items():
        figures = f"{each.cached:.0%} | ${each.usd:.2f} | {each.ttft_ms:.0f} ms"
        lines.append(f"| `{strategy}` | {'with' if kept else 'without'} | {figures} |")
    return "\n".join(lines)


def outcomes() -> dict[tuple[str, bool], Outcome]:
    """What it comes to, by strategy and whether conversations are kept together."""
    keys = list(product(STRATEGIES, (False, True)))
    with ThreadPoolExecutor(len(keys)) as threads:  # they wait more than they work
        under_way = {(strategy, kept): threads.submit(measure, strategy, kept=kept) for strategy, kept in keys}
        return {key: each.result() for key, each in under_way.items()}


def main() -> None:
    """Prints the table, or writes it into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="renew the table of docs/routing.md")
    writes = parser.parse_args().write
    found = table(outcomes())
    if writes:
        PAGE.write_text(TABLE.sub(lambda _: found + "\n", PAGE.read_text("utf-8"), count=1), "utf-8")
    else:
        print(found)


if __name__ == "__main__":
    main()
