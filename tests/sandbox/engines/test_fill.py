"""Values for JSON schemas: valid under whatever schema, and the text's own where it has them literally."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auriko.sandbox.engines.quote import fill as filling
from auriko.sandbox.engines.quote.pattern import examples
from support.engine_runs import question_set


def fill(schema: Any, text: str) -> Any:
    return json.loads(filling.fill(schema, text))


def check(value: Any, schema: Any) -> None:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(value)


CASES = question_set("literals")["schema_cases"]


def test_committed_schemas_are_filled_validly_and_mostly_from_the_text() -> None:
    """28 schemas name 37 values; what needs more than reading ("twice", a mood, "3 May") is not found."""
    wanted: list[bool] = []
    for case in CASES:
        value = fill(case["schema"], case["text"])
        check(value, case["schema"])
        wanted += [value.get(name) == given for name, given in case["values"].items()]
    assert (len(CASES), len(wanted)) == (28, 37)
    assert sum(wanted) >= 34


SMALL = st.integers(0, 12)
STRINGS = st.one_of(
    st.just({"type": "string"}),
    st.tuples(SMALL, SMALL).map(lambda t: {"type": "string", "minLength": t[0], "maxLength": t[0] + t[1]}),
    st.sampled_from(
        ["date", "date-time", "time", "email", "uuid", "uri", "ipv4", "ipv6", "hostname", "duration", "regex"]
    ).map(lambda name: {"type": "string", "format": name}),
    st.sampled_from(
        [r"^[A-Z]{2}-\d{4}$", r"^\d+$", r"^(a|bc)+$", r"^[^\s@]+@x\.\w{2,}$", r"\S", r"^#[0-9a-f]{6}$"]
    ).map(lambda pattern: {"type": "string", "pattern": pattern}),
    st.integers(0, 9).map(lambda least: {"type": "string", "pattern": r"^[a-z]*$", "minLength": least}),
)
NUMBERS = st.one_of(
    st.tuples(st.integers(-50, 50), SMALL).map(lambda t: {"type": "integer", "minimum": t[0], "maximum": t[0] + t[1]}),
    st.tuples(st.integers(-50, 50), st.integers(2, 9)).map(
        lambda t: {"type": "integer", "exclusiveMinimum": t[0], "exclusiveMaximum": t[0] + t[1]}
    ),
    st.tuples(st.floats(-9, 9), st.floats(0.01, 9)).map(
        lambda t: {"type": "number", "exclusiveMinimum": t[0], "maximum": t[0] + t[1]}
    ),
    st.tuples(st.integers(1, 9), st.integers(-30, 30)).map(
        lambda t: {"type": "integer", "minimum": t[1], "multipleOf": t[0]}
    ),
    st.sampled_from([0.5, 0.25, 2.5, 0.1]).map(lambda step: {"type": "number", "multipleOf": step}),
    st.just({"type": "number"}),
)
SCALARS = st.one_of(
    STRINGS,
    NUMBERS,
    st.just({"type": "boolean"}),
    st.lists(st.sampled_from(["red", "green", "blue", 1, 2, None]), min_size=1, unique=True).map(lambda c: {"enum": c}),
    st.sampled_from(["a", 3, True, None, [1, {"b": 2}], {}]).map(lambda c: {"const": c}),
    st.just({"type": ["string", "null"]}),
    st.just({}),
    st.just({"type": "integer", "not": {"const": 0}}),
    st.just({"type": "string", "default": "usual"}),
)
NAMES = st.sampled_from(["name", "city", "age", "date", "email", "items", "on", "score", "title", "x"])


@st.composite
def objects(draw: Any, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    properties = draw(st.dictionaries(NAMES, inner, max_size=4))
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required := draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []:
        schema["required"] = required
    match draw(st.integers(0, 5)):
        case 0:
            schema["additionalProperties"] = False
            schema["minProperties"] = len(required)
        case 1:
            schema["additionalProperties"] = draw(inner)
            schema["minProperties"] = draw(SMALL)
        case 2:
            schema["required"] = [*required, "further"]
        case 3:
            schema = {"allOf": [schema, {"properties": {"more": draw(inner)}, "required": ["more"]}]}
        case _:
            pass
    return schema


DISTINCT = [  # each has three values or more
    {"enum": ["a", "b", "c"]},
    {"type": "integer", "minimum": 4},
    {"type": "string", "minLength": 2, "maxLength": 2},
    {"type": "string", "format": "email"},
    {"type": "number", "minimum": 0, "maximum": 1},
    {"type": "string", "pattern": "^[a-c]$"},
    {"type": "object", "properties": {"p": {"type": "boolean"}, "q": {"enum": [1, 2]}}, "required": ["p", "q"]},
]


@st.composite
def arrays(draw: Any, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    low = draw(st.integers(0, 3))
    schema = {"type": "array", "items": draw(inner), "minItems": low, "maxItems": low + draw(st.integers(0, 3))}
    match draw(st.integers(0, 3)):
        case 0:
            schema |= {"items": draw(st.sampled_from(DISTINCT)), "uniqueItems": True}
        case 1:
            schema = {"type": "array", "prefixItems": [draw(inner), draw(inner)], "items": False, "minItems": 2}
        case _:
            pass
    return schema


@st.composite
def unions(draw: Any, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"anyOf": draw(st.lists(inner, min_size=1, max_size=3))}
    tagged = [
        {"type": "object", "properties": {"kind": {"const": kind}, "of": draw(inner)}, "required": ["kind", "of"]}
        for kind in ("one", "two", "three")[: draw(st.integers(1, 3))]
    ]
    return {"oneOf": tagged} if draw(st.booleans()) else {"oneOf": [*tagged, {"type": "integer", "minimum": 3}]}


BELOW = st.recursive(
    SCALARS | st.just({"$ref": "#/$defs/Node"}) | st.just({"$ref": "#/$defs/Code"}),
    lambda inner: st.one_of(objects(inner), arrays(inner), unions(inner)),
    max_leaves=8,
)
NODE = {
    "type": "object",
    "properties": {
        "label": {"type": "string"},
        "parent": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
        "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
    },
    "required": ["label", "parent", "children"],
    "additionalProperties": False,
}
CODE = {"type": "string", "pattern": "^[A-Z]{3}$"}
SCHEMAS = BELOW.map(lambda schema: {**schema, "$defs": {"Node": NODE, "Code": CODE}})
TEXTS = st.sampled_from(
    [
        "",
        "Ana Silva is 34 and lives in Oslo; write to ana@example.org.",
        "On 2026-03-14 at 10:00 we order 3 red chairs, 2 tables and a lamp for 12.50 dollars.",
        'name: Bo, age: -4, on: no, x = "y", items: 1, score 0.5, title "a", date 2026-02-31, email: none',
        "needle one two three " * 30,
    ]
)


@settings(max_examples=500, deadline=None)
@given(schema=SCHEMAS, text=TEXTS)
def test_whatever_the_schema_the_value_is_valid(schema: dict[str, Any], text: str) -> None:
    value = fill(schema, text)
    json.dumps(value, allow_nan=False)
    check(value, schema)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{3}-\d{4}$", r"^(foo|bar)?baz$", r"^#(?:[0-9a-f]{3}){1,2}$", r"^v(?P<major>\d+)\.\d+$", r"^.{5}$",
        r"^\+?[1-9]\d{6,14}$", r"\bword\b", r"^[\]\-x]+$", r"^$", r"^[^a-z\d]\W\D$", r"^(?i:ab)+?$",
        r"^[\u4e00-\u9fa5]{2}$",
    ],
)  # fmt: skip
def test_a_pattern_gets_a_text_that_matches_it(pattern: str) -> None:
    assert next(examples(pattern), None) is not None


@pytest.mark.parametrize("pattern", [r"^(?=.*\d)[a-z]{3}$", r"^(?<!a)\Zb", r"^(a)\1$", r"^[\U0001f600-\U0001f64f]$"])
def test_patterns_that_no_text_is_made_for(pattern: str) -> None:
    assert next(examples(pattern), None) is None


def test_a_pattern_that_is_none_gets_an_empty_object() -> None:
    assert fill({"type": "string", "pattern": "(unclosed"}, "a") == {}


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


STRING, INTEGER = {"type": "string"}, {"type": "integer"}


TWO = {"input_tokens": INTEGER, "output_tokens": INTEGER}
NUMBER, BOOLEAN, MOMENT = {"type": "number"}, {"type": "boolean"}, {"type": "string", "format": "date-time"}
PAINT = {"colour": {"enum": ["red", "green"]}, "coats": {"type": "integer", "default": 2}}


@pytest.mark.parametrize(
    ("text", "properties", "wanted"),
    [
        ("A call with 500 output tokens and 2000 input tokens.", TWO, [2000, 500]),
        ("It has input tokens 2000 and output tokens 500.", TWO, [2000, 500]),
        ("The model gpt-4o has 3 prices.", {"model": STRING, "prices": INTEGER}, ["gpt-4o", 3]),
        ("Hello, this is Dana Reyes from Northwind.", {"who": STRING, "company": STRING}, ["Dana Reyes", "Northwind"]),
        ("Create a customer named '你好啊集团' (Hello Group)", {"customer_name": STRING}, ["你好啊集团"]),
        ("Customer name = Ana; note = likes tea", {"customer_name": STRING, "note": STRING}, ["Ana", "likes tea"]),
        ("What is add(3, 4)?", {"a": INTEGER, "b": INTEGER}, [3, 4]),
        ("It is 1,250.50 in all, not urgent.", {"total": NUMBER, "urgent": BOOLEAN}, [1250.5, False]),
        ("Meet at 2026-03-14T10:00:00Z in B12.", {"at": MOMENT, "room": STRING}, ["2026-03-14T10:00:00Z", "B12"]),
        ("who wrote it?", {"query": STRING}, ["who wrote it?"]),
        ("Paint it green", PAINT, ["green", 2]),
    ],
)
def test_the_value_that_stands_in_the_text_is_taken(text: str, properties: dict[str, Any], wanted: list[Any]) -> None:
    assert list(fill(schema(**properties), text).values()) == wanted


def test_what_need_not_be_there_is_left_out_unless_the_text_names_it() -> None:
    weather = {"type": "object", "properties": {"city": STRING, "days": INTEGER}, "required": ["city"]}
    assert fill(weather, "Weather in Rome") == {"city": "Rome"}
    assert fill(weather, "Weather in Rome for 3 days") == {"city": "Rome", "days": 3}


def test_schemas_that_refer_to_themselves_end() -> None:
    itself = {"$ref": "#"}
    for schema in (
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}}}},
        {"type": "object", "properties": dict.fromkeys("abcdefghij", itself)},
        {"type": "array", "items": {"anyOf": [itself, itself, {"type": "integer"}]}, "minItems": 2},
    ):
        check(fill(schema, "a b c d e f g h i j 1 2 3"), schema)
    for nonsense in (itself, {"allOf": [itself]}, {"anyOf": [itself, {"type": "null"}]}, {"$ref": "#/$defs/gone"}):
        fill(nonsense, "a 1")
