"""What the gateway refuses, and how it says so."""

from __future__ import annotations

import base64
import json

import httpx
import pytest

from tests.support.cases import failures

MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]
VALID = {"model": "gpt-4o", "messages": MESSAGES}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def routing(**options):
    return {"gateway": {"routing": options}}


BAD_BODIES = [
    ({"messages": None}, "invalid_parameter_value", "messages"),
    ({"messages": []}, "invalid_parameter_value", "messages"),
    ({"messages": [{"role": "user"}]}, "missing_required_parameter", "messages[0].content"),
    ({"messages": [{"content": "hi"}]}, "missing_required_parameter", "messages[0].role"),
    ({"messages": [{"role": "robot", "content": "hi"}]}, "invalid_parameter_value", "messages[0]"),
    ({"messages": [{"role": "assistant"}]}, "invalid_parameter_value", "messages[0].content"),
    (
        {"messages": [{"role": "user", "content": [{"type": "video", "video": "x"}]}]},
        "unsupported_modalities",
        "messages[0].content[0].type",
    ),
    (
        {"messages": [{"role": "tool", "tool_call_id": "call_1", "content": "3"}]},
        "invalid_request",
        "messages[0].tool_call_id",
    ),
    (
        {"messages": [*MESSAGES, {"role": "assistant", "content": None, "tool_calls": [CALL]}]},
        "invalid_request",
        "messages",
    ),
    (
        {"messages": [*MESSAGES, {"role": "assistant", "content": None, "tool_calls": [CALL]}, *MESSAGES]},
        "invalid_request",
        "messages[2]",
    ),
    ({"functions": [{"name": "f"}, {}]}, "missing_required_parameter", "tools[1].function.name"),
    ({"functions": [TOOL["function"]], "function_call": {}}, "missing_required_parameter", "tool_choice.function.name"),
    ({"functions": [TOOL["function"]], "function_call": "any"}, "invalid_parameter_value", "tool_choice"),
    ({"temprature": 1}, "unknown_field", "temprature"),
    ({"temperature": "1"}, "invalid_parameter_value", "temperature"),
    ({"temperature": 2.5}, "invalid_parameter_value", "temperature"),
    ({"top_p": -1}, "invalid_parameter_value", "top_p"),
    ({"n": 0}, "invalid_parameter_value", "n"),
    ({"max_completion_tokens": 0}, "invalid_parameter_value", "max_completion_tokens"),
    ({"reasoning_effort": "huge"}, "invalid_parameter_value", "reasoning_effort"),
    ({"tools": [{"type": "web_search"}]}, "invalid_parameter_value", "tools[0].type"),
    ({"tool_choice": "required"}, "invalid_request", "tool_choice"),
    (
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "invalid_parameter_value",
        "tool_choice.function.name",
    ),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
        "missing_required_parameter",
        "response_format.json_schema.schema",
    ),
    ({"response_format": {"type": "json_object"}}, "invalid_request", "messages"),
    ({"gateway": {"models": ["gpt-4o"]}}, "invalid_request", "gateway.models"),
    ({"gateway": {"model": "x"}}, "unknown_field", "gateway.model"),
    ({"gateway": {"metadata": {"team": "a"}}}, "unknown_field", "gateway.metadata.team"),
    ({"model": None}, "missing_required_parameter", "model"),
    ({"model": None, "gateway": {"models": ["gpt-4o"] * 11}}, "invalid_parameter_value", "gateway.models"),
    ({"model": "gpt-9"}, "model_not_found", "model"),
    ({"model": "gpt-4o:floor"}, "model_not_found", "model"),
    ({"model": "ft:gpt-4o:org:cost"}, "model_not_found", "model"),
    ({"extensions": {"thinking": {"enabled": True}}}, "invalid_parameter_value", "extensions.thinking"),
    ({"extensions": {"openai": 3}}, "invalid_parameter_value", "extensions.openai"),
    (routing(optimise="cost"), "unknown_field", "gateway.routing.optimise"),
    (routing(optimize="cheapest"), "invalid_parameter_value", "gateway.routing.optimize"),
    (routing(optimize=None), "invalid_parameter_value", "gateway.routing.optimize"),
    (routing(weights={"tps": 1}), "unknown_field", "gateway.routing.weights.tps"),
    (routing(weights={"cost": 0}), "invalid_parameter_value", "gateway.routing.weights"),
    (routing(max_fallback_attempts=20), "invalid_parameter_value", "gateway.routing.max_fallback_attempts"),
    (routing(max_cost_per_1m=0), "invalid_parameter_value", "gateway.routing.max_cost_per_1m"),
    (routing(max_ttft_ms=1.5), "invalid_parameter_value", "gateway.routing.max_ttft_ms"),
    (routing(only_byok=True, only_platform=True), "invalid_parameter_value", "gateway.routing"),
    (routing(timeout_ms=200, deadline_ms=100), "invalid_parameter_value", "gateway.routing"),
    (routing(tier="gold"), "invalid_parameter_value", "gateway.routing.tier"),
]


