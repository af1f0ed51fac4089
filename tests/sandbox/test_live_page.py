"""The page at /: what it shows, what it never shows, and who may see it."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import time
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
import pytest

from auriko.sandbox import Sandbox
from auriko.sandbox.catalog.file import read_catalog
from support.hostile_catalog import HOSTILE, hostile_catalog

MESSAGES = [{"role": "user", "content": "What is the secret of the sandcastle?"}]
PAGES = ("/", "/sandbox/live", "/sandbox/page.css", "/sandbox/page.js", "/sandbox/icon.svg")


def root(sandbox: Sandbox) -> str:
    return sandbox.base_url.removesuffix("/v1")


def get(sandbox: Sandbox, path: str = "/", **arguments) -> httpx.Response:
    return httpx.get(root(sandbox) + path, **arguments)


def ask(http: httpx.Client, model: str = "gpt-4o", **routing) -> httpx.Response:
    reply = http.post("/chat/completions", json={"model": model, "messages": MESSAGES, "gateway": {"routing": routing}})
    assert reply.status_code == 200, reply.text
    return reply


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_it_shows_models_prices_providers_calls_and_spend(sandbox, http):
    before = get(sandbox).text
    assert "Nothing has been spent yet." in before
    assert "No call yet." in before
    cost = ask(http).json()["routing_metadata"]["cost"]["usd"]
    page = get(sandbox).text
    for shown in ("gpt-4o", "claude-sonnet-4-6", "azure_openai", "quote-slow", "2.50", sandbox.base_url):
        assert shown in page
    call = page[page.index('id="calls"') :]
    assert "azure_openai" in call
    assert "the best of 2 by cost-focus: cheapest" in call
    assert f"${cost:.6f}" in call
    chart = page[page.index('id="spend"') : page.index('id="providers"')]
    assert "Spend by model" in chart
    assert "azure_openai" in chart
    assert f"${cost:.6f}" in chart


def test_the_fragment_is_what_the_page_holds(sandbox, http):
    ask(http)
    fragment = get(sandbox, "/sandbox/live").text
    assert fragment.strip() in get(sandbox).text
    assert fragment.count("<section") == 6


def test_failed_attempts_and_outages_are_seen(sandbox, http):
    sandbox.take_down("azure_openai")
    ask(http)
    page = get(sandbox).text
    assert "next in order: azure_openai, the best of 2 by cost-focus: cheapest, failed (no_provider_available)" in page
    assert re.search(r'azure_openai</a> <b class="error">down</b>', page)
    assert "1 failed" in page


def rows(text: str) -> list[str]:
    """The requests that a page shows, the latest first, as text without tags."""
    found = re.findall(r'<li class="(?:answered|failed|open)">.*?</summary>', text, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in found]


@pytest.mark.parametrize(
    ("fault", "model", "status", "code"),
    [
        (None, "no-such-model", 404, "model_not_found"),
        ("503", "gpt-4o", 503, "service_unavailable"),
        ("budget", "gpt-4o", 429, "budget_exhausted"),
        ("html", "gpt-4o", 502, "no error of the API"),
        ("cut", "gpt-4o", 200, "cut by the sandbox"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_every_request_has_a_row_also_one_that_fails(sandbox, http, fault, model, status, code, stream):
    headers = {"X-Sandbox-Fault": fault} if fault else {}
    with contextlib.suppress(httpx.RemoteProtocolError):
        http.post("/chat/completions", json={"model": model, "messages": MESSAGES, "stream": stream}, headers=headers)
    page = get(sandbox).text
    (row,) = rows(page)
    assert str(status) in row
    assert code in row
    assert "not sent again" in row
    assert re.search(r"<dt>errors</dt><dd>1</dd>", page)


HUGE = b'{"pad": "' + b"x" * (33 * 1024 * 1024) + b'"}'


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "/v1/nowhere", {}, 404, "resource_not_found"),
        ("POST", "/v1/messages", {"json": {}}, 404, "resource_not_found"),
        ("POST", "/v1/chat/completions/", {"json": {}}, 404, "resource_not_found"),
        ("POST", "/chat/completions", {"json": {}}, 404, "resource_not_found"),
        ("GET", "/v1/models/no-such-model", {}, 404, "model_not_found"),
        ("GET", "/v1/chat/completions", {}, 405, "method_not_allowed"),
        ("DELETE", "/", {}, 405, "method_not_allowed"),
        ("POST", "/v1/chat/completions", {"content": b"{"}, 400, "invalid_request"),
        ("POST", "/v1/chat/completions", {"content": HUGE}, 413, "payload_too_large"),
        ("POST", "/v1/chat/completions", {"json": {}, "headers": {"Authorization": ""}}, 401, "invalid_api_key"),
        ("GET", "/v1/me", {"headers": {"Authorization": "Bearer ak_sandbox_invalid"}}, 401, "invalid_api_key"),
        ("GET", "/v1/models", {"headers": {"Host": "evil.test"}}, 403, "insufficient_permissions"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_refusal_has_a_row(sandbox, http, method, path, sent, status, code):
    reply = http.request(method, root(sandbox) + path, **sent)
    assert reply.status_code == status
    page = get(sandbox).text
    (row,) = rows(page)
    assert f"{status} {method} {path} {code} not sent again" in row
    assert re.search(r"<dt>errors</dt><dd>1</dd>", page)
    assert sandbox.requests[0].path == path


def test_a_client_that_leaves_while_it_sends_has_a_row(sandbox):
    address = urlsplit(sandbox.base_url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(b"POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
    while not (found := rows(get(sandbox).text)) or " … " in found[0]:
        time.sleep(0.01)
    assert "POST /v1/responses left by the client" in found[0]


def test_a_reply_that_is_dropped_has_a_row(sandbox, http):
    with pytest.raises(httpx.RemoteProtocolError):
        http.post(
            "/chat/completions", json={"model": "gpt-4o", "messages": MESSAGES}, headers={"X-Sandbox-Fault": "drop"}
        )
    (row,) = rows(get(sandbox).text)
    assert "cut by the sandbox" in row


@pytest.mark.parametrize("counter", ["X-Auriko-Retry-Count", "X-Stainless-Retry-Count"])
def test_it_is_seen_what_the_client_did_next(sandbox, http, counter):
    body = {"model": "gpt-4o", "messages": MESSAGES}
    assert http.post("/chat/completions", json=body, headers={"X-Sandbox-Fault": "503"}).status_code == 503
    assert http.post("/chat/completions", json=body, headers={counter: "1"}).status_code == 200
    second, first = rows(get(sandbox).text)
    assert "service_unavailable sent again" in first
    assert "retry 1" in second


def test_requests_that_no_model_answers_have_rows_too(sandbox, http):
    http.get("/models")
    (row,) = rows(get(sandbox).text)
    assert "GET /v1/models" in row


def test_the_address_filters(sandbox, http):
    ask(http)
    ask(http, "claude-sonnet-4-6")
    http.post("/chat/completions", json={"model": "no-such-model", "messages": MESSAGES})
    http.get("/models")
    provider = sandbox.decisions[0]["attempts"][0]["provider"]

    def shown(**query: str) -> list[str]:
        return rows(get(sandbox, "/sandbox/live", params=query).text)

    assert len(shown()) == 4
    assert [("model_not_found" in row) for row in shown(show="errors")] == [True]
    assert all(provider in row for row in shown(provider=provider))
    assert ["claude-sonnet-4-6" in row for row in shown(model="claude-sonnet-4-6")] == [True]
    assert "No such request." in get(sandbox, params={"provider": "<b>"}).text
    assert "<b> ✕" not in get(sandbox, params={"provider": "<b>"}).text


def test_the_empty_page_has_both_variables(sandbox):
    page = get(sandbox).text
    assert f"export AURIKO_BASE_URL={sandbox.base_url}" in page
    assert f"export AURIKO_API_KEY={sandbox.api_key}" in page


def test_nothing_of_a_prompt_an_answer_or_a_key_is_shown(sandbox, http, quick, slow):
    quick.text = slow.text = "Moonlit turrets."
    ask(http)
    with http.stream(
        "POST", "/chat/completions", json={"model": "gpt-4o", "messages": MESSAGES, "stream": True}
    ) as one:
        assert one.read()
    for path in PAGES:
        text = get(sandbox, path).text
        assert "sandcastle" not in text
        assert "turrets" not in text
        assert sandbox.api_key not in text


def test_names_are_escaped(start_sandbox):
    http = start_sandbox(catalog=read_catalog(hostile_catalog()))
    ask(http, HOSTILE)
    page = http.get(str(http.base_url).removesuffix("/v1/") + "/").text
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert not [attributes for _, attributes in Tags(page).found if any(name.startswith("on") for name in attributes)]


def test_nothing_comes_from_elsewhere_and_nothing_stands_in_line(sandbox, http):
    ask(http)
    reply = get(sandbox)
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    for tag, attributes in Tags(reply.text).found:
        assert "style" not in attributes, tag
        address = attributes.get("src") or attributes.get("href")
        assert address is None or (address.startswith("/") and not address.startswith("//")), tag
        assert tag != "script" or attributes["src"] == "/sandbox/page.js"
    assert not re.search(r"url\(|@import|https?:", get(sandbox, "/sandbox/page.css").text)
    for path in PAGES:
        assert get(sandbox, path).headers["content-security-policy"] == policy


def test_looking_leaves_no_trace(sandbox):
    for path in PAGES:
        assert get(sandbox, path).status_code == 200
    assert sandbox.report["requests"] == 0
    assert sandbox.requests == []


def test_with_a_key_of_its_own_it_asks_for_that_as_a_password(quick, slow):
    with Sandbox(api_key="ak_chosen_key", engines=[quick, slow]) as guarded:
        for path in PAGES:
            refused = get(guarded, path)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Basic ")
            assert get(guarded, path, auth=("anyone", "ak_chosen_key")).status_code == 200
        for wrong in ("Basic ***", "Basic " + base64.b64encode(b"x:ak_other_key_1").decode(), "Digest x", "Basic w6k="):
            assert get(guarded, headers={"Authorization": wrong}).status_code == 401
        assert get(guarded, headers={"Authorization": "Bearer ak_chosen_key"}).status_code == 200
        clients = get(guarded, "/v1/models", auth=("anyone", "ak_chosen_key"))
        assert (clients.status_code, clients.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("routing", "reason"),
    [
        ({"providers": ["openai"]}, "the only one that can serve it"),
        ({"prefer": "openai"}, "preferred by the request, of 2"),
        ({"optimize": "ttft-focus"}, "the best of 2 by ttft-focus: quickest, fastest"),
        ({"mode": "fallback"}, "the best of 2 by cost-focus for gpt-4o, which goes first: cheapest"),
    ],
    ids=["only", "preferred", "best", "fallback"],
)
def test_the_reason_of_a_choice(sandbox, http, routing, reason):
    ask(http, **routing)
    assert sandbox.decisions[-1]["reason"] == reason


def test_a_decision_says_what_came_of_it(sandbox, http):
    metadata = ask(http).json()["routing_metadata"]
    (attempt,) = sandbox.decisions[-1]["attempts"]
    assert attempt["provider"] == metadata["provider"]
    assert attempt["usd"] == metadata["cost"]["usd"]
    assert attempt["ttft_ms"] == pytest.approx(metadata["ttft_ms"], abs=0.001)


def test_a_client_that_leaves_is_seen(sandbox, http, slow):
    slow.text = "word " * 100_000
    body = {"model": "gpt-4o", "messages": MESSAGES, "stream": True}
    with http.stream("POST", "/chat/completions", json=body) as reply:
        lines = reply.iter_lines()
        next(lines)
        assert "answering" in get(sandbox).text
    while "failed" not in sandbox.decisions[-1]["attempts"][0]:
        assert http.get("/registry/providers").status_code == 200
    assert sandbox.decisions[-1]["attempts"][0]["code"] == "client_disconnected"
    assert "client_disconnected" in get(sandbox).text
