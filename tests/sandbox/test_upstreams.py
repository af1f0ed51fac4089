"""Servers of the user's own behind the sandbox: asked, measured, priced, and left when they fail."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from auriko.sandbox import Sandbox, UpstreamError
from support.watched_engine import WatchedEngine
from tests.support import acts
from tests.support.fault_server import Act, FaultServer, nobody_listening, serve

QUESTION = [{"role": "user", "content": "Why is the sky blue?"}]
KEY = "sk-upstream-s3cr3t"
PRICE = {"input": 1.0, "output": 2.0}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    data = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return f"data: {json.dumps({**data, **more})}\n\n".encode()


USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 6}}
ANSWER = (
    chunk({"role": "assistant", "content": "It is\u2028"}),
    chunk({"content": "blue."}),
    chunk({}, "stop"),
    f"data: {json.dumps({'choices': [], 'usage': USAGE})}\n\n".encode(),
    b"data: [DONE]\n\n",
)
ok = acts.stream(*ANSWER)


class Behind:
    """A sandbox with the provider `far` behind which a server performs acts, and one engine that always answers."""

    def __init__(self, stack: ExitStack, *performed: Act, model: Any = None, **provider: Any) -> None:
        self.server: FaultServer = stack.enter_context(serve(*performed))
        self.engine = WatchedEngine("quote", text="From here.")
        # The far one is cheaper, so it is asked first.
        near = {"price": {"input": 8.0, "output": 8.0}}
        catalog = {
            "builtin": False,
            "providers": {
                "far": {"base_url": self.server.url, "price": PRICE, **provider},
                "near": {"engine": "quote"},
            },
            "models": {
                "m": {**(model or {}), "offers": {"far": {"upstream_model": "m-there"}, "near": near}},
                "far-only": {"offers": {"far": {}}},
            },
        }
        self.sandbox = stack.enter_context(Sandbox(engines=[self.engine], catalog=catalog))
        self.http = stack.enter_context(
            httpx.Client(
                base_url=self.sandbox.base_url, headers={"Authorization": f"Bearer {self.sandbox.api_key}"}, timeout=20
            )
        )

    def ask(self, model: str = "m", **fields: Any) -> httpx.Response:
        return self.http.post("/chat/completions", json={"model": model, "messages": QUESTION, **fields})

    @property
    def sent(self) -> Any:
        """The body of the last request to the upstream."""
        return self.server.requests[-1].json


@pytest.fixture
def behind(monkeypatch) -> Iterator[Any]:
    monkeypatch.setenv("FAR_API_KEY", KEY)
    with ExitStack() as stack:
        yield lambda *performed, **provider: Behind(stack, *performed, **provider)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_comes_through_with_tokens_cost_and_speed(behind, stream):
    far = behind(ok)
    reply = far.ask(stream=stream)
    if stream:
        chunks = [json.loads(line[6:]) for line in reply.text.split("\n") if line.startswith("data: {")]
        text = "".join(each["choices"][0]["delta"].get("content", "") for each in chunks if each["choices"])
        body = chunks[-1]
        assert reply.text.endswith("data: [DONE]\n\n")
    else:
        body = reply.json()
        text = body["choices"][0]["message"]["content"]
    assert text == "It is\u2028blue."
    assert body["usage"]["prompt_tokens"] == 10
    assert body["usage"]["completion_tokens"] == 4
    routing = body["routing_metadata"]
    assert (routing["provider"], routing["provider_model_id"]) == ("far", "m-there")
    assert routing["cost"]["usd"] == pytest.approx((10 * 1.0 + 4 * 2.0) / 1e6)
    assert routing["ttft_ms"] > 0
    far.ask()
    (candidate, _) = far.sandbox.decisions[-1]["candidates"]
    assert candidate["ttft_ms"] == pytest.approx(routing["ttft_ms"], abs=0.001)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_a_stream_is_read_whatever_its_lines_end_with(behind, end, cut):
    """And with a mark of its encoding, and however it is cut into pieces."""
    whole = b"\xef\xbb\xbf" + b"".join(ANSWER).replace(b"\n", end)
    far = behind(acts.stream(*(whole[at : at + cut] for at in range(0, len(whole), cut))))
    body = far.ask().json()
    assert body["choices"][0]["message"]["content"] == "It is\u2028blue."
    assert body["routing_metadata"]["provider"] == "far"


def test_what_is_asked_is_what_the_upstream_understands(behind):
    far = behind(ok)
    messages = [
        *QUESTION,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": "{}"},
                    "provider_signature": "s",
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Rain."},
    ]
    far.ask(
        messages=messages,
        tools=[TOOL],
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
        temperature=0.5,
        top_p=0.9,
        seed=7,
        stop="END",
        max_completion_tokens=9,
        gateway={"metadata": {"tags": ["mine"]}},
    )
    sent = far.sent
    assert "provider_signature" not in sent["messages"][1].pop("tool_calls")[0]
    assert sent == {
        "model": "m-there",
        "messages": [messages[0], {"role": "assistant", "content": None}, messages[2]],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["END"],
        "max_tokens": 9,
    }
    assert far.server.requests[-1].header("authorization") == f"Bearer {KEY}"
    far.ask()
    assert "max_tokens" not in far.sent


def test_the_role_developer_has_the_name_that_all_servers_know(behind):
    far = behind(ok)
    far.ask(messages=[{"role": "developer", "content": "Be brief."}, *QUESTION])
    assert far.sent["messages"][0] == {"role": "system", "content": "Be brief."}


def test_what_the_upstream_does_not_take_is_dropped_with_a_warning(behind):
    far = behind(ok, params=["temperature"], max_tokens_field="max_completion_tokens")
    warnings = far.ask(top_p=0.5, max_tokens=3).json()["routing_metadata"]["warnings"]
    assert [each["code"] for each in warnings] == ["top_p_dropped"]
    assert "top_p" not in far.sent
    assert far.sent["max_completion_tokens"] == 3


def test_a_response_is_made_of_the_upstreams_chat_completion(behind):
    far = behind(ok)
    body = {"model": "m", "instructions": "Be brief.", "input": "Why is the sky blue?", "max_output_tokens": 5}
    reply = far.http.post("/responses", json=body).json()
    assert reply["output_text"] == "It is\u2028blue."
    assert [message["role"] for message in far.sent["messages"]] == ["system", "user"]
    assert far.sent["max_tokens"] == 5


def test_log_probabilities_come_through(behind):
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    data = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "logprobs": {"content": [token]}}]}
    events = (f"data: {json.dumps(data)}\n\n".encode(), *ANSWER[2:])
    far = behind(acts.stream(*events))
    choice = far.ask(logprobs=True, top_logprobs=1).json()["choices"][0]
    assert choice["logprobs"]["content"] == [token]
    assert (far.sent["logprobs"], far.sent["top_logprobs"]) == (True, 1)


def test_tool_calls_in_pieces_arrive_whole(behind):
    def piece(**fields: Any) -> bytes:
        return chunk({"tool_calls": [fields]})

    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"ci'}}
    far = behind(
        acts.stream(
            piece(**call),
            piece(index=0, function={"arguments": 'ty": "Oslo"}'}),
            piece(index=1, id="c2", function={"name": "get_weather", "arguments": ""}),
            chunk({}, "tool_calls"),
            b"data: [DONE]\n\n",
        )
    )
    choice = far.ask(tools=[TOOL]).json()["choices"][0]
    functions = [call["function"] for call in choice["message"]["tool_calls"]]
    assert functions == [
        {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
        {"name": "get_weather", "arguments": "{}"},
    ]
    assert choice["finish_reason"] == "tool_calls"


THINKING = (
    chunk({"reasoning_content": "Blue "}),
    chunk({"reasoning_content": "scatters."}),
    *ANSWER[:3],
    chunk({}, usage={"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 6}}),
)


def test_what_a_model_thinks_comes_through_signed(behind):
    far = behind(acts.stream(*THINKING, b"data: [DONE]\n\n"))
    body = far.ask().json()
    message = body["choices"][0]["message"]
    assert message["content"] == "It is\u2028blue."
    assert message["reasoning_content"] == message["reasoning"][0]["thinking"] == "Blue scatters."
    assert body["usage"]["completion_tokens"] == 9
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 6
    again = far.ask(messages=[*QUESTION, message, *QUESTION])
    assert again.status_code == 200
    assert far.sent["messages"][1] == {"role": "assistant", "content": message["content"]}


def test_how_hard_to_think_is_handed_on(behind):
    model = {"capabilities": ["streaming", "non_streaming", "reasoning", "reasoning_off"], "efforts": ["low", "high"]}
    far = behind(ok, model=model)
    assert far.ask(reasoning_effort="medium").json()["choices"][0]["message"]["content"] == "It is\u2028blue."
    assert far.sent["reasoning_effort"] == "high"
    far.ask()
    assert "reasoning_effort" not in far.sent


def test_models_of_one_upstream_are_measured_apart(behind):
    far = behind(ok)
    far.ask()
    far.ask("far-only")
    far.ask(model=None, gateway={"models": ["m", "far-only"], "routing": {"providers": ["far"]}})
    first, second = far.sandbox.decisions[-1]["candidates"]
    assert {first["engine"], second["engine"]} == {"far/m-there", "far/far-only"}
    assert first["ttft_ms"] != second["ttft_ms"]


def test_a_server_that_does_not_stream_is_understood(behind):
    message = {"role": "assistant", "content": "Whole."}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "length"}]}
    far = behind(acts.reply(200, whole))
    body = far.ask(stream=False).json()
    assert body["choices"][0]["message"]["content"] == "Whole."
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 2  # estimated, as the server does not say


def test_the_cache_of_the_upstream_is_what_counts(behind):
    body = behind(ok, price={**PRICE, "cache_read": 0.5}).ask().json()
    assert body["usage"]["prompt_tokens_details"]["cached_tokens"] == 6
    assert body["routing_metadata"]["cost"]["usd"] == pytest.approx((4 * 1.0 + 6 * 0.5 + 4 * 2.0) / 1e6)


def error(status: int, message: str = "No.", **fields: Any) -> Act:
    headers = {key: fields.pop(key) for key in ("retry_after",) if key in fields}
    return acts.reply(status, {"error": {"message": message, **fields}}, **headers)


FAILURES = {
    "429": (error(429, retry_after="7"), 429, "rate_limit_exceeded"),
    "500": (error(500), 502, "upstream_error"),
    "503": (error(503), 503, "model_unavailable"),
    "504": (acts.reply(504, b"<html>"), 504, "upstream_timeout"),
    "key": (error(401, f"Incorrect API key: {KEY}", code="invalid_api_key"), 502, "upstream_error"),
    "unknown model": (error(404, code="model_not_found"), 503, "model_unavailable"),
    "redirect": (acts.reply(307, location="http://127.0.0.2:1/"), 502, "upstream_error"),
    "reset": (acts.reset, 502, "upstream_error"),
    "not JSON": (acts.reply(200, b"<html>"), 502, "upstream_error"),
    "empty stream": (acts.stream(b"data: [DONE]\n\n"), 502, "upstream_error"),
    "error event": (acts.stream(b'data: {"error": {"message": "Out of memory."}}\n\n'), 502, "upstream_error"),
    "event that is not JSON": (acts.stream(b"data: {\n\n"), 502, "upstream_error"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_has_the_gateways_codes_or_the_next_provider_answers(behind, failure):
    act, status, code = FAILURES[failure]
    far = behind(act)
    alone = far.ask("far-only")
    assert (alone.status_code, alone.json()["error"]["code"]) == (status, code)
    assert alone.json()["error"]["provider"] == alone.headers["x-error-provider"] == "far"
    assert KEY not in alone.text
    if failure == "429":
        assert (alone.headers["retry-after"], alone.headers["x-rate-limit-source"]) == ("7", "upstream")
    both = far.ask().json()
    assert both["choices"][0]["message"]["content"] == "From here."
    assert both["routing_metadata"]["provider"] == "near"
    assert both["routing_metadata"]["warnings"][0]["code"] == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"code": "invalid_value"}, "invalid_request"),
        ({"code": "context_length_exceeded"}, "context_length_exceeded"),
        ({"type": "exceed_context_size_error", "code": 400}, "context_length_exceeded"),
        ({"code": "content_filter"}, "content_filtered"),
    ],
)
def test_a_refused_request_is_not_sent_to_the_next_provider(behind, fields, code):
    far = behind(error(400, "That cannot be.", **fields))
    before = len(far.engine.prompts)
    reply = far.ask()
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)
    assert "That cannot be." in reply.json()["error"]["message"]
    assert len(far.engine.prompts) == before


def test_nobody_at_the_address(behind, monkeypatch):
    with nobody_listening() as address:
        far = behind(ok, base_url=address)
        alone = far.ask("far-only")
        assert (alone.status_code, alone.json()["error"]["code"]) == (503, "no_provider_available")
        assert far.ask().json()["routing_metadata"]["provider"] == "near"


def test_a_stream_that_breaks_after_its_beginning_ends_with_an_error_event(behind):
    far = behind(acts.stream(*ANSWER[:2], end="close"))
    reply = far.ask(stream=True)
    events = [json.loads(line[6:]) for line in reply.text.split("\n") if line.startswith("data: {")]
    assert events[0]["choices"][0]["delta"]["content"] == "It is\u2028"
    assert events[-1]["error"]["code"] == "upstream_error"
    assert "[DONE]" not in reply.text


def test_a_silent_upstream_is_left_when_its_time_is_over(behind):
    far = behind(acts.hang)
    reply = far.ask(gateway={"routing": {"timeout_ms": 100}}).json()
    assert reply["routing_metadata"]["provider"] == "near"
    assert reply["routing_metadata"]["warnings"][0]["type"] == "provider_timeout"
    far.server.wait_until_unused()


def test_a_client_that_leaves_ends_the_request_to_the_upstream(behind):
    far = behind(acts.stream(ANSWER[0], end="hang"))
    body = {"model": "m", "messages": QUESTION, "stream": True}
    with far.http.stream("POST", "/chat/completions", json=body) as reply:
        next(reply.iter_lines())
    far.server.wait_until_unused()


def test_an_upstream_is_never_asked_without_a_request(behind):
    assert behind(ok).server.requests == []


MODELS = {"data": [{"id": "llama3.1:8b", "max_model_len": 4096}, {"id": "gpt-4o"}, {"no": "id"}]}


def test_an_upstream_without_a_model_in_the_catalogue_is_asked_for_its_models(monkeypatch):
    monkeypatch.setenv("MY_BOX_API_KEY", KEY)
    with serve(acts.reply(200, MODELS), ok) as server:
        with Sandbox(engines=[WatchedEngine("quote")], upstreams={"my-box": server.url}) as sandbox:
            headers = {"Authorization": f"Bearer {sandbox.api_key}"}
            directory = httpx.get(f"{sandbox.base_url}/directory/models").json()["models"]
            body = {"model": "llama3.1:8b", "messages": QUESTION}
            reply = httpx.post(f"{sandbox.base_url}/chat/completions", json=body, headers=headers).json()
        listing, asked = server.requests
    assert (listing.method, listing.target) == ("GET", "/v1/models")
    assert listing.header("authorization") == asked.header("authorization") == f"Bearer {KEY}"
    (offer,) = directory["llama3.1:8b"]["providers"]
    assert (offer["provider"], offer["context_window"]) == ("my-box", 4096)
    assert {each["provider"] for each in directory["gpt-4o"]["providers"]} == {"my-box", "openai"}
    assert reply["routing_metadata"]["cost"]["usd"] == 0.0  # it runs on this machine
    assert asked.json["model"] == "llama3.1:8b"


@pytest.mark.parametrize("act", [acts.error(500), acts.reply(200, b"<html>"), acts.reply(200, {"data": 1}), acts.reset])
def test_an_upstream_that_does_not_list_its_models_is_named(act, monkeypatch):
    monkeypatch.setenv("FAR_API_KEY", KEY)
    expected = pytest.raises(UpstreamError, match="The upstream far does not list its models")
    with serve(act) as server, expected as caught:
        Sandbox(upstreams={"far": server.url})
    assert server.requests[0].header("authorization") == f"Bearer {KEY}"
    assert KEY not in with_locals(caught.value)


def test_a_key_that_is_named_has_to_be_there(monkeypatch):
    monkeypatch.delenv("FAR_KEY", raising=False)
    catalog = {"providers": {"far": {"base_url": "http://127.0.0.1:9", "api_key_env": "FAR_KEY"}}}
    with pytest.raises(ValueError, match="set FAR_KEY"):
        Sandbox(catalog=catalog)
    monkeypatch.setenv("FAR_KEY", f"{KEY}\n")
    with pytest.raises(ValueError, match="FAR_KEY holds characters") as caught:
        Sandbox(catalog=catalog)
    assert KEY not in with_locals(caught.value)


def with_locals(error: BaseException) -> str:
    """The traceback as error trackers send it."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        ({"base_url": "https://api.example.com"}, "m by far has no price, and may cost money"),
        ({"base_url": "ftp://127.0.0.1"}, "is not an address of an API"),
        ({"base_url": "http://me:secret@127.0.0.1"}, "must not carry a user name"),
        ({"base_url": "http://127.0.0.1", "engine": "quote"}, "either an engine or a base_url"),
        ({"base_url": "http://127.0.0.1", "price": {"input": -1, "output": 0}}, "providers.far.price.input"),
        ({"base_url": "http://127.0.0.1", "colour": "blue"}, "providers.far.colour"),
    ],
)
def test_catalogues_that_are_wrong_say_where(tmp_path, provider, message):
    models = {"m": {"offers": {"far": {}}}}
    with pytest.raises(ValueError, match=message) as caught:
        Sandbox(catalog={"providers": {"far": provider}, "models": models})
    assert "secret" not in str(caught.value)


