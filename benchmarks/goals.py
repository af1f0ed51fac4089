"""How fast the project means to be: each goal names a figure, a bound, and whom the figure is divided by."""

from __future__ import annotations

from typing import NamedTuple

from roster import (
    AURIKO_1,
    AURIKO_1_LANGCHAIN,
    BASIS,
    FLOOR,
    LANGCHAIN,
    LITELLM,
    LLAMAINDEX,
    OPENAI,
    OPENAI_AIOHTTP,
    OURS,
    OURS_FAST,
    OURS_LANGCHAIN,
    OURS_LANGCHAIN_FAST,
    OURS_LLAMAINDEX,
    OURS_LLAMAINDEX_FAST,
)

Results = dict[str, dict[str, float]]


class Goal(NamedTuple):
    """One bound.

    Args:
        measure: The figure, by its name in the results.
        bound: The most that it may be; the least, where `least` says so.
        against: Whose figure it is divided by; a figure by itself is in the unit that its name says.
        subject: Whose figure it is.
        least: Whether more is better.
        hoped: Whether it is hoped for, rather than asked for.
    """

    measure: str
    bound: float
    against: str | None = None
    subject: str = OURS
    least: bool = False
    hoped: bool = False

    def found(self, results: Results) -> float | None:
        """What was measured of it; None where it was not."""
        figure = results.get(self.subject, {}).get(self.measure)
        if figure is None or self.against is None:
            return figure
        other = results.get(self.against, {}).get(self.measure)
        return figure / other if other else None

    def met(self, found: float) -> bool:
        """Whether this is good enough."""
        return found >= self.bound if self.least else found <= self.bound


def _ratios(measure: str, subject: str, **bounds: float) -> list[Goal]:
    against = {
        "raw": FLOOR,
        "auriko": AURIKO_1,
        "openai": OPENAI,
        "openai_aiohttp": OPENAI_AIOHTTP,
        "litellm": LITELLM,
        "chatopenai": LANGCHAIN,
        "auriko_langchain": AURIKO_1_LANGCHAIN,
        "llamaindex": LLAMAINDEX,
    }
    return [Goal(measure, bound, against[name], subject) for name, bound in bounds.items()]


def _langchain(measure: str, bound: float) -> list[Goal]:
    return _ratios(measure, OURS_LANGCHAIN, chatopenai=bound, auriko_langchain=bound)


GOALS: list[Goal] = [
    Goal("import: CPU ms", 170),
    Goal("import: CPU ms", 1.4, BASIS),
    *_ratios("import: CPU ms", OURS, auriko=0.65, openai=0.35),
    Goal("import: MB", 36),
    Goal("import: foreign packages", 0),
    Goal("TLS contexts", 1),
    Goal("later clients", 0.1),
    *_ratios("later clients", OURS, auriko=1 / 200, openai=1 / 200),
    *_ratios("call", OURS, raw=0.70, auriko=0.55, openai=0.28, litellm=0.12),
    Goal("instructions: call", 1.6e6),
    *_ratios("async call", OURS, raw=0.72, auriko=0.62, openai=0.38, openai_aiohttp=0.5),
    Goal("instructions: async call", 2.5e6),
    *_ratios("16 threads", OURS, raw=0.70, openai=0.30),
    *_ratios("asyncio 100", OURS, raw=0.45, auriko=0.45, openai=0.36, openai_aiohttp=0.55),
    Goal("1000 in flight", 1.4),
    *_ratios("1000 in flight", OURS, raw=0.16, auriko=0.55, openai=0.36, openai_aiohttp=0.85),
    Goal("1000 in flight: MB", 35),
    Goal("1000 in flight: at once", 1000, least=True),
    *_ratios("stream", OURS, raw=1.0, auriko=0.70, openai=0.13, litellm=0.03),
    Goal("instructions: chunk", 120e3),
    Goal("stream", 0.75, FLOOR, hoped=True),
    *_ratios("async stream", OURS, raw=1.0, auriko=0.70, openai=0.16, litellm=0.06),
    Goal("instructions: async chunk", 137e3),
    Goal("async stream", 0.75, FLOOR, hoped=True),
    *_ratios("paced stream", OURS, raw=1.0, openai=0.45),
    *_ratios("async paced stream", OURS, raw=1.0, openai=0.65),
    *_ratios("first chunk", OURS, raw=0.75, openai=0.35),
    Goal("50000 chunks: MB", 1),
    *_ratios("1 MB message", OURS, raw=0.40, auriko=0.40, openai=0.40),
    *_ratios("1000 messages", OURS, raw=0.35, auriko=0.30, openai=0.015),
    *_ratios("200 tools", OURS, raw=0.45, auriko=0.40, openai=0.06),
    *_ratios("10 MB image", OURS, raw=0.40, auriko=0.45, openai=0.45),
    *_langchain("call", 0.36),
    *_langchain("async call", 0.45),
    *_langchain("batch", 0.38),
    *_langchain("abatch", 0.60),
    *_langchain("stream", 0.22),
    *_langchain("async stream", 0.23),
    *_langchain("1000 messages", 0.015),
    *_langchain("50000 chunks: MB", 0.8),
    *_ratios("call", OURS_LLAMAINDEX, llamaindex=0.33),
    *_ratios("async call", OURS_LLAMAINDEX, llamaindex=0.42),
    *_ratios("stream", OURS_LLAMAINDEX, llamaindex=0.25),
    *_ratios("async stream", OURS_LLAMAINDEX, llamaindex=0.26),
    Goal("50000 chunks: MB", 4, subject=OURS_LLAMAINDEX),
    *_ratios("call", OURS_FAST, raw=0.42),
    *_ratios("async call", OURS_FAST, raw=0.40),
    *_ratios("asyncio 100", OURS_FAST, raw=0.09),
    *_ratios("stream", OURS_FAST, raw=0.45),
    *_ratios("async stream", OURS_FAST, raw=0.45),
    *_ratios("paced stream", OURS_FAST, raw=0.45),
    *_ratios("async paced stream", OURS_FAST, raw=0.45),
    *_ratios("1000 in flight", OURS_FAST, raw=0.05),
    Goal("1000 in flight: MB", 15, subject=OURS_FAST),
    *_ratios("first chunk", OURS_FAST, raw=0.6),
    *_ratios("call", OURS_LANGCHAIN_FAST, chatopenai=0.30),
    *_ratios("async call", OURS_LANGCHAIN_FAST, chatopenai=0.30),
    *_ratios("call", OURS_LLAMAINDEX_FAST, llamaindex=0.28),
    *_ratios("async call", OURS_LLAMAINDEX_FAST, llamaindex=0.28),
]
