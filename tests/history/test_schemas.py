"""JSON schemas arrive whole, closed where they are strict, under names that fit."""

from __future__ import annotations

import copy
import json
import re
from typing import Any, Generic, TypeVar

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from auriko.schemas import fitting_name, inlined, strict_schema

T = TypeVar("T")


class Node(BaseModel):
    """A node of a tree."""

    name: str
    children: list[Node] = Field(default=[], description="those below")


class Address(BaseModel):
    """Where somebody lives."""

    street: str
    floor: int = 0


class Person(BaseModel):
    name: str
    home: Address = Field(description="the first home")
    second: Address | None = Field(default=None, description="another home")
    tree: Node | None = None
    labels: dict[str, int] = {}


class Even(BaseModel):
    next: list[Odd]


class Odd(BaseModel):
    next: list[Even]
    where: Address


class Resp(BaseModel, Generic[T]):
    data: T


MODELS = [Node, Address, Person, Even, Resp[int], Resp[Node]]


def objects(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for item in schema for found in objects(item)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(found for value in schema.values() for found in objects(value))]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("make", [inlined, strict_schema])
def test_every_reference_leads_to_a_definition_and_the_outermost_schema_is_an_object(model, make) -> None:
    schema = model.model_json_schema()
    before = copy.deepcopy(schema)
    made = make(schema)
    assert schema == before
    assert made["type"] == "object"
    assert "properties" in made
    references = {found["$ref"] for found in objects(made) if "$ref" in found}
    assert references == {f"#/$defs/{name}" for name in made.get("$defs", {})}
    jsonschema.Draft202012Validator.check_schema(made)


def test_only_what_contains_itself_keeps_its_definition() -> None:
    made = inlined(Person.model_json_schema())
    assert list(made["$defs"]) == ["Node"]
    assert made["properties"]["home"]["description"] == "the first home"
    assert made["properties"]["home"]["properties"]["street"] == {"title": "Street", "type": "string"}
    assert made["$defs"]["Node"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert sorted(inlined(Even.model_json_schema())["$defs"]) == ["Even", "Odd"]


@pytest.mark.parametrize("model", MODELS)
def test_strict_objects_have_all_their_properties_and_nothing_stands_beside_a_reference(model) -> None:
    for found in objects(strict_schema(model.model_json_schema())):
        if "$ref" in found:
            assert list(found) == ["$ref"]
        if isinstance(found.get("properties"), dict):
            assert found["additionalProperties"] is False
            assert found["required"] == list(found["properties"])
            assert not any("default" in part for part in found["properties"].values())


def test_a_description_beside_a_reference_goes_with_what_it_refers_to() -> None:
    home = strict_schema(Person.model_json_schema())["properties"]["home"]
    assert home["description"] == "the first home"
    assert home["required"] == ["street", "floor"]


def test_a_reference_to_itself_with_a_description_stays_a_reference() -> None:
    schema = {
        "$ref": "#/$defs/A",
        "$defs": {"A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A", "description": "again"}}}},
    }
    assert strict_schema(schema)["properties"]["a"] == {"$ref": "#/$defs/A"}


def test_a_definition_that_is_reached_on_two_ways_is_none_that_contains_itself() -> None:
    way = {"type": "object", "properties": {"end": {"$ref": "#/$defs/End"}}}
    schema = {
        "type": "object",
        "properties": {"start": {"$ref": "#/$defs/Start"}},
        "$defs": {
            "Start": {"anyOf": [{"$ref": "#/$defs/Left"}, {"$ref": "#/$defs/Right"}]},
            "Left": way,
            "Right": way,
            "End": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/More"}]},
            "More": {"type": "integer"},
        },
    }
    end = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    way = {"type": "object", "properties": {"end": end}}
    assert inlined(schema) == {"type": "object", "properties": {"start": {"anyOf": [way, way]}}}


def test_references_that_lead_nowhere_and_properties_with_odd_names_are_left_alone() -> None:
    schema = {
        "type": "object",
        "properties": {"$ref": {"type": "string"}, "default": {"$ref": "#/$defs/Gone"}, "flag": True},
        "definitions": {"Old": {"type": "integer"}},
    }
    made = strict_schema(schema)
    assert made["properties"] == schema["properties"]
    assert inlined({**schema, "items": {"$ref": "#/definitions/Old"}})["items"] == {"type": "integer"}


@pytest.mark.parametrize("model", MODELS)
def test_what_the_class_writes_is_valid_by_both(model) -> None:
    example: Any = {
        Node: Node(name="a", children=[Node(name="b")]),
        Address: Address(street="x"),
        Person: Person(name="p", home=Address(street="x"), tree=Node(name="a")),
        Even: Even(next=[Odd(next=[], where=Address(street="x"))]),
        Resp[int]: Resp[int](data=1),
        Resp[Node]: Resp[Node](data=Node(name="a")),
    }[model]
    value = json.loads(example.model_dump_json())
    jsonschema.validate(value, inlined(model.model_json_schema()))
    jsonschema.validate(value, strict_schema(model.model_json_schema()))


@pytest.mark.parametrize(
    ("name", "fitting"), [("Resp[int]", "Resp_int_"), ("My title", "My_title"), ("é", "_"), ("a" * 70, "a" * 64)]
)
def test_names_fit(name: str, fitting: str) -> None:
    assert fitting_name(name) == fitting


@given(st.text(min_size=1))
@settings(max_examples=50)
def test_every_name_fits(name: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", fitting_name(name))


def test_what_leads_into_a_circle_is_in_none_itself() -> None:
    def with_field(reference: str) -> dict[str, object]:
        return {"type": "object", "properties": {"next": {"$ref": f"#/$defs/{reference}"}}}

    schema = {**with_field("A"), "$defs": {"A": with_field("B"), "B": with_field("C"), "C": with_field("B")}}
    made = inlined(schema)
    assert made["properties"]["next"]["properties"]["next"] == {"$ref": "#/$defs/B"}
    assert "A" not in made["$defs"]
