"""The headers of a reply and the gateway's own ones among them."""

import time
from typing import Any

import pytest

from auriko import ResponseHeaders

ALL = {
    "X-Request-ID": "req_1",
    "Retry-After": "7",
    "X-Rate-Limit-Source": "upstream",
    "X-RateLimit-Limit-Requests": "60",
    "X-RateLimit-Remaining-Requests": "59",
    "X-RateLimit-Reset-Requests": "2026-11-22T12:00:00Z",
    "X-Credits-Balance-Microdollars": "1500000",
    "X-Budget-Daily-Limit": "5.00",
    "X-Budget-Daily-Spend": "4.50",
    "X-Error-Retryable": "true",
    "X-Token-Count-Model": "claude-sonnet-4-6",
}


def test_the_gateways_headers() -> None:
    headers = ResponseHeaders(ALL)
    assert headers.request_id == "req_1"
    assert headers.retry_after_seconds == 7.0
    assert headers.rate_limit_source == "upstream"
    assert (headers.rate_limit_limit, headers.rate_limit_remaining) == (60, 59)
    assert headers.rate_limit_reset == "2026-11-22T12:00:00Z"
    assert headers.credits_balance_microdollars == 1_500_000
    assert headers.budget == {"daily-limit": "5.00", "daily-spend": "4.50"}
    assert headers.retryable is True
    assert headers.token_count_model == "claude-sonnet-4-6"


def test_headers_that_are_missing() -> None:
    headers = ResponseHeaders({})
    names = [name for name, value in vars(ResponseHeaders).items() if isinstance(value, property)]
    assert len(names) == 10
    assert {name: getattr(headers, name) for name in names} == {**dict.fromkeys(names), "budget": {}}


@pytest.mark.parametrize("value", ["", "x", "1.5", "9" * 5000, "1e3", "1,000"])
def test_numbers_that_are_none(value: str) -> None:
    headers = ResponseHeaders({"X-RateLimit-Limit-Requests": value, "Retry-After": "x"})
    assert headers.rate_limit_limit is None
    assert headers.retry_after_seconds is None


@pytest.mark.parametrize(
    ("value", "said"), [("false", False), ("TRUE", True), (" true ", True), ("1", None), ("", None)]
)
def test_opinion_on_retries(value: str, said: bool | None) -> None:
    assert ResponseHeaders({"X-Error-Retryable": value}).retryable is said


def test_names_are_matched_without_regard_to_case() -> None:
    headers = ResponseHeaders([("X-Request-ID", "req_1"), ("Via", "a"), ("VIA", "b")])
    assert headers["x-REQUEST-id"] == headers.get("X-Request-Id") == "req_1"
    assert "x-request-id" in headers
    assert "other" not in headers
    assert headers.get("other") is None
    assert headers["via"] == "a, b", "repeated headers are joined"
    assert (list(headers), len(headers)) == (["x-request-id", "via"], 2)
    assert dict(headers) == headers == ResponseHeaders(dict(headers))
    with pytest.raises(KeyError):
        headers["other"]


def test_values_are_not_shown() -> None:
    assert repr(ResponseHeaders({"Set-Cookie": "secret", "Via": "a"})) == "ResponseHeaders(set-cookie, via)"


def test_date_is_seen_from_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 784_111_700.0)
    headers: Any = ResponseHeaders({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"})
    assert headers.retry_after_seconds == 77.0
