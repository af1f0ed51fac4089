"""Schemas of tools and answers arrive whole, strict wherever that was said, under names that fit."""

from __future__ import annotations

from typing import Any, Generic, TypedDict, TypeVar

import pytest
import typing_extensions
from langchain.agents.structured_output import ProviderStrategy
from langchain_core.tools import tool
from pydantic import BaseModel, Field

T = TypeVar("T")


class Node(BaseModel):
    """A node."""

    name: str
    children: list[Node] = []


class Inner(BaseModel):
    """What is inside."""

    x: int = 1


class Outer(BaseModel):
    """What is outside."""

    inner: Inner = Field(description="described")
    note: str | None = None


class Answer(BaseModel, Generic[T]):
    """An answer."""

    data: T


@tool
def plant(root: Node, depth: int = 1) -> str:
    """Plant a tree."""
    return root.name * depth


def plant_too(root: Node, depth: int = 1) -> str:
    """Plant a tree."""
    return root.name * depth


def sent(gateway: Any, runnable: Any, **arguments: Any) -> dict[str, Any]:
    gateway.says("{}")
    runnable.invoke("hi", **arguments)
    body: dict[str, Any] = gateway.bodies[-1]
    return body


def schema_of(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (
        body["response_format"]["json_schema"]["schema"]
        if "response_format" in body
        else body["tools"][0]["function"]["parameters"]
    )
    return found


ITEMS = {"$ref": "#/$defs/Node"}


@pytest.mark.parametrize(
    "make",
    [
        lambda model: model.bind_tools([Node]),
        lambda model: model.bind_tools([Node.model_json_schema() | {"title": "Node"}]),
        lambda model: model.bind_tools([], response_format=Node),
        lambda model: model.with_structured_output(Node, method="function_calling", include_raw=True),
        lambda model: model.with_structured_output(Node, include_raw=True),
        lambda model: model.with_structured_output(Node, include_raw=True, strict=True),
        lambda model: model.bind(response_format=Node),
        lambda model: model.bind(tools=[Node]),
    ],
)
def test_what_contains_itself_keeps_its_definition(gateway, make) -> None:
    schema = schema_of(sent(gateway, make(gateway.model())))
    assert schema["type"] == "object"
    assert schema["properties"]["children"]["items"] == ITEMS
    assert schema["$defs"]["Node"]["properties"]["children"]["items"] == ITEMS


@pytest.mark.parametrize("function", [plant, plant_too])
def test_arguments_that_contain_themselves_keep_their_definition(gateway, function) -> None:
    schema = schema_of(sent(gateway, gateway.model().bind_tools([function])))
    assert schema["properties"]["root"] == ITEMS
    assert schema["required"] == ["root"]
    assert schema["$defs"]["Node"]["properties"]["children"]["items"] == ITEMS


class Branch(typing_extensions.TypedDict):
    """A branch."""

    name: str
    branches: list[Branch]


@pytest.mark.parametrize("strict", [None, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda model, strict: model.bind_tools([Branch], strict=strict),
        lambda model, strict: model.with_structured_output(
            Branch, method="function_calling", include_raw=True, strict=strict
        ),
        lambda model, strict: model.with_structured_output(Branch, include_raw=True, strict=strict),
    ],
)
def test_a_typed_dict_may_contain_itself_too(gateway, make, strict) -> None:
    body = sent(gateway, make(gateway.model(), strict))
    described = body["response_format"]["json_schema"] if "response_format" in body else body["tools"][0]["function"]
    assert (described["name"], described["description"]) == ("Branch", "A branch.")
    schema = schema_of(body)
    assert schema["type"] == "object"
    assert schema["required"] == ["name", "branches"]
    assert schema["properties"]["branches"]["items"] == {"$ref": "#/$defs/Branch"}
    closed = {each.get("additionalProperties") for each in (schema, schema["$defs"]["Branch"])}
    assert closed == ({False} if strict else {None})


CLOSED = {
    "type": "object",
    "properties": {
        "inner": {
            "type": "object",
            "description": "described",
            "properties": {"x": {"type": "integer"}},
            "required": ["x"],
            "additionalProperties": False,
        },
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["inner", "note"],
    "additionalProperties": False,
}


def without_titles(schema: Any) -> Any:
    if isinstance(schema, list):
        return [without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: without_titles(part) for name, part in schema.items() if name != "title"}
    return (
        told
        if told.get("description") != "What is outside."
        else {**told, "description": None} and {name: part for name, part in told.items() if name != "description"}
    )


READY = {"type": "json_schema", "json_schema": {"name": "Outer", "schema": Outer.model_json_schema(), "strict": True}}


@pytest.mark.parametrize(
    "make",
    [
        lambda model: model.bind_tools([Outer], strict=True),
        lambda model: model.bind_tools([], **ProviderStrategy(Outer, strict=True).to_model_kwargs()),
        lambda model: model.bind(**ProviderStrategy(Outer, strict=True).to_model_kwargs()),
        lambda model: model.bind_tools([], response_format=READY),
        lambda model: model.bind_tools([], response_format=READY["json_schema"]),
        lambda model: model.bind_tools([], response_format=Outer, strict=True),
        lambda model: model.bind_tools(
            [{"type": "function", "function": {"name": "o", "parameters": Outer.model_json_schema(), "strict": True}}]
        ),
        lambda model: model.bind_tools(
            [{"type": "function", "function": {"name": "o", "parameters": Outer.model_json_schema()}}], strict=True
        ),
        lambda model: model.with_structured_output(Outer, strict=True, include_raw=True),
        lambda model: model.with_structured_output(READY["json_schema"], include_raw=True),
        lambda model: model.with_structured_output(READY["json_schema"], include_raw=True, method="function_calling"),
        lambda model: model.with_structured_output(Outer, strict=True, include_raw=True, method="function_calling"),
    ],
)
def test_strict_schemas_are_closed_wherever_they_come_from(gateway, make) -> None:
    body = sent(gateway, make(gateway.model()))
    assert without_titles(schema_of(body)) == CLOSED
    described = body["response_format"]["json_schema"] if "response_format" in body else body["tools"][0]["function"]
    assert described["strict"] is True


def test_a_schema_that_is_not_strict_stays_as_it_is(gateway) -> None:
    ready = {"name": "Outer", "schema": {"type": "object", "properties": {"x": {}}}}
    form = {"type": "json_schema", "json_schema": ready}
    assert sent(gateway, gateway.model(), response_format=form)["response_format"] == form
    assert sent(gateway, gateway.model().bind(response_format=form))["response_format"] == form
    odd = {"type": "json_schema", "json_schema": {"name": "Outer"}}
    assert sent(gateway, gateway.model().bind(response_format=odd))["response_format"] == odd


def test_names_are_made_to_fit(gateway) -> None:
    model = gateway.model()
    named = sent(gateway, model.with_structured_output(Answer[int], include_raw=True))
    assert named["response_format"]["json_schema"]["name"] == "Answer_int_"
    called = sent(gateway, model.with_structured_output(Answer[int], include_raw=True, method="function_calling"))
    assert called["tools"][0]["function"]["name"] == "Answer_int_"
    assert called["tool_choice"] == {"type": "function", "function": {"name": "Answer_int_"}}
    titled = {"title": "My answer", "type": "object", "properties": {"x": {"type": "integer"}}}
    body = sent(gateway, model.bind_tools([titled], tool_choice="My answer"))
    assert body["tools"][0]["function"]["name"] == body["tool_choice"]["function"]["name"] == "My_answer"


def test_an_answer_under_a_name_that_was_made_to_fit_is_found(gateway) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "Answer_int_", "arguments": '{"data": 1}'}}
    gateway.says(None, message={"tool_calls": [call]})
    asked = gateway.model().with_structured_output(Answer[int], method="function_calling")
    assert asked.invoke("hi") == Answer[int](data=1)


