"""What errors say, and the openai package's errors as ours."""

import subprocess
import sys
from typing import Any

import httpx
import openai
import pytest

from auriko import Client, map_openai_error
from auriko.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AurikoAPIError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    map_error_from_code,
)
from auriko.response_headers import ResponseHeaders
from tests.support.acts import close, error, hang, reply, stream
from tests.support.clients import serving
from tests.support.fault_server import Act, serve
from tests.support.replies import chunk, envelope, events

REQUEST: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def raised_by(*acts: Act, **request: Any) -> APIStatusError:
    """What a call raises when the server does this."""
    with serving(*acts, max_retries=0) as (_, client), pytest.raises(APIStatusError) as raised:
        client.chat.completions.create(**{**REQUEST, **request})
    return raised.value


def test_an_error_says_what_happened_and_what_the_gateway_suggests() -> None:
    body = envelope(
        "not_found_error", "model_not_found", param="model", provider="openai", suggestion="Call GET /v1/models."
    )
    said = str(raised_by(reply(404, body, x_request_id="req_9")))
    assert said == (
        "It did not work. (404, model_not_found, param model, provider openai, request req_9) Call GET /v1/models."
    )


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("invalid_api_key", "AURIKO_API_KEY"),
        ("expired_api_key", "AURIKO_API_KEY"),
        ("insufficient_quota", "credits"),
        ("cost_constraint_exceeded", "max_cost_per_1m"),
        ("latency_constraint_exceeded", "max_ttft_ms"),
        ("throughput_constraint_not_met", "min_throughput_tps"),
        ("provider_not_in_allowlist", "gateway.routing.providers"),
        ("provider_blocked", "exclude_providers"),
        ("required_params_not_supported", "require_parameters"),
        ("byok_keys_required", "only_byok"),
        ("platform_keys_unavailable", "only_platform"),
        ("tier_opt_in_required", 'tier to "priority"'),
        ("no_compatible_endpoint", "client.models.candidates"),
        ("response_api_only", "client.responses.create"),
    ],
)
def test_without_a_suggestion_an_error_names_the_filter_or_variable(code: str, advice: str) -> None:
    assert advice in str(raised_by(error(400, "invalid_request_error", code)))


def test_a_client_without_a_key_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AURIKO_API_KEY", raising=False)
    with pytest.raises(AuthenticationError, match="set AURIKO_API_KEY or pass the api_key argument"):
        Client()


def test_the_budget_headers_are_on_the_error() -> None:
    headers = {"x_budget_exceeded": "true", "x_budget_exceeded_period": "daily", "x_budget_daily_limit": "5.00"}
    raised = raised_by(error(429, "rate_limit_error", "budget_exhausted", **headers))
    assert raised.budget == {"exceeded": "true", "exceeded-period": "daily", "daily-limit": "5.00"}
    assert not raised.is_retryable


def test_an_error_of_the_sandboxs_routing_leads_to_the_candidates(client: Client) -> None:
    gateway: Any = {"models": ["gpt-4o"], "routing": {"data_policy": "zdr", "providers": ["openai"]}}
    with pytest.raises(BadRequestError) as raised:
        client.chat.completions.create(messages=REQUEST["messages"], gateway=gateway)
    found = client.models.candidates(models="gpt-4o", routing=gateway["routing"])
    assert found.qualifying == []
    assert {reason.code for candidate in found.excluded for reason in candidate.reasons} >= {raised.value.code}


@pytest.mark.parametrize(
    ("code", "kind", "status", "type_"),
    [
        ("model_not_found", NotFoundError, 404, "not_found_error"),
        ("idempotency_conflict", ConflictError, 409, "invalid_request_error"),
        ("payload_too_large", BadRequestError, 413, "invalid_request_error"),
        ("internal_error", InternalServerError, 500, "api_error"),
        ("upstream_timeout", APIStatusError, 504, "api_error"),
        ("client_disconnected", APIStatusError, 0, "api_error"),
        ("brand_new_code", APIStatusError, 0, None),
    ],
)
def test_an_error_can_be_made_from_a_code(code: str, kind: type[Exception], status: int, type_: str | None) -> None:
    headers = ResponseHeaders({"x-request-id": "req_1"})
    made = map_error_from_code(
        code, "It broke.", param="p", doc_url="d", provider="v", suggestion="s", response_headers=headers
    )
    assert type(made) is kind
    assert (made.code, made.message, made.status_code, made.type) == (code, "It broke.", status, type_)
    assert (made.param, made.doc_url, made.provider, made.suggestion, made.request_id) == ("p", "d", "v", "s", "req_1")


