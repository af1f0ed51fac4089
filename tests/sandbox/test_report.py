"""What the sandbox tells of its clients: retries, waits, connections, and what they sent."""

from __future__ import annotations

import httpx
import pytest

from auriko import Client
from auriko.errors import RateLimitError
from auriko.sandbox import Sandbox
from support.watched_engine import WatchedEngine
from tests.support import acts
from tests.support.fault_server import serve

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}


@pytest.fixture
def report_of():
    """The report after `calls` of a client to a sandbox with a fault."""

    def run(fault: str, calls: int = 1, **settings: int) -> dict:
        with (
            Sandbox(engines=[WatchedEngine("quote")], faults=[fault]) as sandbox,
            Client(base_url=sandbox.base_url, api_key=sandbox.api_key, **settings) as client,
        ):
            for _ in range(calls):
                client.chat.completions.create(**BODY)
            url = sandbox.base_url.removesuffix("/v1") + "/sandbox/report"
            read = httpx.get(url).json()
            assert sandbox.report["retries"] == read["retries"]
            return read

    return run


def test_the_client_waits_as_long_as_it_is_told_to(report_of):
    """0.7 seconds are more than the client would wait by itself."""
    assert report_of("429;retry_after=0.7;times=1", calls=2) == {
        "requests": 4,  # this one, too
        "connections": 2,
        "statuses": {"200": 2, "429": 1},
        "retries": 1,
        "retry_after": {"honoured": 1, "ignored": 0},
    }


def test_every_connection_counts(report_of):
    assert report_of("drop;times=2")["connections"] == 4  # each dropped one, the good one, and the report's


def test_a_client_that_does_not_wait_is_noticed(http, sandbox):
    for number in range(3):
        headers = {"X-Sandbox-Fault": "429;retry_after=5", "X-Auriko-Retry-Count": str(number)}
        http.post("/chat/completions", json=BODY, headers=headers)
    assert sandbox.report["retry_after"] == {"honoured": 0, "ignored": 2}


def test_the_wait_counts_from_the_reply_however_long_that_took():
    late = acts.raw(
        0.3, acts.head(429, retry_after="0.2", content_length=2, content_type=acts.JSON) + b"{}", end="keep"
    )
    models = {"m": {"offers": {"far": {}}}}
    with (
        serve(late) as server,
        Sandbox(upstreams={"far": server.url}, engines=[], catalog={"models": models}) as sandbox,
    ):
        for number in range(2):
            headers = {"Authorization": f"Bearer {sandbox.api_key}", "X-Auriko-Retry-Count": str(number)}
            httpx.post(f"{sandbox.base_url}/chat/completions", json={**BODY, "model": "m"}, headers=headers)
        assert sandbox.report["retry_after"] == {"honoured": 0, "ignored": 1}


@pytest.mark.parametrize("count", ["²", "-1", "one", "9" * 5000, ""])
def test_a_count_that_is_no_number_is_none(http, sandbox, count):
    reply = http.post("/chat/completions", json=BODY, headers={"X-Auriko-Retry-Count": count.encode("latin-1")})
    assert reply.status_code == 200
    assert sandbox.requests[-1].retry == 0
    assert sandbox.report["retries"] == 0


def test_what_was_sent_can_be_asserted_on(sandbox):
    with Client(base_url=sandbox.base_url, api_key=sandbox.api_key, max_retries=1) as client:
        with pytest.raises(RateLimitError):
            client.chat.completions.create(**BODY, extra_headers={"X-Sandbox-Fault": "429;retry_after=0.01"})
        client.chat.completions.create(**BODY, gateway={"routing": {"optimize": "ttft"}})
    first, second, third = sandbox.requests
    assert [each.retry for each in (first, second, third)] == [0, 1, 0]
    assert (third.method, third.path) == ("POST", "/v1/chat/completions")
    assert third.json == {**BODY, "gateway": {"routing": {"optimize": "ttft"}}}
    assert third.headers["authorization"] == "Bearer ***"
    assert first.connection == third.connection
    assert first.at < second.at < third.at


def test_keys_are_not_kept(http, sandbox):
    secrets = {"X-Api-Key": "s3cr3t-1", "Cookie": "session=s3cr3t-2", "Authorization": "s3cr3t-3"}
    http.get("/models", headers=secrets)
    assert "s3cr3t" not in repr(sandbox.requests)


def test_large_bodies_are_forgotten_sooner(http, sandbox, monkeypatch):
    monkeypatch.setattr("auriko.sandbox.journal.requests._KEPT_BYTES", 3000)
    for number in range(6):
        http.post("/chat/completions", json={**BODY, "user": f"{number}" * 1000})
    kept = sandbox.requests
    assert [each.json["user"][0] for each in kept] == ["4", "5"]
    assert sum(each.size for each in kept) <= 3000
    assert sandbox.report["requests"] == 6


def test_bodies_that_are_refused_push_nothing_out(http, sandbox, monkeypatch):
    monkeypatch.setattr("auriko.sandbox.journal.requests._KEPT_BYTES", 3000)
    http.post("/chat/completions", json=BODY)
    http.post("/chat/completions", content=b"{" * 5000)
    assert [each.size > 3000 for each in sandbox.requests] == [False, True]