def test_a_bad_body_is_refused_with_code_and_field(steady_http):
    def check(fields, code, param):
        reply = steady_http.post("/chat/completions", json={**VALID, **fields})
        error = reply.json()["error"]
        assert (error["code"], error["param"]) == (code, param), error
        assert reply.status_code == (404 if code == "model_not_found" else 400)
        assert error["message"]
        assert error["doc_url"].endswith(code)
        assert reply.headers["content-type"] == "application/json; charset=utf-8"
        assert reply.headers["x-error-type"] == error["type"]
        assert reply.headers["x-error-retryable"] == "false"

    assert not failures(check, BAD_BODIES)


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        ({"temprature": 1}, "temperature"),
        (routing(optimise="cost"), "optimize"),
        ({"gateway": {"metadata": {"tag": []}}}, "tags"),
        ({"extra_headers_of_mine": 1}, None),
    ],
)
def test_a_misspelt_field_is_told_by_its_right_name(steady_http, fields, meant):
    error = steady_http.post("/chat/completions", json={**VALID, **fields}).json()["error"]
    assert error.get("suggestion") == (None if meant is None else f"Did you mean {meant}?")


@pytest.mark.parametrize(
    ("path", "fields", "message"),
    [
        ("/chat/completions", {"gateway": None}, "gateway: it must be an object."),
        ("/chat/completions", {"messages": {}}, "messages: it must be an array."),
        ("/responses", {"input": [{"type": "item_reference"}]}, "input[0]: it is of the kind 'item_reference'; there"),
    ],
)
def test_errors_speak_of_json_and_not_of_python(steady_http, path, fields, message):
    start = VALID if path == "/chat/completions" else {"model": "gpt-4o"}
    error = steady_http.post(path, json={**start, **fields}).json()["error"]
    assert error["message"].startswith(message), error


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"model": NaN}', b"[" * 100_000, b"\xff"])
def test_what_is_not_a_json_object_is_refused(steady_http, body):
    reply = steady_http.post("/chat/completions", content=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "invalid_api_key"),
        ("Bearer", 401, "invalid_api_key"),
        ("Basic YTpi", 401, "invalid_api_key"),
        ("Bearer ak_sandbox_invalid", 401, "invalid_api_key"),
        ("Bearer ak_sandbox_expired", 401, "expired_api_key"),
        ("Bearer ak_sandbox_forbidden", 403, "insufficient_permissions"),
    ],
)
@pytest.mark.parametrize("path", ["/models", "/me", "/models/gpt-4o"])
def test_keys_that_are_not_accepted(steady_http, authorization, status, code, path):
    headers = {} if authorization is None else {"Authorization": authorization}
    reply = httpx.get(f"{steady_http.base_url}{path.removeprefix('/')}", headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("key", ["x", "ak_try", "sk-proj-" + "0" * 1000])
def test_any_other_key_is_accepted(steady_http, key):
    assert steady_http.get("/me", headers={"Authorization": f"Bearer {key}"}).json()["status"] == "active"


@pytest.mark.parametrize("path", ["/directory/models", "/registry/models", "/registry/providers"])
@pytest.mark.parametrize("authorization", [{}, {"Authorization": "Bearer ak_sandbox_invalid"}])
def test_public_lists_need_no_key_and_ignore_it(steady_http, path, authorization):
    url = f"{steady_http.base_url}{path.removeprefix('/')}"
    assert httpx.get(url, headers=authorization).status_code == 200


def test_unknown_paths_and_methods(http):
    nowhere = http.get("/nowhere")
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "resource_not_found")
    wrong = http.get("/chat/completions")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert nowhere.headers["x-request-id"] != wrong.headers["x-request-id"]


