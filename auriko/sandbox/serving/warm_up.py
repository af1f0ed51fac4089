"""First measurements: a few real runs of an engine, before anybody has called."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

from auriko.sandbox.catalog.model import Catalog
from auriko.sandbox.engines.base import Engine, EngineError, Finish, Prompt
from auriko.sandbox.router.speed import Sample
from auriko.sandbox.serving.engine_pool import events_of
from auriko.sandbox.serving.measurements import Measurements
from auriko.sandbox.serving.runtime import Progress

_SLOW_MS = 8.0  # from here on, two runs of each length are enough
_FEWEST_RUNS = 2
_VERY_SLOW_MS = 250.0  # and from here on, one run of one length

_CONTEXT = """\
A gateway stands between programs and the providers of language models. It keeps one key for all of them.
Every request is scored by price, by the time to the first token and by the number of tokens a second.
The price of a request is the number of tokens that go in and come out, times what the provider asks for a million.
The time to the first token is what a person waits for; the number of tokens a second decides when a text is done.
A prompt that begins as an earlier one did costs less, since providers keep what they have read for some minutes.
When a provider fails, the next one in the order is tried, unless the caller has forbidden it.
Budgets are counted by the day, the week and the month. A spent budget ends every request until its next period.
The default timeout of a call is 60 seconds, and it is tried three times at most.
"""
_CONTEXTS = (
    "",
    "Context: The default timeout of a call is 60 seconds, and it is tried three times at most.\nQuestion: ",
    f"Context:\n{_CONTEXT}\nQuestion: ",
    f"Context:\n{_CONTEXT * 4}\nQuestion: ",
)
_QUESTIONS = (  # all different, as what an engine remembers of one would make the next too quick
    "What is the default timeout of a call?",
    "When is the next provider tried if one fails?",
    "By which three things is a request scored?",
    "Why does a prompt cost less that begins as an earlier one?",
    "How long does a spent budget end every request?",
    "What stands between programs and the providers of language models?",
)


def measure(engine: Engine, catalog: Catalog, measurements: Measurements, ending: threading.Event) -> None:
    """Run the engine some times, and note the figures for every provider that it answers for.

    Blocks until that is done, or until `ending` is set. A failing engine leaves its providers unmeasured.
    """
    served = {
        (offer.provider.id, tier.name)
        for model in catalog
        for offer in model.offers
        for tier in offer.tiers
        if offer.engine(tier) == engine.name
    }
    with suppress(EngineError):
        warm = getattr(engine, "warm", None)
        if warm is not None:
            warm()
        for sample in _samples(engine, ending):
            for provider, tier in served:
                measurements.add(provider, tier, sample)


def _samples(engine: Engine, ending: threading.Event) -> Iterator[Sample]:
    """Measured runs, the fewer the slower the engine is."""
    for context in _CONTEXTS:
        quickest = math.inf  # one run may be slow because of something else on the machine
        for number, question in enumerate(_QUESTIONS, start=1):
            sample = _sample(engine, context + question, ending)
            if sample is None:
                return
            if number == 1 and sample.ttft_ms <= _SLOW_MS:
                continue  # the first run fills what the engines keep in common, for all that come after it
            yield sample
            quickest = min(quickest, sample.ttft_ms)
            if quickest > _VERY_SLOW_MS:
                return
            if quickest > _SLOW_MS and number >= _FEWEST_RUNS:
                break


def _sample(engine: Engine, content: str, ending: threading.Event) -> Sample | None:
    """One measured run, or None if it was broken off."""
    prompt = Prompt(messages=({"role": "user", "content": content},), max_tokens=64)
    progress, finish = Progress(), Finish("stop")
    with closing(events_of(engine, prompt)) as events:
        for event in events:
            progress.saw(time.perf_counter())
            if ending.is_set():
                return None
            if isinstance(event, Finish):
                finish = event
    ttft_ms, throughput_tps = progress.speed(finish.completion_tokens)
    return Sample(ttft_ms, throughput_tps, finish.prompt_tokens, finish.completion_tokens)
