"""What every run of the quoting engine keeps to, whatever it is asked."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.output_parsers import PydanticOutputParser
from pydantic import BaseModel

from auriko.sandbox.engines import QuoteEngine
from auriko.sandbox.engines.base import Prompt
from auriko.sandbox.engines.tokens import count_prompt_tokens, count_tokens, cut_tokens
from support.engine_runs import run

ENGINE = QuoteEngine()
CONTEXT = "Context:\nThe tower is 93 metres tall. It was built in 1889.\n\nQuestion: How tall is the tower?\nAnswer:"


def test_the_answer_comes_word_by_word() -> None:
    done = run(ENGINE, CONTEXT)
    assert done.pieces == ["The", " tower", " is", " 93", " metres", " tall."]
    assert done.finish.reason == "stop"
    assert done.finish.completion_tokens == count_tokens(done.text)


def test_max_tokens_cuts_and_says_so() -> None:
    done = run(ENGINE, CONTEXT, max_tokens=3)
    assert done.text == "The tower is"
    assert (done.finish.reason, done.finish.completion_tokens) == ("length", 3)
    assert run(ENGINE, CONTEXT, max_tokens=100).finish.reason == "stop"


def test_text_ends_before_a_stop_string() -> None:
    done = run(ENGINE, CONTEXT, stop=("metres", "tall"))
    assert done.text == "The tower is 93 "
    assert done.finish.reason == "stop"


@pytest.mark.parametrize("text", ["Hello!", "", "What is inference arbitrage?", "Write a poem about the sea."])
def test_without_text_to_answer_from_it_says_what_it_is_and_what_to_do(text: str) -> None:
    done = run(ENGINE, {"role": "system", "content": "You are a helpful assistant."}, text)
    assert "quoting engine" in done.text
    assert "`auriko sandbox install`" in done.text
    assert "`answers=`" in done.text
    assert ENGINE.passes_on(Prompt(messages=({"role": "user", "content": text},)))


def test_what_has_text_a_form_or_a_tool_is_not_passed_on() -> None:
    tool = {"type": "function", "function": {"name": "add", "parameters": {}}}
    for prompt in (
        Prompt(messages=({"role": "user", "content": CONTEXT},)),
        Prompt(messages=({"role": "user", "content": "Hello!"},), response_format={"type": "json_object"}),
        Prompt(messages=({"role": "user", "content": "Hello!"},), tools=(tool,), tool_choice="required"),
        Prompt(messages=({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]},)),
    ):
        assert not ENGINE.passes_on(prompt)


def test_attachments_are_described_not_guessed() -> None:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 92).decode()
    wav = base64.b64encode(b"y" * 50).decode()
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.jpg?token=hidden"}},
        {"type": "input_audio", "input_audio": {"data": wav, "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{wav}"}},
        {"type": "video_url", "video_url": {"url": "https://example.com/x.mp4"}},
    ]
    text = run(ENGINE, {"role": "user", "content": content}).text
    for told in (
        "an image (image/png, 100 bytes)",
        "an image at example.com",
        "a sound (audio/wav, 50 bytes)",
        "a file a.pdf (application/pdf, 50 bytes)",
        "a part of type video_url",
    ):
        assert told in text
    assert "hidden" not in text


MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": st.text()}),
    min_size=1,
    max_size=4,
)


@given(messages=MESSAGES, limit=st.none() | st.integers(1, 20), stop=st.lists(st.text(max_size=3), max_size=2))
def test_any_text_is_answered(messages: list[dict[str, Any]], limit: int | None, stop: list[str]) -> None:
    done = run(ENGINE, *messages, max_tokens=limit, stop=tuple(stop))
    assert limit is None or count_tokens(done.text) <= limit
    assert not any(one and one in done.text for one in stop)


def test_closing_a_run_early_is_no_error() -> None:
    events = ENGINE.run(Prompt(messages=({"role": "user", "content": CONTEXT},)))
    next(events)
    events.close()  # type: ignore[attr-defined]


def test_prompt_tokens_count_messages_tools_and_attachments() -> None:
    plain = count_prompt_tokens(Prompt(messages=({"role": "user", "content": "Hello there"},)))
    tool = {"type": "function", "function": {"name": "add", "parameters": {}}}
    call = {"id": "c", "type": "function", "function": {"name": "add", "arguments": json.dumps({"a": 1})}}
    parts = [{"type": "text", "text": "Hello there"}, {"type": "image_url", "image_url": {"url": "https://a.example"}}]
    more = [
        Prompt(messages=({"role": "user", "content": "Hello there"},), tools=(tool,)),
        Prompt(messages=({"role": "user", "content": "Hello there"}, {"role": "assistant", "tool_calls": [call]})),
        Prompt(messages=({"role": "user", "content": parts},)),
        Prompt(messages=({"role": "user", "content": "Hello there"},), response_format={"type": "json_object"}),
    ]
    assert plain == 2 + 4
    assert all(count_prompt_tokens(prompt) > plain for prompt in more)


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("Hello, world!", 4), ("documentation", 2), ("12345", 2), ("你好", 2), ("São", 2), ("a_b", 3)],
)
def test_tokens_are_counted_as_documented(text: str, count: int) -> None:
    assert count_tokens(text) == count


@given(text=st.text(), limit=st.integers(0, 30))
def test_a_cut_text_has_at_most_the_tokens_it_may_have(text: str, limit: int) -> None:
    cut = cut_tokens(text, limit)
    assert count_tokens(cut) <= limit
    assert text.startswith(cut)


ODD_TEXTS = {
    "a long document": CONTEXT * 500,
    "spaces": " " * 200_000,
    "one long word": "a" * 200_000,
    "underscores": "_" * 50_000,
    "dashes": "-" * 100_000,
    "quotation marks": '"' * 50_000,
    "brackets": "{" * 20_000 + " schema json",
    "names": "A b " * 30_000,
    "numbers": "1 " * 50_000,
    "a series": "a, " * 20_000 + "and b",
    "lines": "\n" * 100_000,
    "keys": "`a` and " * 20_000 + "keys json",
    "addresses": "a@" * 30_000,
    "labels": "Query: " * 20_000,
}


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_long_and_odd_texts_do_not_take_for_ever(text: str) -> None:
    properties = {
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "n": {"type": "integer"},
    }
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    tool = {"type": "function", "function": {"name": "note", "description": "Note a name.", "parameters": schema}}
    assert run(ENGINE, text).text
    assert run(ENGINE, text, tools=(tool,), tool_choice="required").calls
    response_format = {"type": "json_schema", "json_schema": {"name": "note", "schema": schema}}
    assert json.loads(run(ENGINE, text, response_format=response_format).text).keys() == properties.keys()


def asked_as_json(text: str, *before: Any, **settings: Any) -> Any:
    return json.loads(run(ENGINE, *before, text, **settings).text)


def test_json_mode_gives_an_object_with_the_keys_that_the_text_names() -> None:
    settings = {"response_format": {"type": "json_object"}}
    assert asked_as_json("Ana Silva lives in Oslo.", **settings) == {"answer": "Ana Silva"}
    told = "Ana Silva lives in Oslo. Return JSON with the keys 'name' and 'city'."
    assert asked_as_json(told, **settings) == {"name": "Ana Silva", "city": "Oslo"}
    assert asked_as_json(told) == {"name": "Ana Silva", "city": "Oslo"}


def test_a_schema_in_the_text_is_filled_as_output_parsers_expect() -> None:
    class Person(BaseModel):
        name: str
        age: int

    parser = PydanticOutputParser(pydantic_object=Person)
    asked = f"Answer the user query.\n{parser.get_format_instructions()}\nAna Silva is 34 years old.\n"
    assert parser.parse(run(ENGINE, asked).text) == Person(name="Ana Silva", age=34)


def test_the_form_may_be_told_in_the_system_message() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    for told in (
        f"Answer with JSON that follows this schema:\n{json.dumps(schema)}",
        'Answer as JSON with the key "city".',
    ):
        assert asked_as_json("Ana lives in Oslo.", {"role": "system", "content": told}) == {"city": "Oslo"}


def test_a_schema_among_the_documents_is_no_instruction() -> None:
    document = 'The schema is {"type": "object", "properties": {"city": {"type": "string"}}}. Ana lives in Oslo.'
    system = f"Answer the question from this context.\n\nContext:\n{document}"
    assert run(ENGINE, {"role": "system", "content": system}, "Where does Ana live?").text == "Ana lives in Oslo."


def test_tool_results_count_as_text_for_a_structured_answer() -> None:
    schema = {"type": "object", "properties": {"degrees": {"type": "integer"}}, "required": ["degrees"]}
    call = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    done = run(
        ENGINE,
        "How warm is it in Oslo?",
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "4 degrees"},
        response_format={"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}},
    )
    assert json.loads(done.text) == {"degrees": 4}
