"""Whether and after how long a call is made again: tables, with time and chance passed in."""

import math
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from auriko._rules.retry import retry_delay
from auriko.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AurikoAPIError,
    BudgetExceededError,
    RateLimitError,
    StreamInterruptedError,
)
from auriko.response_headers import ResponseHeaders, parse_retry_after

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=timezone.utc)
HTTP_DATE = "Sun, 22 Nov 2026 12:00:{:02d} GMT"


@pytest.fixture
def _far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def delay(error: AurikoAPIError, retries_done: int = 0, chance: float = 0.5) -> float | None:
    return retry_delay(error, retries_done, chance=chance, now=NOW.timestamp())


def limited(retry_after: str) -> RateLimitError:
    return RateLimitError("slow down", status_code=429, response_headers=ResponseHeaders({"Retry-After": retry_after}))


@pytest.mark.parametrize(
    ("retries_done", "expected"),
    [
        (0, 0.5),
        (1, 0.75),
        (2, 1.125),
        (3, 1.6875),
        (9, 19.221_679_687_5),
        (10, 28.832_519_531_25),
        (11, 30),
        (10**6, 30),
    ],
)
def test_backoff_grows_by_half_up_to_30_seconds(retries_done: int, expected: float) -> None:
    assert delay(APIConnectionError(), retries_done) == pytest.approx(expected)


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.8), (0.25, 0.9), (0.5, 1.0), (0.999_999, 1.2)])
def test_jitter_is_a_fifth_either_way(chance: float, factor: float) -> None:
    assert delay(APIConnectionError(), 0, chance) == pytest.approx(0.5 * factor, abs=1e-6)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        (" 3 ", 3.0),
        ("1e1", 10.0),
        ("60", 60.0),
        ("61", 61.0),
        ("1e9", 1e9),
        (HTTP_DATE.format(30), 30.0),
        ("Sunday, 22-Nov-26 12:00:30 GMT", 30.0),
        ("Sun Nov 22 12:00:30 2026", 30.0),
        ("Sun, 22 Nov 2026 12:00:30 -0000", 30.0),
        ("Sun, 22 Nov 2026 13:00:30 +0100", 30.0),
        (HTTP_DATE.format(0), None),
        ("Sat, 21 Nov 2026 12:00:00 GMT", None),
        ("Sun, 31 Feb 2027 12:00:00 GMT", None),
        ("Sun, 22 Nov 99999 12:00:00 GMT", None),
        ("Sun, 22 Nov", None),
        ("0", None),
        ("-0", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("1e999", None),
        ("", None),
        (" ", None),
        ("soon", None),
        ("5, 7", None),
        ("5s", None),
        (None, None),
    ],
)
@pytest.mark.usefixtures("_far_from_greenwich")
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW.timestamp()) == seconds


def test_retry_after_as_a_date_is_waited_for() -> None:
    assert delay(limited(format_datetime(NOW + timedelta(seconds=20), usegmt=True))) == 20.0


@pytest.mark.parametrize(
    ("value", "expected"), [("2", 2.0), ("60", 60.0), ("0.1", 0.5), ("60.1", None), ("3600", None), ("1e9", None)]
)
def test_retry_after_is_the_least_wait_and_above_a_minute_ends_the_call(value: str, expected: float | None) -> None:
    error = limited(value)
    assert delay(error) == expected
    assert error.retry_after_seconds == float(value)


@pytest.mark.parametrize("value", ["nan", "-5", "0", "inf", "", "Sat, 21 Nov 2026 12:00:00 GMT", "tomorrow"])
def test_unusable_retry_after_means_backoff(value: str) -> None:
    assert delay(limited(value)) == 0.5


RETRIED_STATUSES = {408, 429, 500, 502, 503, 504, 529}


def test_without_an_envelope_the_status_decides() -> None:
    statuses = range(400, 600)
    assert {s for s in statuses if delay(APIStatusError("x", status_code=s)) is not None} == RETRIED_STATUSES


@pytest.mark.parametrize(
    ("type_", "code", "status", "retried"),
    [
        ("rate_limit_error", "rate_limit_exceeded", 429, True),
        ("rate_limit_error", None, 429, True),
        ("rate_limit_error", "a_code_of_next_year", 429, True),
        ("rate_limit_error", "budget_exhausted", 429, False),
        ("rate_limit_error", "insufficient_quota", 429, False),
        ("api_error", "upstream_error", 502, True),
        ("api_error", "client_disconnected", 0, True),
        ("api_error", "a_code_of_next_year", 418, True),
        ("api_error", "internal_error", 500, False),
        ("invalid_request_error", None, 503, False),
        ("authentication_error", None, 503, False),
        ("permission_error", None, 503, False),
        ("not_found_error", None, 503, False),
        ("insufficient_quota", "insufficient_quota", 429, False),
        ("overloaded_error", None, 529, True),
        ("overloaded_error", None, 400, False),
        (None, "internal_error", 500, False),
        (None, None, 0, False),
    ],
)
def test_with_an_envelope_its_type_and_code_decide(
    type_: str | None, code: str | None, status: int, retried: bool
) -> None:
    error = APIStatusError("x", status_code=status, type=type_, code=code)
    assert (delay(error) is not None) == error.is_retryable == retried


@pytest.mark.parametrize(("said", "retried"), [("true", True), ("TRUE", True), (" false ", False), ("False", False)])
def test_the_servers_opinion_wins(said: str, retried: bool) -> None:
    headers = ResponseHeaders({"X-Error-Retryable": said})
    errors = [
        APIStatusError("x", status_code=status, type=type_, response_headers=headers)
        for status in (400, 401, 409, 429, 503)
        for type_ in ("invalid_request_error", "api_error", None)
    ]
    assert not [error for error in errors if (delay(error) is not None) != retried]


def test_an_opinion_that_is_none_is_no_opinion() -> None:
    headers = ResponseHeaders({"X-Error-Retryable": "maybe"})
    assert delay(APIStatusError("x", status_code=409, response_headers=headers)) is None
    assert delay(APIStatusError("x", status_code=503, response_headers=headers)) is not None


@pytest.mark.parametrize(
    ("error", "retried"),
    [
        (APIConnectionError(), True),
        (APITimeoutError(), True),
        (APIConnectionError(retryable=False), False),
        (StreamInterruptedError(), False),
        (StreamInterruptedError(retryable=True), True),
        (APIResponseValidationError("x", status_code=200), False),
        (BudgetExceededError("x", limit_usd=1, spent_usd=1), False),
        (AurikoAPIError("x", status_code=503), False),
    ],
)
def test_failures_without_a_status(error: AurikoAPIError, retried: bool) -> None:
    assert (delay(error) is not None) == retried


def test_no_delay_is_ever_negative_or_endless() -> None:
    for retries_done in range(200):
        for chance in (0.0, 0.5, 0.999_999):
            seconds = delay(APIConnectionError(), retries_done, chance)
            assert seconds is not None
            assert 0.4 <= seconds <= 36
            assert math.isfinite(seconds)
