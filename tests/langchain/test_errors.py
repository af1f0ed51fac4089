# ruff: noqa: S301 - the pickles are the tests' own
"""Errors are the same by all ways, and both the client's and LangChain's."""

import copy
import pickle

import httpx
import pytest
from langchain.agents.middleware._retry import default_retry_on
from langchain_core import exceptions as langchain
from langchain_core.callbacks import BaseCallbackHandler

from auriko import errors as core
from auriko.spend import track_spend
from auriko_langchain import ChatAuriko, errors
from tests.support.langchain_ways import WAYS, call

pytestmark = pytest.mark.anyio


@pytest.fixture(params=WAYS)
def failing(request, gateway):
    """Makes the call and returns what it raises."""

    async def failing(**config):
        with pytest.raises(Exception) as raised:  # noqa: PT011 - the tests look at it
            await call(gateway.model(), request.param, "hi", config)
        return raised.value

    return failing


STATUSES = [
    (400, "invalid_parameter_value", "invalid_request_error", errors.AurikoBadRequestError, False),
    (400, "context_length_exceeded", "invalid_request_error", errors.AurikoContextOverflowError, False),
    (401, "invalid_api_key", "authentication_error", errors.AurikoAuthenticationError, False),
    (403, "insufficient_permissions", "permission_error", errors.AurikoPermissionDeniedError, False),
    (404, "model_not_found", "not_found_error", errors.AurikoNotFoundError, False),
    (409, "idempotency_conflict", "invalid_request_error", errors.AurikoConflictError, False),
    (413, "payload_too_large", "invalid_request_error", errors.AurikoBadRequestError, False),
    (429, "rate_limit_exceeded", "rate_limit_error", errors.AurikoRateLimitError, True),
    (429, "budget_exhausted", "rate_limit_error", errors.AurikoRateLimitError, False),
    (429, "insufficient_quota", "rate_limit_error", errors.AurikoRateLimitError, False),
    (500, "internal_error", "api_error", errors.AurikoInternalServerError, False),
    (502, "upstream_error", "api_error", errors.AurikoServerError, True),
    (503, "no_provider_available", "api_error", errors.AurikoServerError, True),
    (405, "method_not_allowed", "invalid_request_error", errors.AurikoStatusError, False),
]


@pytest.mark.parametrize(("status", "code", "kind", "cls", "retryable"), STATUSES, ids=[row[1] for row in STATUSES])
async def test_errors_with_a_status(failing, gateway, status, code, kind, cls, retryable):
    gateway.refuses(status, code, kind)
    error = await failing()
    assert type(error) is cls
    assert isinstance(error, (core.APIStatusError, langchain.ModelError))
    assert (error.status_code, error.code, error.type, error.request_id) == (status, code, kind, "req-9")
    assert error.is_retryable is retryable
    assert core.is_retryable(error) is default_retry_on(error) is retryable
    assert error.response.status_code == status
    assert error.response.json()["error"]["code"] == code
    assert error.response.headers["x-request-id"] == "req-9"
    assert len(gateway.bodies) == 1


async def test_a_proxys_page_in_place_of_a_reply(failing, gateway):
    gateway.answers(httpx.Response(502, html="<h1>Bad gateway</h1>"))
    error = await failing()
    assert type(error) is errors.AurikoServerError
    assert error.is_retryable
    assert error.response.json() == "<h1>Bad gateway</h1>"


async def test_no_reply(failing, gateway):
    gateway.answers(httpx.ConnectError("refused"))
    error = await failing()
    assert type(error) is errors.AurikoConnectionError
    assert isinstance(error, langchain.ModelConnectionError)
    assert error.is_retryable
    assert error.response is None


async def test_a_timeout(failing, gateway):
    gateway.answers(httpx.ReadTimeout("slow"))
    error = await failing()
    assert type(error) is errors.AurikoTimeoutError
    assert isinstance(error, (core.APITimeoutError, langchain.ModelTimeoutError))


