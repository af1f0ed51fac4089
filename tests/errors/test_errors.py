"""The exceptions: which class, what they say, what they know, and that they survive pickling."""

import copy
import json
import pickle
from typing import Any

import pytest

import auriko
from auriko import errors
from auriko.errors import (
    CODES,
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AurikoAPIError,
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamInterruptedError,
    is_retryable,
)
from auriko.errors._codes import HINTS
from auriko.errors._mapping import clean_text, error_from_event, error_from_reply
from auriko.response_headers import ResponseHeaders
from tests.support.replies import envelope

# ruff: noqa: S301 - the pickles are made right here

HEADERS = ResponseHeaders({"X-Request-ID": "req_1", "Retry-After": "7", "X-Budget-Exceeded-Period": "daily"})
BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: BadRequestError,
    422: BadRequestError,
    429: RateLimitError,
    500: InternalServerError,
}
BY_TYPE: dict[str, tuple[type[APIStatusError], int]] = {
    "invalid_request_error": (BadRequestError, 400),
    "authentication_error": (AuthenticationError, 401),
    "permission_error": (PermissionDeniedError, 403),
    "not_found_error": (NotFoundError, 404),
    "rate_limit_error": (RateLimitError, 429),
}


def from_reply(status: int, body: Any) -> APIStatusError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_reply(status, HEADERS, data)


@pytest.mark.parametrize("type_", ["invalid_request_error", "api_error", "something_new"])
def test_class_follows_the_status_of_a_reply(type_: str) -> None:
    statuses = [*range(300, 309), *range(400, 452), *range(500, 512), 529, 599, 999]
    found = [from_reply(status, envelope(type_, "a_code")) for status in statuses]
    assert [(type(error), error.status_code, error.type, error.code) for error in found] == [
        (BY_STATUS.get(status, APIStatusError), status, type_, "a_code") for status in statuses
    ]


@pytest.mark.parametrize("code", [None, "a_code_of_next_year", "upstream_timeout"])
def test_class_follows_the_type_inside_a_stream(code: str | None) -> None:
    found = {type_: error_from_event(envelope(type_, code), HEADERS) for type_ in BY_TYPE}
    assert {type_: (type(error), error.status_code) for type_, error in found.items()} == BY_TYPE


@pytest.mark.parametrize("type_", ["api_error", "something_new", None])
def test_where_the_type_is_silent_the_codes_status_decides(type_: str | None) -> None:
    events = {code: {"error": {"message": "m", "type": type_, "code": code}} for code in CODES}
    found = {code: error_from_event(event, HEADERS) for code, event in events.items()}
    assert {code: (type(error), error.status_code) for code, error in found.items()} == {
        code: (BY_STATUS.get(info.status, APIStatusError), info.status) for code, info in CODES.items()
    }


@pytest.mark.parametrize("code", ["a_code_of_next_year", None])
def test_unknown_code_and_type_inside_a_stream(code: str | None) -> None:
    error = error_from_event(envelope("something_new", code), HEADERS)
    assert (type(error), error.status_code, error.is_retryable) == (APIStatusError, 0, False)


def test_registry_has_the_63_codes() -> None:
    assert len(CODES) == 63
    assert {info.type for info in CODES.values()} == {*BY_TYPE, "api_error"}
    assert {code for code, info in CODES.items() if info.status == 0} == {
        "client_disconnected",
        "stream_duration_exceeded",
    }
    assert {code for code, info in CODES.items() if info.retryable} == {
        "rate_limit_exceeded",
        "no_provider_available",
        "upstream_error",
        "upstream_timeout",
        "client_disconnected",
        "stream_duration_exceeded",
        "model_unavailable",
        "service_unavailable",
    }
    assert {CODES[code].status for code in ("payload_too_large", "method_not_allowed", "model_not_found")} == {
        413,
        405,
        404,
    }


def test_a_codes_retry_rule_is_that_of_the_registry() -> None:
    none = ResponseHeaders({})
    bodies = {code: envelope(info.type, code) for code, info in CODES.items()}
    in_streams = {code: error_from_event(body, none) for code, body in bodies.items()}
    replies = {
        code: error_from_reply(CODES[code].status, none, json.dumps(body).encode())
        for code, body in bodies.items()
        if CODES[code].status
    }
    for found in (in_streams, replies):
        rules = {code: CODES[code].retryable for code in found}
        assert {code: error.is_retryable for code, error in found.items()} == rules
        assert {code: is_retryable(error) for code, error in found.items()} == rules


