"""What goes wrong on demand, and how clients are judged."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from auriko.sandbox import Sandbox
from auriko.sandbox.faults import KINDS, parse_fault

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}


def ask(http: httpx.Client, fault: str | None = None, **fields: object) -> httpx.Response:
    headers = {} if fault is None else {"X-Sandbox-Fault": fault}
    return http.post("/chat/completions", json={**BODY, **fields}, headers=headers)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("429;retry_after=2", 429, "rate_limit_exceeded"),
        ("500", 500, "internal_error"),
        ("502", 502, "upstream_error"),
        ("503;retry_after=0.5", 503, "service_unavailable"),
        ("504", 504, "upstream_timeout"),
        ("budget", 429, "budget_exhausted"),
        ("quota", 429, "insufficient_quota"),
        ("filtered", 400, "content_filtered"),
    ],
)
def test_errors_on_demand_carry_envelope_and_headers(http, fault, status, code):
    reply = ask(http, fault)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    _, _, seconds = fault.partition("retry_after=")
    assert reply.headers.get("retry-after") == (seconds or None)
    if code == "budget_exhausted":
        assert reply.headers["x-budget-exceeded-scope"] == "api_key"
    if code == "rate_limit_exceeded":
        assert reply.headers["x-rate-limit-source"] == "sandbox"
    assert ask(http).status_code == 200


@pytest.mark.parametrize("status", [408, 529])
def test_statuses_without_a_code_have_no_envelope(http, status):
    reply = ask(http, str(status))
    assert reply.status_code == status
    assert "error" not in reply.json()


def test_a_page_of_html_in_place_of_json(http):
    reply = ask(http, "html")
    assert (reply.status_code, reply.headers["content-type"].split(";")[0]) == (502, "text/html")


def test_replies_that_cannot_be_read(http):
    assert ask(http, "empty").content == b""
    with pytest.raises(json.JSONDecodeError):
        ask(http, "bad_json").json()


@pytest.mark.parametrize("fault", ["drop", "cut"])
def test_a_plain_reply_that_breaks(http, fault):
    with pytest.raises(httpx.RemoteProtocolError):
        ask(http, fault)
    assert ask(http).status_code == 200


def test_a_slow_reply(http):
    started = time.monotonic()
    assert ask(http, "slow;seconds=0.2").status_code == 200
    assert time.monotonic() - started >= 0.2


def test_a_plain_reply_that_stalls(http):
    assert ask(http, "stall;seconds=0.1").json()["choices"]
    with pytest.raises(httpx.ReadTimeout):
        http.post("/chat/completions", json=BODY, headers={"X-Sandbox-Fault": "stall"}, timeout=0.3)


def stream(http: httpx.Client, fault: str) -> list[str]:
    """The data of the events that arrived before the end, whatever it was."""
    arrived: list[str] = []
    headers = {"X-Sandbox-Fault": fault}
    with http.stream("POST", "/chat/completions", json={**BODY, "stream": True}, headers=headers) as reply:
        assert reply.status_code == 200
        arrived.extend(line[6:] for line in reply.iter_lines() if line.startswith("data: "))
    return arrived


def test_a_stream_is_cut_after_some_events(http):
    arrived: list[str] = []
    with (
        http.stream(
            "POST", "/chat/completions", json={**BODY, "stream": True}, headers={"X-Sandbox-Fault": "cut;after=3"}
        ) as reply,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        arrived.extend(line for line in reply.iter_lines() if line)
    assert len(arrived) == 3


def test_a_stream_ends_without_done(http):
    assert len(stream(http, "end;after=2")) == 2


def test_a_stream_ends_with_an_error_event(http):
    arrived = stream(http, "error;after=2")
    assert len(arrived) == 3
    assert json.loads(arrived[-1])["error"]["code"] == "upstream_error"


def test_a_stream_with_an_event_that_is_not_json(http):
    arrived = stream(http, "bad_json;after=1")
    with pytest.raises(json.JSONDecodeError):
        json.loads(arrived[1])
    assert arrived[-1] == "[DONE]"


def test_a_stream_that_stalls_goes_on(http):
    assert stream(http, "stall;after=1;seconds=0.1")[-1] == "[DONE]"


def test_a_stream_that_stalls_for_good_ends_with_the_client(http, sandbox):
    with (
        http.stream(
            "POST",
            "/chat/completions",
            json={**BODY, "stream": True},
            headers={"X-Sandbox-Fault": "stall"},
            timeout=1,
        ) as reply,
        pytest.raises(httpx.ReadTimeout),
    ):
        reply.read()
    assert ask(http).status_code == 200


def test_a_refusal(http):
    choice = ask(http, "refusal").json()["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    deltas = [json.loads(data) for data in stream(http, "refusal")[:-1]]
    assert deltas[0]["choices"][0]["delta"] == {"role": "assistant", "refusal": "I cannot help with that."}


def test_faults_by_the_name_of_the_model(http):
    assert ask(http, model="gpt-4o@503").status_code == 503
    assert ask(http, model="gpt-4o:ttft@slow;seconds=0").json()["routing_metadata"]["routing_strategy"] == "ttft"


def test_a_fault_strikes_as_often_as_it_says(http):
    assert [ask(http, "503;times=2").status_code for _ in range(3)] == [503, 503, 200]
    assert ask(http, "503;times=1;id=another").status_code == 503


def test_the_first_fault_that_strikes_is_the_one(http):
    assert [ask(http, "503;times=1, 502;times=1").status_code for _ in range(3)] == [503, 502, 200]


def test_standing_faults_strike_at_a_seeded_rate(start_sandbox):
    def statuses(seed: int) -> list[int]:
        http = start_sandbox(faults=["429=0.5"], seed=seed)
        return [ask(http).status_code for _ in range(20)]

    first = statuses(1)
    assert set(first) == {200, 429}
    assert statuses(1) == first
    assert statuses(2) != first


def test_faults_do_not_strike_lists(start_sandbox):
    http = start_sandbox(faults=["500"])
    assert http.get("/models").status_code == 200
    assert ask(http).status_code == 500


def test_a_provider_that_is_down_is_left_for_the_next(sandbox, http):
    sandbox.take_down("azure_openai")
    reply = ask(http).json()
    assert reply["routing_metadata"]["provider"] == "openai"
    assert reply["routing_metadata"]["warnings"][0]["code"] == "no_provider_available"
    sandbox.take_down("openai", seconds=60)
    down = ask(http)
    assert (down.status_code, down.json()["error"]["code"]) == (503, "no_provider_available")
    sandbox.take_down("openai", seconds=0)
    assert ask(http).json()["routing_metadata"]["provider"] == "openai"
    sandbox.bring_up("azure_openai")
    assert ask(http).json()["routing_metadata"]["provider"] == "azure_openai"


def test_a_provider_that_is_down_from_the_start(start_sandbox):
    assert ask(start_sandbox(faults=["down;provider=azure_openai"])).json()["routing_metadata"]["provider"] == "openai"


def test_a_provider_fails_at_a_seeded_rate(start_sandbox):
    def who(rate: str, seed: int = 1) -> list[str]:
        http = start_sandbox(faults=[f"down={rate};provider=azure_openai"], seed=seed)
        return [ask(http).json()["routing_metadata"]["provider"] for _ in range(12)]

    assert set(who("0.5")) == {"azure_openai", "openai"}
    assert who("0.5") == who("0.5") != who("0.5", seed=2)
    assert set(who("0")) == {"azure_openai"}
    assert set(who("1")) == {"openai"}


def test_a_provider_that_is_not_there_cannot_be_down(sandbox):
    with pytest.raises(ValueError, match="There is no provider 'opena'; there are "):
        sandbox.take_down("opena")
    with pytest.raises(ValueError, match="There is no provider 'opena'"):
        Sandbox(engines=["quote"], faults=["down;provider=opena"])


@pytest.mark.parametrize("text", ["429=nan", "429=-0.1", "429=often", "slow;seconds=inf", "slow;seconds=nan"])
def test_numbers_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match=r"(rate|seconds) cannot be '.+'"):
        parse_fault(text)


def test_the_first_token_may_be_late(http):
    """The reply begins at once, what it says comes later."""
    assert stream(http, "stall;after=0;seconds=0.01")[-1] == "[DONE]"
    asked = {"json": {**BODY, "stream": True}, "headers": {"X-Sandbox-Fault": "stall;after=0"}}
    with http.stream("POST", "/chat/completions", **asked, timeout=1) as reply:
        assert reply.status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            next(reply.iter_lines())


@pytest.mark.parametrize(
    "text", ["", "418", "429=2", "429;when=1", "cut;after=x", "cut;after=-1", "down", "429;provider=openai"]
)
def test_faults_that_cannot_be_read(steady_http, text):
    with pytest.raises(ValueError, match=r".+"):
        parse_fault(text)
    with pytest.raises(ValueError, match=r".+"):
        Sandbox(faults=[text])
    if text:
        assert ask(steady_http, text).json()["error"]["code"] == "invalid_request"


@pytest.mark.parametrize("kind", sorted(KINDS - {"down"}))
def test_every_kind_is_documented(kind):
    import auriko.sandbox.faults

    assert f"`{kind}`" in (auriko.sandbox.faults.__doc__ or "")
    assert parse_fault(kind).kind == kind


def test_the_report_tells_retries_and_waits(sandbox, http):
    def attempt(number: int, fault: str) -> None:
        http.post(
            "/chat/completions", json=BODY, headers={"X-Sandbox-Fault": fault, "X-Auriko-Retry-Count": str(number)}
        )

    attempt(0, "429;retry_after=60")
    attempt(1, "429;retry_after=0.1")
    time.sleep(0.15)
    attempt(2, "")
    report = http.get(sandbox.base_url.removesuffix("/v1") + "/sandbox/report").json()
    assert report == {
        "requests": 4,
        "connections": 1,
        "statuses": {"200": 1, "429": 2},
        "retries": 2,
        "retry_after": {"honoured": 1, "ignored": 1},
    }
    assert sandbox.report["requests"] == 4


def test_decisions_can_be_read(sandbox, http):
    ask(http)
    decisions = http.get(sandbox.base_url.removesuffix("/v1") + "/sandbox/decisions").json()["decisions"]
    assert [each["provider"] for each in decisions[-1]["candidates"]] == ["azure_openai", "openai"]
    assert decisions[-1]["dropped"] == []