@pytest.mark.parametrize("body", ["null", "[]", "{}", '{"choices": 5}', "<html>"])
async def test_a_reply_that_is_none(failing, gateway, body):
    gateway.answers(httpx.Response(200, text=body, headers={"content-type": "application/json"}))
    error = await failing()
    assert isinstance(error, (errors.AurikoResponseValidationError, errors.AurikoStatusError))


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_an_error_within_a_stream(gateway, way):
    envelope = {"message": "gone", "type": "api_error", "code": "upstream_timeout", "provider": "p"}
    gateway.streams_chunks({"choices": [{"delta": {"content": "par"}}]}, {"error": envelope})
    chunks = []
    with pytest.raises(errors.AurikoServerError, match="gone") as raised:
        await call(gateway.model(), way, "hi", chunks=chunks)
    assert (raised.value.code, raised.value.provider) == ("upstream_timeout", "p")
    assert [chunk.content for chunk in chunks] == ["par"]


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_stream_that_is_cut(gateway, way):
    gateway.streams_chunks({"choices": [{"delta": {"content": "par"}}]}, done=False)
    with pytest.raises(errors.AurikoStreamInterruptedError) as raised:
        await call(gateway.model(), way, "hi")
    assert isinstance(raised.value, (core.StreamInterruptedError, langchain.ModelConnectionError))
    assert raised.value.items_received == 1


async def test_callbacks_see_the_reply(failing, gateway):
    class Handler(BaseCallbackHandler):
        def on_llm_error(self, error, *, response, **kwargs):
            self.seen = error, response.generations[-1][0].message.response_metadata

    handler = Handler()
    gateway.refuses(429, "rate_limit_exceeded", "rate_limit_error")
    error = await failing(callbacks=[handler])
    seen, metadata = handler.seen
    assert seen is error
    assert (metadata["status_code"], metadata["request_id"]) == (429, "req-9")
    assert metadata["body"]["error"]["code"] == "rate_limit_exceeded"


async def test_a_spend_limit(failing, gateway):
    with track_spend(limit_usd=0.0):
        error = await failing()
    assert type(error) is errors.AurikoBudgetExceededError
    assert error.limit_usd == 0.0
    assert gateway.bodies == []


async def test_the_client_retries_and_counts(gateway):
    gateway.refuses(503, "no_provider_available", "api_error")
    gateway.says("ok")
    assert gateway.model(max_retries=1).invoke("hi").text == "ok"
    assert len(gateway.bodies) == 2


def test_with_retry_and_with_fallbacks(gateway):
    gateway.refuses(503, "no_provider_available", "api_error")
    gateway.says("again")
    retrying = gateway.model().with_retry(retry_if_exception_type=(langchain.ModelAPIError,), stop_after_attempt=2)
    assert retrying.invoke("hi").text == "again"
    gateway.refuses(404, "model_not_found", "not_found_error")
    gateway.says("other", routing_metadata={"cost": {"usd": 0.5}})
    answer = gateway.model().with_fallbacks([gateway.model(model="m-2")]).invoke("hi")
    assert answer.response_metadata["cost"] == 0.5
    assert gateway.bodies[-1]["model"] == "m-2"


async def test_errors_survive_pickles_and_copies(gateway):
    gateway.refuses(429, "rate_limit_exceeded", "rate_limit_error", **{"retry-after": "2"})
    with pytest.raises(errors.AurikoRateLimitError) as raised:
        gateway.model().invoke("hi")
    for twin in (pickle.loads(pickle.dumps(raised.value)), copy.deepcopy(raised.value)):
        assert type(twin) is errors.AurikoRateLimitError
        assert (str(twin), twin.code, twin.request_id) == (str(raised.value), "rate_limit_exceeded", "req-9")
        assert twin.retry_after_seconds == 2.0


def test_a_missing_key_names_the_variable_and_the_sandbox():
    with pytest.raises(errors.AurikoAuthenticationError, match=r"AURIKO_API_KEY.*auriko sandbox") as raised:
        ChatAuriko(model="m-1")
    assert isinstance(raised.value, (core.AuthenticationError, langchain.ModelAuthenticationError))


def test_every_class_is_exported_and_has_both_parents():
    names = [name for name, value in vars(errors).items() if isinstance(value, type) and name.startswith("Auriko")]
    assert sorted([*names, "ErrorReply"]) == sorted(errors.__all__)
    for name in names:
        assert issubclass(getattr(errors, name), core.AurikoAPIError)
        assert issubclass(getattr(errors, name), langchain.ModelError)


def test_every_class_of_the_client_has_a_twin():
    def descendants(cls):
        return {cls}.union(*(descendants(child) for child in cls.__subclasses__()))

    ours = {cls for cls in descendants(core.AurikoAPIError) if cls.__module__ == "auriko.errors"}
    assert ours == set(errors._TWINS)