def test_a_body_over_the_limit_is_refused(http):
    reply = http.post("/chat/completions", content=b'{"pad": "' + b"x" * (33 * 1024 * 1024) + b'"}')
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "payload_too_large")
    assert http.post("/chat/completions", json=VALID).status_code == 200


def test_headers_tell_limits_and_credits(http):
    first, second = (http.post("/chat/completions", json=VALID).headers for _ in range(2))
    remaining = "x-ratelimit-remaining-requests"
    assert int(first[remaining]) - int(second[remaining]) == 1
    assert int(second["x-ratelimit-limit-requests"]) >= int(first[remaining])
    assert first["x-ratelimit-reset-requests"].endswith("Z")
    assert int(first["x-credits-balance-microdollars"]) > int(second["x-credits-balance-microdollars"])


PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x08" + b"\0" * 8).decode()
PDF = base64.b64encode(b"%PDF-1.7 /Type /Page ").decode()
PARTS = {
    "image": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    "address": {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    "audio": {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    "document": {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
}


@pytest.mark.parametrize("kind", PARTS)
def test_media_reach_the_engine(http, slow, kind):
    content = [{"type": "text", "text": "What is this?"}, PARTS[kind]]
    reply = http.post("/chat/completions", json={"model": "gpt-4o", "messages": [{"role": "user", "content": content}]})
    assert reply.status_code == 200, reply.text
    assert slow.prompts[-1].messages[0]["content"] == content


LACKING = [{"type": "text"}, {"type": "image_url"}, {"type": "file", "file": {"file_id": "file-1"}}]


@pytest.mark.parametrize(
    "part",
    [
        *LACKING,
        {"type": "image_url", "image_url": {"url": "ftp://example.com/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,!!"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}},
        {"type": "image_url", "image_url": {"url": "data:text/plain;base64,aGVsbG8="}},
        {"type": "input_audio", "input_audio": {"data": "aGVsbG8=", "format": "flac"}},
        {"type": "input_audio", "input_audio": "aGVsbG8="},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGVsbG8="}},
    ],
)
def test_media_that_are_not_what_they_say_are_refused(steady_http, part):
    reply = steady_http.post(
        "/chat/completions", json={"model": "gpt-4o", "messages": [{"role": "user", "content": [part]}]}
    )
    error = reply.json()["error"]
    missing = part in LACKING
    code = "missing_required_parameter" if missing else "invalid_parameter_value"
    assert (reply.status_code, error["code"]) == (400, code)
    assert error["param"].startswith("messages[0].content[0]")


@pytest.mark.parametrize(
    ("part", "param", "message"),
    [
        ({"type": "text", "text": 3}, ".text", ".text: Input should be a valid string."),
        ({"type": "refusal", "refusal": {}}, ".refusal", ".refusal: Input should be a valid string."),
        ({"type": "image_url", "image_url": {}}, ".image_url.url", ".image_url.url is required."),
        (
            {"type": "image_url", "image_url": {"url": "data:text/plain;base64,aGVsbG8="}},
            ".image_url.url",
            ".image_url.url holds text/plain, not an image.",
        ),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGVsbG8="}},
            ".file.file_data",
            ".file.file_data is not a PDF document.",
        ),
        ({"type": "input_text"}, ".type", " has the type 'input_text', which belongs to POST /v1/responses."),
        ({"type": "x"}, ".type", " has the type 'x'; text, image_url, file and input_audio are known."),
    ],
)
def test_errors_in_parts_name_the_field_as_it_was_sent(steady_http, part, param, message):
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": [part]}]}
    error = steady_http.post("/chat/completions", json=body).json()["error"]
    assert (error["param"], error["message"]) == (f"messages[0].content[0]{param}", f"messages[0].content[0]{message}")


def test_what_belongs_to_no_user_message_is_not_looked_at(steady_http):
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi", "tool_calls": 3}]}
    assert steady_http.post("/chat/completions", json=body).status_code == 200


def test_what_arrived_is_remembered_without_the_key(sandbox, http):
    http.post("/chat/completions?x=1", json=VALID)
    received = sandbox.requests[-1]
    assert (received.method, received.path, received.query) == ("POST", "/v1/chat/completions", "x=1")
    assert received.json == VALID
    assert sandbox.api_key not in json.dumps([received.headers for received in sandbox.requests])
    assert received.headers["authorization"] == "Bearer ***"
