"""What an LLM is set to: checked when it is made, kept by every copy and store, the key never shown."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from typing import Any

import httpx
import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.loading import load_llm

from auriko import RoutingOptions
from auriko.errors import AuthenticationError
from auriko_llamaindex import Auriko

KEY = "ak_test_secret_0123456789"
MESSAGES = [ChatMessage(role="user", content="Hi")]


def test_the_class_has_a_name_of_its_own():
    assert Auriko.class_name() == "auriko_llm"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "model or models"),
        ({"model": "a", "models": ["b"]}, "model or models"),
        ({"models": []}, "models"),
        ({"models": [str(n) for n in range(11)]}, "models"),
        ({"model": "a", "temperature": 3}, "temperature"),
        ({"model": "a", "max_tokens": 0}, "max_tokens"),
        ({"model": "a", "context_window": 0}, "context_window"),
        ({"model": "a", "routing": {"optimise": "cost"}}, "optimize"),
        ({"model": "a", "routing": {"optimize": "speed"}}, "optimize"),
        ({"model": "a", "gateway_metadata": {"team": "x"}}, "custom_fields"),
        ({"model": "a", "extensions": {"thinking": {"enabled": True}}}, "reasoning_effort"),
        ({"model": "a", "max_retries": -1}, "max_retries"),
        ({"model": "a", "timeout": 0}, "timeout"),
        ({"model": "a", "base_url": "ftp://example.com"}, "base_url"),
        ({"model": "a", "base_url": "https://me:pw@example.com"}, "base_url"),
        ({"model": "a", "modle": "b"}, "modle"),
        ({"model": "a", "http_client": "none"}, "http_client"),
        ({"model": "a", "api_key": f" {KEY}"}, "space"),
        ({"model": "a", "api_key": f"{KEY}\r\nX-Evil: 1"}, "line break"),
        ({"model": "a", "default_headers": {"Authorization": "x"}}, "Authorization"),
    ],
)
def test_a_wrong_setting_is_refused_without_showing_the_key(settings, message):
    with pytest.raises(TypeError if "modle" in settings else ValueError, match=message) as raised:
        Auriko(**{"api_key": KEY, **settings})
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert KEY not in shown
    if hasattr(raised.value, "errors"):
        assert KEY not in str(raised.value.errors())


def test_without_a_key_the_error_names_the_variable(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-auriko")
    with pytest.raises(AuthenticationError, match="AURIKO_API_KEY") as raised:
        Auriko(model="m")
    assert raised.value.code == "missing_api_key"
    assert "auriko sandbox" in str(raised.value)


def test_the_key_comes_from_the_environment_and_never_from_openai(gateway, monkeypatch):
    monkeypatch.setenv("AURIKO_API_KEY", "ak_from_environment")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-auriko")
    gateway.says("ok")
    gateway.llm(api_key=None).chat(MESSAGES)
    assert gateway.headers[0]["authorization"] == "Bearer ak_from_environment"


def test_a_new_llm_sees_a_new_key_of_the_environment(monkeypatch):
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json={"choices": [{"message": {"content": "ok"}}]})

    transport = httpx.Client(transport=httpx.MockTransport(answer))
    llms = []
    for key in ("ak_first", "ak_second"):
        monkeypatch.setenv("AURIKO_API_KEY", key)
        llms.append(Auriko(model="m", http_client=transport))
        llms[-1].chat(MESSAGES)
    assert seen == ["Bearer ak_first", "Bearer ak_second"]


def test_the_key_is_shown_nowhere():
    llm = Auriko(model="m", api_key=KEY, default_headers={"X-Proxy-Key": "hush"})
    shown = [repr(llm), str(llm), str(llm.to_dict()), llm.to_json(), str(llm.to_payload()), str(vars(llm))]
    shown += [str(llm.model_dump()), llm.model_dump_json(), str(pickle.dumps(llm)), repr(llm._clients)]
    for text in shown:
        assert KEY not in text
    for text in [*shown[:5], *shown[6:8]]:
        assert "hush" not in text


def test_the_payload_of_events_says_what_is_asked_for():
    llm = Auriko(
        models=["a", "b"], routing={"optimize": "cost"}, temperature=0.5, api_key=KEY, base_url="http://127.0.0.1:1"
    )
    payload = llm.to_payload()
    json.dumps(payload)
    assert payload["model"] == payload["model_name"] == "a,b"
    assert payload["models"] == ["a", "b"]
    assert payload["routing"] == {"optimize": "cost"}
    assert payload["temperature"] == 0.5
    assert payload["base_url_host"] == "127.0.0.1"
    assert payload["class_name"] == "auriko_llm"


def _configured(**more: Any) -> dict[str, Any]:
    return {
        "models": ["a", "b"],
        "routing": RoutingOptions(optimize="cost", max_ttft_ms=900),
        "gateway_metadata": {"tags": ["docs"]},
        "extensions": {"anthropic": {"x": 1}},
        "temperature": 0.0,
        "max_tokens": 9,
        "reasoning_effort": "low",
        "additional_kwargs": {"seed": 7},
        "extra_body": {"later_field": True},
        "context_window": 1000,
        "system_prompt": "Be brief.",
        "timeout": 5.0,
        "max_retries": 0,
        **more,
    }


EXPECTED_BODY = {
    "messages": [{"role": "user", "content": "Hi"}],
    "gateway": {
        "models": ["a", "b"],
        "routing": {"optimize": "cost", "max_ttft_ms": 900},
        "metadata": {"tags": ["docs"]},
    },
    "extensions": {"anthropic": {"x": 1}},
    "temperature": 0.0,
    "max_completion_tokens": 9,
    "reasoning_effort": "low",
    "seed": 7,
    "later_field": True,
}
COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda llm: llm.model_copy(),
    "model_copy(deep)": lambda llm: llm.model_copy(deep=True),
    "pickle": lambda llm: pickle.loads(pickle.dumps(llm)),  # noqa: S301
    "to_dict": lambda llm: Auriko.from_dict(llm.to_dict()),
    "to_json": lambda llm: Auriko.from_json(llm.to_json()),
}


def _requested_by(gateway: Any, llm: Auriko) -> dict[str, Any]:
    """What the LLM sends, over a transport that a stored copy has to be given again."""
    fresh = gateway.llm(model="unused")
    llm.http_client = fresh.http_client
    llm.base_url = fresh.base_url
    gateway.says("ok")
    assert llm.chat(MESSAGES).message.content == "ok"
    return gateway.bodies[-1]


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("used", [False, True])
def test_every_copy_sends_what_its_original_would(gateway, monkeypatch, way, used):
    monkeypatch.setenv("AURIKO_API_KEY", KEY)
    llm = gateway.llm(api_key=None, **_configured())
    if used:
        gateway.says("ok")
        llm.chat(MESSAGES)
    twin = COPIES[way](llm)
    assert type(twin) is Auriko
    assert _requested_by(gateway, twin) == EXPECTED_BODY
    assert twin.system_prompt == "Be brief."
    assert twin.metadata == llm.metadata
    assert gateway.headers[-1]["authorization"] == f"Bearer {KEY}"


def test_llms_of_equal_settings_are_equal_and_their_copies_too(monkeypatch):
    monkeypatch.setenv("AURIKO_API_KEY", KEY)
    llm = Auriko(**_configured())
    llm._client()
    assert llm == Auriko(**_configured())
    assert llm != Auriko(**{**_configured(), "max_tokens": 10})
    assert llm != Auriko(**_configured(max_retries=1))
    assert llm != KEY
    for copied in COPIES.values():
        assert copied(llm) == llm


@pytest.mark.parametrize("way", ["copy", "deepcopy", "model_copy", "model_copy(deep)"])
def test_copies_in_memory_keep_the_key_and_the_transport(gateway, way):
    llm = gateway.llm(api_key=KEY)
    twin = COPIES[way](llm)
    assert twin.http_client is llm.http_client
    gateway.says("ok")
    twin.chat(MESSAGES)
    assert gateway.headers[-1]["authorization"] == f"Bearer {KEY}"


def test_a_pickle_leaves_the_key_out_and_the_first_call_says_so(gateway):
    twin = pickle.loads(pickle.dumps(gateway.llm(api_key=KEY)))  # noqa: S301
    assert twin.api_key is None
    with pytest.raises(AuthenticationError, match="AURIKO_API_KEY"):
        twin.chat(MESSAGES)


def test_a_pickle_holds_the_key_if_told_to(gateway):
    twin = pickle.loads(pickle.dumps(gateway.llm(api_key=KEY, pickle_api_key=True)))  # noqa: S301
    _requested_by(gateway, twin)
    assert gateway.headers[-1]["authorization"] == f"Bearer {KEY}"


def test_a_pickle_of_an_llm_with_unpicklable_callbacks_is_whole(gateway):
    llm = gateway.llm(api_key=KEY, pickle_api_key=True)
    llm.callback_manager.add_handler(_Unpicklable())
    twin = pickle.loads(pickle.dumps(llm))  # noqa: S301
    assert twin.callback_manager.handlers == []
    assert _requested_by(gateway, twin)["model"] == "m-1"


class _Unpicklable:
    def __reduce__(self) -> Any:
        raise TypeError("no")


def test_a_changed_copy_uses_its_own_settings(gateway):
    llm = gateway.llm()
    gateway.says("ok")
    llm.chat(MESSAGES)
    twin = llm.model_copy(update={"api_key": None, "default_headers": {"X-Team": "b"}})
    with pytest.raises(AuthenticationError):
        twin.chat(MESSAGES)
    llm.default_headers = {"X-Team": "a"}
    gateway.says("ok")
    llm.chat(MESSAGES)
    assert gateway.headers[-1]["x-team"] == "a"


def test_options_may_be_changed_to_plain_values(gateway):
    llm = gateway.llm(routing={"optimize": "cost"})
    llm.routing = {"optimize": "ttft"}
    llm.temperature = 0.25
    assert llm.to_dict()["routing"] == llm.to_payload()["routing"] == {"optimize": "ttft"}
    gateway.says("ok")
    llm.chat(MESSAGES)
    assert gateway.bodies[0]["gateway"] == {"routing": {"optimize": "ttft"}}
    assert gateway.bodies[0]["temperature"] == 0.25


def test_the_window_of_an_unknown_model_is_large():
    metadata = Auriko(model="never-heard-of", api_key=KEY).metadata
    assert metadata.context_window >= 128_000
    assert metadata.num_output == -1
    assert metadata.is_chat_model
    assert metadata.is_function_calling_model
    assert metadata.model_name == "never-heard-of"


def test_the_metadata_says_what_was_set():
    llm = Auriko(model="m", api_key=KEY, context_window=1000, max_tokens=50, is_function_calling_model=False)
    metadata = llm.metadata
    assert (metadata.context_window, metadata.num_output) == (1000, 50)
    assert not metadata.is_function_calling_model


def test_a_stored_llm_is_not_mistaken_for_another_class():
    data = Auriko(model="m", api_key=KEY).to_dict()
    assert data["class_name"] == "auriko_llm"
    with pytest.raises(ValueError, match="Invalid LLM name"):
        load_llm(data)
