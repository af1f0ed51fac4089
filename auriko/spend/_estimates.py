"""What a call will probably cost at most, before it is sent, and without asking anybody.

The prompt's tokens are counted offline; those of the answer are its limit, else the 95th percentile of what calls of
the model have answered here, else 1,024. Prices are those of the packaged directory, corrected by what calls of the
model were billed. What nobody knows costs as much as the last call, else as much as the dearest model.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from auriko._money import NANO, nano_of
from auriko._tokens import prompt_token_range
from auriko.spend._prices import dearest_of_all, prices_of
from auriko.spend._record import CallRecord

ANSWER_TOKENS: Final = 1024
_KEPT: Final = 64
_PERCENTILE: Final = 0.95
_BYTES_PER_TOKEN: Final = 3
_LIMITS: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")


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


def asked_of(model: str, body: bytes | None, reserve_usd: float | None) -> Asked:
    """The facts of a request's body. A strange one is judged by its length: to estimate never fails a call."""
    try:
        request: Mapping[str, Any] = from_json(body or b"{}")
        tokens = _prompt_tokens(request)
        limits = [limit for name in _LIMITS if isinstance(limit := request.get(name), int)]
        answers = request.get("n") or 1
        most = max(limits) * answers if limits else None
        return Asked(model, tokens, most, answers, reserve_usd)
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


class _Bill(NamedTuple):
    """A call that was billed.

    Attributes:
        factor: What was billed, as a multiple of what the directory's prices make of the call.
        answer: The tokens out.
    """

    factor: float
    answer: int


class Estimate(NamedTuple):
    """What a call will cost, in billionths of a dollar.

    Attributes:
        most: At most, probably.
        likely: At most by what calls of the model have answered here, whatever more was asked for; None where none
            has been billed yet.
    """

    most: int
    likely: int | None


class Experience:
    """What calls of each model were billed, under one limit."""

    def __init__(self) -> None:
        self._bills: dict[str, deque[_Bill]] = {}
        self._last: int | None = None

    def note(self, asked: Asked, record: CallRecord) -> None:
        """Remembers what a call was billed, if that is known."""
        if record.usd is None:
            return
        answer = record.completion_tokens if record.completion_tokens is not None else _assumed(asked)
        self._last = nano_of(record.usd)
        bills = self._bills.setdefault(asked.model, deque(maxlen=_KEPT))
        bills.append(_Bill(self._last / _by_directory(asked, answer), answer))

    def estimate(self, asked: Asked) -> Estimate:
        """What a call will cost."""
        if asked.reserve_usd is not None:
            most = nano_of(asked.reserve_usd)
            return Estimate(most, most)
        bills = self._bills.get(asked.model)
        if bills:
            factor = _percentile([bill.factor for bill in bills])
            seen = _percentile([bill.answer for bill in bills])
            most = seen if asked.most_tokens is None else asked.most_tokens
            likely = math.ceil(factor * _by_directory(asked, min(most, seen)))
            return Estimate(max(math.ceil(factor * _by_directory(asked, most)), likely), likely)
        if self._last is not None and prices_of(tuple(asked.model.split(","))) is None:
            return Estimate(self._last, None)
        return Estimate(math.ceil(_by_directory(asked, _assumed(asked))), None)


def _assumed(asked: Asked) -> int:
    return asked.most_tokens if asked.most_tokens is not None else ANSWER_TOKENS * asked.answers


def _by_directory(asked: Asked, answer: float) -> float:
    """What a call costs by the packaged prices, in billionths of a dollar; at least one, so that free models count."""
    prices = prices_of(tuple(asked.model.split(","))) or dearest_of_all()
    return max((asked.prompt_tokens * prices.tokens_in + answer * prices.tokens_out) * (NANO / 1_000_000), 1.0)


def _percentile(values: Sequence[float]) -> Any:
    return sorted(values)[math.ceil(_PERCENTILE * len(values)) - 1]