def test_tools_and_forms_may_be_bound_and_given_as_classes(gateway) -> None:
    bound = sent(gateway, gateway.model().bind(tools=[plant], tool_choice="plant", response_format=Inner))
    given = sent(gateway, gateway.model(), tools=[plant], tool_choice="plant", response_format=Inner)
    assert bound == given
    assert bound["tools"][0]["function"]["name"] == "plant"
    assert bound["tool_choice"] == {"type": "function", "function": {"name": "plant"}}
    assert bound["response_format"]["json_schema"]["name"] == "Inner"


def test_typed_dictionaries_and_tools_of_other_apis(gateway) -> None:
    class Place(TypedDict):
        """A place."""

        city: str

    search = {"type": "web_search_preview"}
    tools = [{"name": "add", "input_schema": {"type": "object", "properties": {}}}, Place, search]
    first, second, third = sent(gateway, gateway.model().bind_tools(tools))["tools"]
    assert (first["function"]["name"], second["function"]["name"], third) == ("add", "Place", search)


def test_numbers_of_tokens_may_be_keys_of_logit_bias(gateway) -> None:
    assert sent(gateway, gateway.model(logit_bias={50256: -100}))["logit_bias"] == {"50256": -100}
    assert sent(gateway, gateway.model(), logit_bias={50256: -100})["logit_bias"] == {"50256": -100}
    with pytest.raises(ValueError, match="logit_bias"):
        gateway.model(logit_bias=3)
