"""What a call will probably cost at most, before it is sent, and without asking anybody.

The prompt's tokens are counted offline; those of the answer are its limit, else the 95th percentile of what calls of
the model have answered here, else 1,024. Prices are those of the packaged directory, corrected by what calls of the
model were billed. What nobody knows costs as much as the last call, else as much as the dearest model.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from auriko._display.money import NANO, nano_of
from auriko._tokens import prompt_token_range
from auriko.spend._prices import dearest_offer
from auriko.spend._record import CallRecord

ANSWER_TOKENS: Final = 1024
_NANO_PER_TOKEN: Final = NANO / 1_000_000
_KEPT: Final = 64
_ONE_IN: Final = 8
_PERCENTILE: Final = 0.95
_BYTES_PER_TOKEN: Final = 3
_LIMITS: Final = {"max_completion_tokens", "max_tokens", "max_output_tokens"}


class Asked(NamedTuple):
    """A request, as far as its cost depends on it.

    Attributes:
        model: The model or models, as in `CallRecord.model_asked`.
        prompt_tokens: The tokens in, counted offline and rather too many.
        most_tokens: The most tokens out that were asked for, or None.
        answers: How many answers were asked for.
        reserve_usd: What the caller says that it will cost, or None.
    """

    model: str
    prompt_tokens: int
    most_tokens: int | None
    answers: int
    reserve_usd: float | None


def asked_of(
    model: str, request: Mapping[str, Any], body: bytes | None = None, reserve_usd: float | None = None
) -> Asked:
    """The facts of a request. A strange one is judged by the length of its body: to estimate never fails a call."""
    try:
        answers = request.get("n") or 1
        most = None
        if not _LIMITS.isdisjoint(request):
            most = max(request[name] for name in _LIMITS & request.keys()) * answers
        return Asked(model, _prompt_tokens(request), most, answers, reserve_usd)
    except Exception:  # noqa: BLE001 - whatever `extra_body` holds
        return Asked(model, len(body or b"") // _BYTES_PER_TOKEN, None, 1, reserve_usd)


def _prompt_tokens(request: Mapping[str, Any]) -> int:
    messages: Any = request.get("messages")
    if messages is None:  # the Responses API
        told: Any = request.get("input") or ()
        messages = [{"content": told}] if isinstance(told, str) else [_as_message(item) for item in told]
        messages.append({"content": request.get("instructions")})
    return prompt_token_range(messages, request.get("tools"), request.get("response_format") or request.get("text"))[1]


def _as_message(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """An item of `input` with its text where a message has it."""
    return item if "content" in item else {"content": item.get("output") or item.get("arguments")}


class _Bills:
    """What the latest calls of a model were billed.

    Attributes:
        told: How many there were; of many, one in eight is taken, to be out of the calls' way.
        factor: The 95th percentile of the bills, as multiples of what the directory's prices make of the calls.
        answer: That of the tokens out.
    """

    def __init__(self) -> None:
        self._factors = _Latest()
        self._answers = _Latest()
        self.told = 0
        self.factor = self.answer = 0.0

    def add(self, factor: float, answer: int) -> None:
        """Takes a bill in the place of the oldest."""
        self.factor, self.answer = self._factors.add(factor), self._answers.add(answer)


class _Latest:
    """The latest numbers, kept in their order as well, since to sort them takes as long as all else of an estimate."""

    def __init__(self) -> None:
        self._numbers: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, number: float) -> float:
        """Takes a number, in the place of the oldest, and comes back with the 95th percentile."""
        if len(self._numbers) == _KEPT:
            del self._sorted[bisect_left(self._sorted, self._numbers.popleft())]
        self._numbers.append(number)
        insort(self._sorted, number)
        return self._sorted[math.ceil(_PERCENTILE * len(self._sorted)) - 1]


class Experience:
    """What calls of each model were billed, under one limit."""

    def __init__(self, expected: int | None) -> None:
        self._expected = expected
        self._bills: dict[str, _Bills] = {}
        self._last: int | None = None

    # Of the class that whoever has a limit has at hand, since the module is imported with the first one.
    asked = staticmethod(asked_of)

    def note(self, asked: Asked, record: CallRecord) -> None:
        """Remembers what a call was billed, if that is known."""
        if record.usd is None:
            return
        bills = self._bills.get(asked.model)
        if bills is not None:
            bills.told += 1
            if bills.told > _KEPT and bills.told % _ONE_IN:
                return
        answer = record.completion_tokens if record.completion_tokens is not None else _assumed(asked)
        self._last = nano_of(record.usd)
        if bills is None:
            bills = self._bills[asked.model] = _Bills()
        bills.add(self._last / _by_directory(asked, answer), answer)

    def offer(self, asked: Asked, left: float, reserved: int) -> tuple[int, int | None]:
        """What a call needs, and what it may hold of what is left: None where there is no room for it.

        A call that nothing else is in flight with may also hold what is left, if calls of its model have so far cost no
        more than that, or if none of them has been billed: what is asked for at most is mostly not used, and a first
        call would otherwise never be made under a limit that is less than a guess.
        """
        most = self.most(asked)
        if most <= left:
            return most, most
        alone = not reserved and left > 0 and self.likely(asked) <= left
        return most, int(left) if alone else None

    def most(self, asked: Asked) -> int:
        """What a call will probably cost at most, in billionths of a dollar."""
        if asked.reserve_usd is not None:
            return nano_of(asked.reserve_usd)
        bills = self._bills.get(asked.model)
        if bills is not None:
            answer = asked.most_tokens if asked.most_tokens is not None else bills.answer
            return math.ceil(bills.factor * _by_directory(asked, answer))
        if self._expected is not None:
            return self._expected
        if self._last is not None and not dearest_offer(asked.model)[1]:
            return self._last
        return math.ceil(_by_directory(asked, _assumed(asked)))

    def likely(self, asked: Asked) -> int:
        """What it will cost at most by what calls of its model have answered here, whatever more it asks for.

        0 where none has been billed yet, so that there is nothing to judge by.
        """
        bills = self._bills.get(asked.model)
        if asked.reserve_usd is not None:
            return nano_of(asked.reserve_usd)
        if bills is None:
            return self._expected or 0
        seen = bills.answer
        answer = seen if asked.most_tokens is None else min(asked.most_tokens, seen)
        return math.ceil(bills.factor * _by_directory(asked, answer))


def _assumed(asked: Asked) -> int:
    return asked.most_tokens if asked.most_tokens is not None else ANSWER_TOKENS * asked.answers


def _by_directory(asked: Asked, answer: float) -> float:
    """What a call costs by the packaged prices, in billionths of a dollar; at least one, so that free models count."""
    offer, _ = dearest_offer(asked.model)
    return (asked.prompt_tokens * offer.tokens_in + answer * offer.tokens_out) * _NANO_PER_TOKEN or 1.0