def test_a_catalogue_in_toml_adds_to_the_one_that_comes_along(tmp_path):
    file = tmp_path / "catalog.toml"
    file.write_text("""
        [providers.together_ai]
        data_policy = "zdr"

        [providers.openai]
        base_url = "https://api.openai.com/v1"
        price = { input = 3.0, output = 12.0 }

        [models.gpt-4o]
        display_name = "The real one"
        offers.openai.upstream_model = "gpt-4o-2024-08-06"
    """)
    sandbox = Sandbox(engines=["quote", "quote-slow"], catalog=file)
    model = sandbox.catalog.find("gpt-4o")
    assert model is not None
    real = next(offer for offer in model.offers if offer.provider.id == "openai")
    assert (model.display_name, real.upstream_model, real.tiers[0].input) == (
        "The real one",
        "gpt-4o-2024-08-06",
        3.0,
    )
    assert {offer.provider.id for offer in model.offers} == {"openai", "azure_openai"}
    policies = {provider.id: provider.data_policy for provider in sandbox.catalog.providers()}
    assert policies["together_ai"] == "zdr"
    mini = sandbox.catalog.find("gpt-4o-mini")  # what came along for a provider that is an upstream now is gone
    assert mini is not None
    assert "openai" not in {offer.provider.id for offer in mini.offers}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "is not TOML"),
        ("models = 1", "models holds a table"),
        ("x = 1", "'x' is not known"),
        (None, "cannot be read"),
    ],
)
def test_files_that_are_no_catalogue(tmp_path, text, message):
    file = tmp_path / "catalog.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=message):
        Sandbox(catalog=file)
