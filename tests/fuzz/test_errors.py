"""Broken error replies and headers: always the class of the status, and fields that can be used."""

from __future__ import annotations

import copy
import json
import pickle
import random
from datetime import datetime, timezone
from email.utils import format_datetime

import httpx
import pytest

from auriko import APIStatusError, Client, ResponseHeaders
from auriko._rules.retry import retry_delay
from auriko.errors._mapping import error_from_event, error_from_parsed, error_from_reply
from auriko.response_headers import parse_retry_after
from tests.support.amounts import amount
from tests.support.mutate import mutated
from tests.support.replies import envelope

# ruff: noqa: S301 - the pickles are made right here

pytestmark = pytest.mark.no_cover  # so many trials, of what other tests reach too
STATUSES = [300, 301, 307, 400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529, 599]
SHAPES = [
    envelope("rate_limit_error", "rate_limit_exceeded", provider="p", suggestion="s", doc_url="d"),
    {"type": "error", "error": {"type": "overloaded_error", "message": "m"}},
    {"error": "text"},
    {"detail": [{"loc": ["body", "model"], "msg": "m"}]},
    {"message": "m", "code": "c", "type": "t"},
]


@pytest.mark.parametrize("seed", range(2))
def test_mutated_envelopes(seed: int) -> None:
    chance = random.Random(seed)
    for number in range(amount(2_500)):
        status = chance.choice(STATUSES)
        body = mutated(chance.choice(SHAPES), chance)
        error = error_from_reply(status, ResponseHeaders({}), body)
        assert type(error) is type(error_from_parsed(status, None, None)), "the status alone decides"
        assert error.status_code == status
        assert error.message
        assert len(error.message) < 4_200
        for name in ("type", "code", "param", "provider", "suggestion", "doc_url"):
            value = getattr(error, name)
            assert value is None or (isinstance(value, str) and value)
        shown = f"{error} {error!r}"
        assert all(c.isprintable() or c == "\n" for c in shown), shown
        assert isinstance(error.is_retryable, bool)
        if number % 10 == 0:
            assert str(pickle.loads(pickle.dumps(error))) == str(error)
            assert str(copy.deepcopy(error)) == str(error)
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):
            continue
        assert isinstance(error_from_event(parsed, None), APIStatusError)


def random_value(chance: random.Random) -> str:
    kind = chance.randrange(7)
    if kind == 0:
        return str(
            chance.choice([0, 1, 59, 60, 61, -5, 1.5, 1e9, 1e999, float("nan"), "1e3", "0x1", "1_0", "٣", " 7 "])
        )
    if kind == 1:
        when = datetime.fromtimestamp(chance.randrange(-(2**33), 2**37), timezone.utc)
        return format_datetime(when, usegmt=True)
    if kind == 2:
        good = list("Sun, 22 Nov 2026 12:00:30 GMT")
        good[chance.randrange(len(good))] = chr(chance.randrange(32, 127))
        return "".join(good)
    if kind == 3:
        return "".join(chr(chance.randrange(32, 127)) for _ in range(chance.randrange(40)))
    if kind == 4:
        return "9" * chance.choice([3, 30, 400, 6_000])
    if kind == 5:
        return "".join(chr(chance.choice([9, 0x80, 0xFF, 0xE9, 0x22, 0x2C])) for _ in range(9))
    return chance.choice(["true", "false", "TRUE", "", "null"])


NAMES = [
    "retry-after",
    "x-error-retryable",
    "x-request-id",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
]
NAMES += [
    "x-ratelimit-reset-requests",
    "x-credits-balance-microdollars",
    "x-budget-daily-limit",
    "x-rate-limit-source",
    "x-other",
]


def test_random_headers() -> None:
    chance = random.Random(3)
    now = datetime(2026, 11, 22, 12, tzinfo=timezone.utc).timestamp()
    for _ in range(amount(5_000)):
        pairs = [(chance.choice(NAMES), random_value(chance)) for _ in range(chance.randrange(6))]
        headers = ResponseHeaders(pairs)
        seconds = parse_retry_after(headers.get("retry-after"), now)
        assert seconds is None or 0 < seconds < float("inf")
        for count in (headers.rate_limit_limit, headers.rate_limit_remaining, headers.credits_balance_microdollars):
            assert count is None or isinstance(count, int)
        assert headers.retryable in (True, False, None)
        assert headers.request_id is None or isinstance(headers.request_id, str)
        error = error_from_reply(chance.choice(STATUSES), headers, b"")
        delay = retry_delay(error, chance.randrange(5), chance=chance.random(), now=now)
        assert delay is None or 0.4 <= delay <= 60
        assert str(error)


def test_random_headers_over_the_wire() -> None:
    chance = random.Random(4)
    pairs: list[tuple[bytes, bytes]] = []
    status = 0

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers=pairs, content=b"{}")

    client = Client(api_key="k", http_client=httpx.Client(transport=httpx.MockTransport(answer)), max_retries=0)
    for _ in range(amount(500)):
        pairs = [(chance.choice(NAMES).encode(), random_value(chance).encode("utf-8")) for _ in range(4)]
        status = chance.choice(STATUSES)
        with pytest.raises(APIStatusError) as caught:
            client.models.list()
        assert caught.value.status_code == status
