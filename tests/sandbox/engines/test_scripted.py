"""Answers that somebody chose, as an engine and as the argument of a sandbox."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from auriko import Client
from auriko.errors import APIStatusError, BadRequestError, RateLimitError
from auriko.sandbox import Finish, Paced, Prompt, Sandbox, ScriptedEngine, ScriptedError, tool_call
from auriko.sandbox.engines import EngineError, Thought
from auriko.sandbox.engines.scripted import read_answers
from support.engine_runs import run

MESSAGES: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
WEATHER: list[Any] = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]


def ask(client: Client, model: str = "gpt-4o", **settings: Any) -> Any:
    return client.chat.completions.create(model=model, messages=MESSAGES, **settings).choices[0].message


@pytest.fixture
def client(auriko_sandbox):
    with Client(api_key=auriko_sandbox.api_key, base_url=auriko_sandbox.base_url, max_retries=0) as client:
        yield client


def test_a_list_is_given_one_by_one_and_its_end_is_said(auriko_sandbox, client) -> None:
    auriko_sandbox.answer_with(["It rains.", [tool_call("get_weather", city="Oslo"), tool_call("get_weather")], "4°"])
    assert ask(client).content == "It rains."
    calls = ask(client, tools=WEATHER).tool_calls
    assert [call.function.arguments for call in calls] == ['{"city": "Oslo"}', "{}"]
    assert ask(client).content == "4°"
    with pytest.raises(BadRequestError, match="All 3 answers have been given"):
        ask(client)
    auriko_sandbox.answer_with(None)
    assert "quoting engine" in ask(client).content


def test_a_text_is_always_given_and_says_who_gave_it(auriko_sandbox, client) -> None:
    auriko_sandbox.answer_with("Always.")
    assert {ask(client).content for _ in range(3)} == {"Always."}
    reply = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert reply.system_fingerprint == "auriko-sandbox:scripted"
    assert reply.routing_metadata.provider_model_id == "sandbox/scripted"
    assert reply.routing_metadata.cost.usd > 0
    assert (reply.usage.completion_tokens, reply.choices[0].finish_reason) == (2, "stop")


def test_answers_differ_by_model_and_other_models_are_left_to_their_engines(auriko_sandbox, client) -> None:
    auriko_sandbox.answer_with({"gpt-4o": "One.", "claude-sonnet-4-6": ["Two."]})
    assert [ask(client, name).content for name in ("claude-sonnet-4-6", "gpt-4o")] == ["Two.", "One."]
    assert "quoting engine" in ask(client, "deepseek-chat").content
    with pytest.raises(ValueError, match="no model 'gpt-17'"):
        auriko_sandbox.answer_with({"gpt-17": "Three."})


def test_a_function_sees_the_request_and_may_leave_it_to_the_engine(auriko_sandbox, client) -> None:
    seen: list[Prompt] = []

    def answer(request: Prompt) -> str | None:
        seen.append(request)
        return f"{request.model}: {request.messages[-1]['content']}" if len(seen) == 1 else None

    auriko_sandbox.answer_with(answer)
    assert ask(client).content == "gpt-4o: What is the weather in Oslo?"
    assert "quoting engine" in ask(client).content
    assert seen[1].max_tokens
    auriko_sandbox.answer_with(lambda request: 1 / 0)
    with pytest.raises(BadRequestError, match="ZeroDivisionError"):
        ask(client)


def test_an_error_reaches_the_caller_and_no_other_provider_is_tried(auriko_sandbox, client) -> None:
    auriko_sandbox.answer_with([ScriptedError("rate_limit_exceeded", "Slowly.", retry_after=0.01), "Later."])
    with pytest.raises(RateLimitError, match="Slowly") as raised:
        ask(client)
    assert raised.value.retry_after_seconds == 0.01
    assert ask(client).content == "Later."
    with pytest.raises(ValueError, match="'gone' is not a code"):
        ScriptedError("gone")


def test_an_engine_s_error_lets_the_next_provider_answer(auriko_sandbox, client) -> None:
    auriko_sandbox.answer_with([EngineError("out of order"), "The next one."])
    assert ask(client).content == "The next one."


def test_a_stream_may_fail_after_some_words(auriko_sandbox, client) -> None:
    auriko_sandbox.answer_with([["It rains", ScriptedError("upstream_error")]])
    said: list[Any] = []
    with (
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True) as stream,
        pytest.raises(APIStatusError, match="This error was chosen"),
    ):
        said.extend(chunk.choices[0].delta.content for chunk in stream)
    assert said == ["It", " rains"]


def test_a_loop_of_tools_is_answered_by_what_has_been_said(auriko_sandbox, client) -> None:
    def answer(request: Prompt) -> Any:
        result = request.messages[-1]
        if result["role"] != "tool":
            return tool_call("get_weather", city="Oslo")
        return f"It says: {result['content']}"

    auriko_sandbox.answer_with(answer)
    (call,) = ask(client, tools=WEATHER).tool_calls
    done = {"id": call.id, "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    loop: Any = [*MESSAGES, {"role": "assistant", "tool_calls": [done]}]
    loop.append({"role": "tool", "tool_call_id": call.id, "content": "4 degrees"})
    reply = client.chat.completions.create(model="gpt-4o", messages=loop, tools=WEATHER)
    assert reply.choices[0].message.content == "It says: 4 degrees"


def test_an_answer_may_be_cut_and_come_with_pauses(auriko_sandbox, client) -> None:
    def slowly(request: Prompt) -> Any:
        yield "It"
        time.sleep(0.2)
        yield " rains."

    auriko_sandbox.answer_with(slowly)
    with client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True) as stream:
        times = [time.monotonic() for chunk in stream if chunk.choices and chunk.choices[0].delta.content]
    assert times[1] - times[0] > 0.15
    auriko_sandbox.answer_with([["It rains", Finish("length")], [tool_call("get_weather", city="O"), Finish("length")]])
    for _ in range(2):
        reply = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, tools=WEATHER)
        assert reply.choices[0].finish_reason == "length"

    def broken(request: Prompt) -> Any:
        yield "It"
        raise ZeroDivisionError

    auriko_sandbox.answer_with(broken)
    with pytest.raises(BadRequestError, match="ZeroDivisionError"):
        ask(client)


def test_reasoning_takes_no_answer_and_may_be_chosen_too(auriko_sandbox, client) -> None:
    auriko_sandbox.answer_with([[Thought("Clouds."), "It rains."], "It stops."])
    settings: Any = {"model": "claude-sonnet-4-6", "reasoning_effort": "low", "n": 1}
    first, second = ask(client, **settings), ask(client, **settings)
    assert "Clouds." in first.reasoning_content
    assert (first.content, second.content) == ("It rains.", "It stops.")


def test_limits_hold_for_chosen_texts() -> None:
    engine = ScriptedEngine(["one two three four", "one two three four"])
    assert run(engine, "?", max_tokens=2).text == "one two"
    assert run(engine, "?", stop=("three",)).text == "one two "


def test_an_engine_of_its_own_without_an_answer_for_a_model() -> None:
    with pytest.raises(ScriptedError, match="no answer for the model ''"):
        run(ScriptedEngine({"gpt-4o": "One."}), "?")
    assert [run(ScriptedEngine("Yes."), "?", is_thought=thought).text for thought in (True, False)] == ["", "Yes."]


def test_each_answer_is_given_once_to_many_threads() -> None:
    engine, given = ScriptedEngine([str(number) for number in range(200)]), list[Any]()
    threads = [
        threading.Thread(target=lambda: given.extend(engine.take(Prompt(messages=())) for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given, key=int) == [str(number) for number in range(200)]


def test_upstreams_are_answered_for_too() -> None:
    catalog = {"providers": {"far": {"base_url": "http://127.0.0.1:9"}}, "models": {"m": {"offers": {"far": {}}}}}
    with (
        Sandbox(catalog=catalog, answers={"m": "From here."}) as sandbox,
        Client(api_key=sandbox.api_key, base_url=sandbox.base_url) as client,
    ):
        assert ask(client, "m").content == "From here."


def test_a_file_of_answers(tmp_path: Path) -> None:
    file = tmp_path / "answers.toml"

    def read(text: str) -> Any:
        file.write_text(text)
        return read_answers(file)

    text, call, both = read(
        'answers = ["Yes.", {tool = "get_weather", arguments = {city = "Oslo"}}, ["Well.", {tool = "stop"}]]'
    )
    assert text == "Yes."
    assert call == tool_call("get_weather", city="Oslo")
    assert both == ["Well.", tool_call("stop")]
    assert read("answers = {tool = 'book', arguments = {day = 2026-03-14}}") == tool_call("book", day="2026-03-14")
    failure = read('[answers]\ngpt-4o = [{error = "rate_limit_exceeded", retry_after = 2}]')["gpt-4o"][0]
    assert (failure.code, failure.retry_after) == ("rate_limit_exceeded", 2)
    for wrong, told in (
        ("answers = [1]", "1 is no answer"),
        ("answers = {tool = 5}", "is no answer"),
        ('answers = {tool = "a", arguments = "x"}', "is no answer"),
        ('answers = {error = "rate_limit_exceeded", retry_after = "soon"}', "could not convert"),
        ('answers = {error = "rate_limit_exceeded", retry_after = -2}', "retry_after is -2"),
        ('answers = {error = "rate_limit_exceeded", retry_after = nan}', "retry_after is nan"),
        ('answers = {tool = "t", argument = {}}', "no answer"),
        ('answer = "Yes."', "has to have `answers`"),
        ("answers = ", "is not TOML"),
    ):
        with pytest.raises(ValueError, match=told):
            read(wrong)
    with pytest.raises(ValueError, match="cannot be read"):
        read_answers(tmp_path / "gone.toml")


class Noting:
    """An engine that has something to load and to close."""

    name = "noting"

    def __init__(self) -> None:
        self.noted: list[str] = []

    def run(self, prompt: Prompt) -> Any:
        try:
            yield from ScriptedEngine("one two three").run(prompt)
        finally:
            self.noted.append("ended")

    def warm(self) -> None:
        self.noted.append("warm")

    def close(self) -> None:
        self.noted.append("closed")


def test_a_pace_is_kept_and_the_engine_behind_it_is_still_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("auriko.sandbox.engines.paced.time.sleep", slept.append)
    inner = Noting()
    engine = Paced(inner, first=0.5, each=0.1, name="slow")
    assert (engine.name, Paced(inner).name) == ("slow", "noting")
    assert run(engine, "?").text == "one two three"
    assert slept == [0.5, 0.1, 0.1]
    events: Any = engine.run(Prompt(messages=()))
    next(events)
    events.close()
    engine.warm()
    engine.close()
    assert inner.noted == ["ended", "ended", "warm", "closed"]
    assert not any(hasattr(Paced(ScriptedEngine("")), name) for name in ("warm", "close", "passes_on"))


class Model:
    """Stands in for the language model."""

    name = "smollm2"

    def run(self, prompt: Prompt) -> Any:
        assert not prompt.tools
        assert prompt.max_tokens in {64, 256}  # when it is measured, and when it is asked
        return ScriptedEngine("A poem.").run(prompt)


@pytest.mark.parametrize("provider", ["openai", "azure_openai"])
def test_what_brings_no_text_is_answered_by_the_language_model_where_it_is(provider: str) -> None:
    engines: list[Any] = ["quote", "quote-slow", Model()]
    with (
        Sandbox(engines=engines) as sandbox,
        Client(api_key=sandbox.api_key, base_url=sandbox.base_url) as client,
    ):
        gateway: Any = {"routing": {"providers": [provider]}}
        reply = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, gateway=gateway, tools=[
            {"type": "function", "function": {"name": "add"}}])  # fmt: skip
        assert reply.choices[0].message.content == "A poem."
        assert reply.system_fingerprint == "auriko-sandbox:smollm2"
        assert reply.routing_metadata.provider_model_id == "sandbox/smollm2"
        assert reply.routing_metadata.provider == provider
        quoted: Any = [{"role": "user", "content": "Context: The sky is blue.\n\nWhat colour is the sky?"}]
        reply = client.chat.completions.create(model="gpt-4o", messages=quoted, gateway=gateway)
        assert reply.choices[0].message.content == "The sky is blue."
        assert reply.routing_metadata.provider_model_id == f"sandbox/quote{'-slow' * (provider == 'azure_openai')}"
        long: Any = [{"role": "system", "content": "You are kind. " * 1000}, {"role": "user", "content": "Hello!"}]
        reply = client.chat.completions.create(model="gpt-4o", messages=long, gateway=gateway)
        assert reply.system_fingerprint.startswith("auriko-sandbox:quote")  # more than the model can hold