def openai_error(*acts: Act, **request: Any) -> Exception:
    """What the openai package raises when the server does this."""
    settings: Any = {"api_key": "ak_x", "max_retries": 0, "timeout": 2.0}
    with serve(*acts) as server, openai.OpenAI(base_url=f"{server.url}/v1", **settings) as client:
        with pytest.raises(openai.OpenAIError) as raised:
            for _ in client.chat.completions.create(**{**REQUEST, "stream": True, **request}):
                pass
        return raised.value


@pytest.mark.parametrize(
    ("status", "type_", "code", "kind"),
    [
        (400, "invalid_request_error", "cost_constraint_exceeded", BadRequestError),
        (401, "authentication_error", "invalid_api_key", AuthenticationError),
        (402, "invalid_request_error", "payment_declined", APIStatusError),
        (403, "permission_error", "feature_disabled", PermissionDeniedError),
        (404, "not_found_error", "model_not_found", NotFoundError),
        (409, "invalid_request_error", "idempotency_conflict", ConflictError),
        (422, "invalid_request_error", "invalid_request", BadRequestError),
        (429, "rate_limit_error", "budget_exhausted", RateLimitError),
        (500, "api_error", "internal_error", InternalServerError),
        (503, "api_error", "service_unavailable", APIStatusError),
    ],
)
def test_a_status_error_of_the_openai_package_becomes_ours(
    status: int, type_: str, code: str, kind: type[AurikoAPIError]
) -> None:
    """The same error, field by field, as our own client raises."""
    act = reply(
        status,
        envelope(type_, code, param="model", provider="openai", suggestion="Do that.", doc_url="https://docs/x"),
        x_request_id="req_1",
        retry_after="7",
        x_budget_daily_limit="5",
    )
    mapped = map_openai_error(openai_error(act))
    own = raised_by(act)
    assert type(mapped) is type(own) is kind
    names = ("message", "status_code", "type", "code", "param", "provider", "suggestion", "doc_url", "request_id")
    for name in (*names, "retry_after_seconds", "budget", "is_retryable", "body"):
        assert getattr(mapped, name) == getattr(own, name), name


def test_a_status_error_without_an_envelope_becomes_ours() -> None:
    mapped = map_openai_error(openai_error(reply(502, b"<html>bad gateway</html>", content_type="text/html")))
    assert type(mapped) is APIStatusError
    assert mapped.status_code == 502
    assert mapped.is_retryable


def test_an_error_inside_a_stream_of_the_openai_package_becomes_ours() -> None:
    broken = events(chunk(), envelope("rate_limit_error", "rate_limit_exceeded"))
    mapped = map_openai_error(openai_error(stream(broken)))
    assert isinstance(mapped, RateLimitError)
    assert (mapped.code, mapped.message) == ("rate_limit_exceeded", "It did not work.")


def test_connection_errors_of_the_openai_package_become_ours() -> None:
    refused = map_openai_error(openai_error(close))
    assert type(refused) is APIConnectionError
    assert type(map_openai_error(openai_error(hang, timeout=0.1))) is APITimeoutError


def test_other_errors_of_the_openai_package_become_ours() -> None:
    request = httpx.Request("POST", "https://x/v1")
    answer = httpx.Response(200, request=request, headers={"x-request-id": "req_1"})
    broken = map_openai_error(openai.APIResponseValidationError(answer, None))
    assert isinstance(broken, APIResponseValidationError)
    assert (broken.status_code, broken.request_id) == (200, "req_1")
    plain = map_openai_error(openai.OpenAIError("no key"))
    assert type(plain) is AurikoAPIError
    assert plain.message == "no key"


def test_our_own_errors_pass_and_others_are_refused() -> None:
    own = BadRequestError("x")
    assert map_openai_error(own) is own
    with pytest.raises(TypeError, match="KeyError"):
        map_openai_error(KeyError("x"))


def test_the_openai_package_is_not_imported_for_it() -> None:
    program = "import sys, auriko, auriko.errors\nassert auriko.map_openai_error\nprint('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