ENVELOPES: dict[str, tuple[Any, dict[str, Any]]] = {
    "the documented one": (
        envelope("not_found_error", "model_not_found", param="model", provider="x", suggestion="s", doc_url="d"),
        {
            "message": "It did not work.",
            "type": "not_found_error",
            "code": "model_not_found",
            "param": "model",
            "provider": "x",
            "suggestion": "s",
            "doc_url": "d",
        },
    ),
    "another vendor's": (
        {"type": "error", "error": {"type": "overloaded_error", "message": "m"}},
        {"message": "m", "type": "overloaded_error"},
    ),
    "without an envelope": ({"message": "m", "code": "c"}, {"message": "m", "code": "c"}),
    "a text": ({"error": "m"}, {"message": "m"}),
    "numbers as codes": ({"error": {"message": "m", "code": 429}}, {"message": "m", "code": None}),
    "wrong types": ({"error": {"message": ["m"], "type": {}, "param": 5}}, {"type": None, "param": None}),
    "empty texts": ({"error": {"message": "", "type": ""}}, {"type": None}),
    "null": ({"error": None}, {"type": None}),
    "an empty object": ({}, {"type": None}),
    "a list": ([], {"type": None}),
    "a number": (7, {"type": None}),
    "nothing": (b"", {"type": None, "body": None}),
    "HTML": (b"<h1>\x00</h1>", {"body": "<h1>\x00</h1>"}),
    "bad UTF-8": (b"\xff{", {"body": "\ufffd{"}),
    "nested deeply": (b'{"error":' * 100_000, {"type": None}),
    "nested as deeply as it can be read": (b"[" * 990 + b"]" * 990, {"type": None}),
    "a huge number": (b'{"error": {"message": ' + b"9" * 5000 + b"}}", {"type": None}),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_bodies_of_errors(name: str) -> None:
    body, fields = ENVELOPES[name]
    error = from_reply(404, body)
    assert type(error) is NotFoundError
    assert {field: getattr(error, field) for field in fields} == fields
    assert error.message
    if "message" not in fields:
        assert error.message.startswith("The server answered 404 without an error envelope")
        assert "\x00" not in str(error)
    assert (error.request_id, error.retry_after_seconds, error.budget) == ("req_1", 7.0, {"exceeded-period": "daily"})


def test_text_of_a_server_is_cut_and_escaped() -> None:
    assert clean_text("a\x00b\x1b[31mc\u202ed\ne") == "a\\x00b\\x1b[31mc\\u202ed\ne"
    assert clean_text("x" * 5000) == "x" * 4096 + "…"
    error = from_reply(400, {"error": {"message": "%s{0}\x1b[2J" + "x" * 10_000, "code": "c\x00"}})
    assert error.message.startswith("%s{0}\\x1b[2Jx")
    assert len(error.message) < 4200
    assert error.code == "c\\x00"
    assert "\x1b" not in f"{error} {error!r}"


def test_text_says_what_happened_and_what_to_do() -> None:
    error = from_reply(404, envelope("not_found_error", "model_not_found", param="model", provider="x"))
    error.attempts = 2
    assert str(error) == (
        "It did not work. (404, model_not_found, param model, provider x, request req_1, 2 attempts) "
        "client.models.list() names the models that this key can call."
    )
    assert repr(error) == (
        "NotFoundError('It did not work.', status_code=404, type='not_found_error', code='model_not_found', "
        "param='model', provider='x')"
    )


def test_the_gateways_suggestion_comes_before_ours() -> None:
    error = from_reply(404, envelope("not_found_error", "model_not_found", suggestion="Call GET /v1/models."))
    assert str(error).endswith("Call GET /v1/models.")
    assert "client.models" not in str(error)


def test_suggestion_that_the_message_has_already_is_not_repeated() -> None:
    error = AurikoAPIError("Do this.", suggestion="Do this.")
    assert str(error) == "Do this."


def test_hint_for_a_code_is_shown() -> None:
    assert HINTS.keys() <= CODES.keys()
    assert not [code for code, hint in HINTS.items() if hint not in str(APIStatusError("No.", code=code))]


def test_redirects_say_what_to_do() -> None:
    assert str(APIConnectionError()) == "The connection failed. (api_connection_error)"


EVERY_ERROR = [
    AurikoAPIError("m"),
    APIStatusError(
        "m", status_code=502, type="api_error", code="upstream_error", body={"a": 1}, response_headers=HEADERS
    ),
    *(cls("m", status_code=400, response_headers=HEADERS, attempts=3) for cls in dict.fromkeys(BY_STATUS.values())),
    APIConnectionError("m", retryable=False),
    APITimeoutError("m"),
    StreamInterruptedError("m", items_received=5, response_headers=HEADERS),
    APIResponseValidationError("m", status_code=200, body="x"),
    BudgetExceededError("m", limit_usd=1.5, spent_usd=2.0),
]
ROUND_TRIPS = [
    *(copy.copy, copy.deepcopy),
    *(lambda error, n=n: pickle.loads(pickle.dumps(error, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
]


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_errors_survive_copies_and_pickles(error: AurikoAPIError) -> None:
    for twin in (round_trip(error) for round_trip in ROUND_TRIPS):
        assert_same(twin, error)


def assert_same(twin: AurikoAPIError, error: AurikoAPIError) -> None:
    assert type(twin) is type(error)
    assert twin is not error
    assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
    assert {**vars(twin), "response_headers": None} == {**vars(error), "response_headers": None}
    assert twin.response_headers == error.response_headers
    assert (twin.request_id, twin.is_retryable) == (error.request_id, error.is_retryable)


def test_errors_of_a_users_own_class_survive_too() -> None:
    twin = pickle.loads(pickle.dumps(OwnError("m", 5)))
    assert (type(twin), twin.extra, str(twin)) == (OwnError, 5, "m")


class OwnError(RateLimitError):
    def __init__(self, message: str, extra: int) -> None:
        super().__init__(message)
        self.extra = extra


def test_tree() -> None:
    assert {error.__name__: error.__mro__[1].__name__ for error in map(type, EVERY_ERROR)} == {
        "AurikoAPIError": "Exception",
        "APIStatusError": "AurikoAPIError",
        **{cls.__name__: "APIStatusError" for cls in BY_STATUS.values()},
        "APIConnectionError": "AurikoAPIError",
        "APITimeoutError": "APIConnectionError",
        "StreamInterruptedError": "APIConnectionError",
        "APIResponseValidationError": "AurikoAPIError",
        "BudgetExceededError": "AurikoAPIError",
    }
    for error in EVERY_ERROR:
        assert type(error).__module__ == "auriko.errors"
        assert getattr(auriko, type(error).__name__) is getattr(errors, type(error).__name__) is type(error)
        assert type(error).__name__ in (errors.__doc__ or "")


def test_is_retryable_of_foreign_errors_is_false() -> None:
    assert not is_retryable(ValueError("x"))
    assert not is_retryable(KeyboardInterrupt())
    assert is_retryable(APITimeoutError())
