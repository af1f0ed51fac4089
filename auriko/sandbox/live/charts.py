"""Charts as numbers: lengths of bars, and what happened over time, for the templates to draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

COLOURS = 12  # of the style
_LOGARITHMIC_FROM = 50.0  # times the smallest
WIDTH, HEIGHT = 600, 64


class Bar(NamedTuple):
    """One bar; `share` is its length from 0 to 1, `series` the number of its colour."""

    name: str
    amount: float
    share: float
    series: int


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars, the longest first or last, and whether their lengths are logarithms."""

    bars: Sequence[Bar]
    logarithmic: bool


def bars_of(amounts: Mapping[str, float | None], *, colours: Sequence[str] = (), shortest_first: bool = False) -> Bars:
    """A bar for each amount that is more than nothing.

    Args:
        amounts: By name.
        colours: The names in the order of their colours, where they have them for good.
        shortest_first: Whether the shortest comes first.
    """
    order = {name: number for number, name in enumerate(colours or amounts)}
    known = {name: amount for name, amount in amounts.items() if amount}
    low, high = min(known.values(), default=1.0), max(known.values(), default=1.0)
    logarithmic = high / low >= _LOGARITHMIC_FROM

    def share(amount: float) -> float:
        if not logarithmic:
            return amount / high
        return 0.08 + 0.92 * math.log(amount / low) / math.log(high / low)

    bars = [Bar(name, known[name], share(known[name]), order.get(name, 0) % COLOURS) for name in known]
    return Bars(sorted(bars, key=lambda bar: bar.amount, reverse=not shortest_first), logarithmic)


class Slot(NamedTuple):
    """What happened in one stretch of time."""

    calls: int
    errors: int
    usd: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened over time, the latest at the right.

    Attributes:
        slots: One for each stretch, oldest first.
        began: The beginning in words.
        each: The length of a stretch in words.
    """

    slots: Sequence[Slot]
    began: str
    each: str

    @property
    def most_calls(self) -> int:
        """The most calls of a stretch."""
        return max((slot.calls for slot in self.slots), default=0)

    @property
    def most_usd(self) -> float:
        """The most that was spent in a stretch."""
        return max((slot.usd for slot in self.slots), default=0.0)

    @property
    def columns(self) -> list[tuple[float, float, float, float]]:
        """For each stretch with calls: where it begins, its width, and the heights of its calls and its errors."""
        width, most = WIDTH / max(len(self.slots), 1), max(self.most_calls, 1)
        return [
            (number * width, max(width - 1, 0.8), HEIGHT * slot.calls / most, HEIGHT * slot.errors / most)
            for number, slot in enumerate(self.slots)
            if slot.calls
        ]

    @property
    def cost_line(self) -> str:
        """The points of a line of what was spent."""
        width, most = WIDTH / max(len(self.slots), 1), self.most_usd or 1.0
        return " ".join(
            f"{(number + 0.5) * width:.1f},{HEIGHT - (HEIGHT - 2) * slot.usd / most:.1f}"
            for number, slot in enumerate(self.slots)
        )


def timeline(
    events: Iterable[tuple[float, int, int, float]], *, now: float, seconds: float, slots: int, began: str, each: str
) -> Timeline:
    """The timeline of events: when, how many calls, how many of them failed, and what they cost."""
    sums = [[0, 0, 0.0] for _ in range(slots)]
    for at, calls, failed, usd in events:
        number = slots - 1 - int((now - at) / seconds * slots)
        if 0 <= number < slots:
            slot = sums[number]
            slot[0] += calls
            slot[1] += failed
            slot[2] += usd
    return Timeline([Slot(int(calls), int(errors), usd) for calls, errors, usd in sums], began, each)


def sparks(series: Mapping[str, Sequence[float]]) -> dict[str, str]:
    """Lines that are 100 wide and 24 high, on one logarithmic scale, so that they can be compared."""
    logs = {name: [math.log10(max(value, 0.1)) for value in values] for name, values in series.items()}
    every = [value for values in logs.values() for value in values]
    low, span = min(every, default=0.0), max(max(every, default=0.0) - min(every, default=0.0), 0.5)
    return {
        name: " ".join(
            f"{number * 100 / max(len(values) - 1, 1):.1f},{22 - 20 * (value - low) / span:.1f}"
            for number, value in enumerate(values)
        )
        for name, values in logs.items()
    }
