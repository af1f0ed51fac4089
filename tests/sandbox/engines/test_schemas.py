"""Structured answers of the extract engine are valid under their schema, and taken from the text where it has them."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auriko.sandbox.engines import ExtractEngine
from auriko.sandbox.engines.extract_patterns import example
from auriko.sandbox.engines.extract_schema import Filler
from support.engine_runs import question_set, run

ENGINE = ExtractEngine()


def filled(text: str, schema: dict[str, Any]) -> Any:
    response_format = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    return json.loads(run(ENGINE, text, response_format=response_format).text)


def check(value: Any, schema: dict[str, Any]) -> None:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(value)


def test_all_of_20_schemas_are_filled_validly() -> None:
    cases = question_set("questions")["schema_cases"]
    assert len(cases) == 20
    for case in cases:
        check(filled(case["text"], case["schema"]), case["schema"])


def test_values_are_taken_from_the_text() -> None:
    cases = question_set("questions")["schema_cases"]
    wanted = [(case, name, value) for case in cases for name, value in case["values"].items()]
    right = [name for case, name, value in wanted if filled(case["text"], case["schema"]).get(name) == value]
    assert len(right) >= 0.9 * len(wanted)


SMALL = st.integers(0, 40)
FORMATS = ["date", "date-time", "email", "uuid", "uri", "ipv4", "hostname"]
SCALARS = st.one_of(
    st.just({"type": "string"}),
    st.tuples(SMALL, SMALL).map(lambda t: {"type": "string", "minLength": t[0], "maxLength": t[0] + t[1]}),
    st.sampled_from(FORMATS).map(lambda name: {"type": "string", "format": name}),
    st.tuples(st.integers(-50, 50), SMALL).map(lambda t: {"type": "integer", "minimum": t[0], "maximum": t[0] + t[1]}),
    st.tuples(st.floats(-9, 9), st.floats(0.5, 9)).map(
        lambda t: {"type": "number", "exclusiveMinimum": t[0], "maximum": t[0] + t[1]}
    ),
    st.integers(1, 9).map(lambda step: {"type": "integer", "minimum": 1, "multipleOf": step}),
    st.just({"type": "boolean"}),
    st.lists(st.sampled_from(["red", "green", "blue", 1, 2, None]), min_size=1, unique=True).map(lambda c: {"enum": c}),
    st.sampled_from(["a", 3, True, None]).map(lambda c: {"const": c}),
    st.just({"type": ["string", "null"]}),
)
NAMES = st.sampled_from(["name", "city", "age", "date", "email", "items", "on", "score", "title", "x"])


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(NAMES, inner, max_size=4).flatmap(
        lambda properties: (
            st.sets(st.sampled_from(sorted(properties))).map(
                lambda required: {
                    "type": "object",
                    "properties": properties,
                    "required": sorted(required),
                    "additionalProperties": False,
                }
            )
            if properties
            else st.just({"type": "object"})
        )
    )


def _arrays(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda items, low, more: {"type": "array", "items": items, "minItems": low, "maxItems": low + more},
        inner,
        st.integers(0, 3),
        st.integers(0, 3),
    )


SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        _objects(inner), _arrays(inner), st.lists(inner, min_size=1, max_size=3).map(lambda some: {"anyOf": some})
    ),
    max_leaves=8,
)
TEXTS = st.sampled_from(
    [
        "",
        "Ana Silva is 34 and lives in Oslo; write to ana@example.org.",
        "On 2026-03-14 at 10:00 we order 3 red chairs, 2 tables and a lamp for 12.50 dollars.",
        "no",
        'She said "yes" and left. It was not on.',
    ]
)


@settings(max_examples=150, deadline=None)
@given(schema=SCHEMAS, text=TEXTS)
def test_whatever_the_schema_the_value_is_valid(schema: dict[str, Any], text: str) -> None:
    check(Filler(schema, text).fill(), schema)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{3}-\d{4}$", r"^[A-Z]{2}\d+$", r"^(foo|bar)?baz$", r"^#(?:[0-9a-f]{3}){1,2}$",
        r"^[^\s@]+@[^\s@]+\.\w{2,}$",
        r"^v(?P<major>\d+)\.\d+$", r"^(a)\1$", r"^.{5}$", r"^\+?[1-9]\d{6,14}$", r"\bword\b", r"^[\]\-x]+$", r"^$",
    ],
)  # fmt: skip
def test_a_pattern_gets_a_text_that_matches_it(pattern: str) -> None:
    schema = {"type": "object", "properties": {"code": {"type": "string", "pattern": pattern}}, "required": ["code"]}
    check(filled("Nothing to see.", schema), schema)


@pytest.mark.parametrize("pattern", [r"(unclosed", r"^(?=.*\d)(?=.*[a-z]).{8}$", r"[", r"a{2"])
def test_a_pattern_beyond_its_means_is_given_up(pattern: str) -> None:
    assert example(pattern) is None or pattern == r"a{2"


def test_recursive_schemas_end() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/node"}, "label": {"type": "string"}},
        "required": ["label"],
    }
    schema = {"$ref": "#/$defs/node", "$defs": {"node": node}}
    check(filled("A list of one.", schema), schema)


def test_json_mode_gives_an_object() -> None:
    text = run(ENGINE, "Give me some JSON.", response_format={"type": "json_object"}).text
    assert json.loads(text) == {"answer": "Give me some JSON."}


def test_json_mode_uses_the_keys_that_the_text_names() -> None:
    told = "Ana Silva lives in Oslo. Return JSON with the keys 'name' and 'city'."
    text = run(ENGINE, told, response_format={"type": "json_object"}).text
    assert json.loads(text) == {"name": "Ana Silva", "city": "Oslo"}


def test_a_schema_in_the_text_is_filled_as_output_parsers_expect() -> None:
    from langchain_core.output_parsers import PydanticOutputParser
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        age: int

    parser = PydanticOutputParser(pydantic_object=Person)
    asked = f"Answer the user query.\n{parser.get_format_instructions()}\nAna Silva is 34 years old.\n"
    assert parser.parse(run(ENGINE, asked).text) == Person(name="Ana Silva", age=34)


@pytest.mark.parametrize(
    "settings", [{}, {"response_format": {"type": "json_object"}}], ids=["asked for in words", "JSON mode"]
)
def test_the_form_may_be_told_in_the_system_message(settings: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    for told in (
        f"Answer with JSON that follows this schema:\n{json.dumps(schema)}",
        'Answer as JSON with the key "city".',
    ):
        text = run(ENGINE, {"role": "system", "content": told}, "Ana lives in Oslo.", **settings).text
        assert json.loads(text) == {"city": "Oslo"}


def test_a_schema_among_the_documents_is_no_instruction() -> None:
    document = 'The schema is {"type": "object", "properties": {"city": {"type": "string"}}}. Ana lives in Oslo.'
    system = f"Answer the question from this context.\n\nContext:\n{document}"
    text = run(ENGINE, {"role": "system", "content": system}, "Where does Ana live?").text
    assert text == "Ana lives in Oslo."


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
