"""Schemas of tools and answers arrive whole, strict wherever that was said, under names that fit."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import pytest
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool, ToolMetadata
from pydantic import BaseModel, Field

T = TypeVar("T")
PROMPT = PromptTemplate("Do it.")


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


def asked(gateway: Any, output: type[BaseModel], value: str, **settings: Any) -> dict[str, Any]:
    """The schema that goes out, with its name, and an answer to it is read."""
    llm = gateway.llm(**settings)
    if settings.get("should_use_structured_outputs"):
        gateway.says(value)
        assert llm.structured_predict(output, PROMPT) == output.model_validate_json(value)
        described = gateway.bodies[-1]["response_format"]["json_schema"]
        return {**described, "parameters": described["schema"]}
    call = {"id": "c1", "type": "function", "function": {"name": "x", "arguments": value}}
    call["function"]["name"] = output.model_json_schema().get("title", output.__name__)
    call["function"]["name"] = call["function"]["name"].replace("[", "_").replace("]", "_")
    gateway.says(None, message={"tool_calls": [call]})
    assert llm.structured_predict(output, PROMPT) == output.model_validate_json(value)
    function: dict[str, Any] = gateway.bodies[-1]["tools"][0]["function"]
    return function


WAYS = [{}, {"strict": True}, {"should_use_structured_outputs": True}]


@pytest.mark.parametrize("settings", [*WAYS, {"should_use_structured_outputs": True, "strict": False}])
def test_what_contains_itself_keeps_its_definition(gateway, settings) -> None:
    schema = asked(gateway, Node, '{"name": "a", "children": []}', **settings)["parameters"]
    assert schema["type"] == "object"
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert schema["$defs"]["Node"]["properties"]["name"]["type"] == "string"


@pytest.mark.parametrize("settings", [{"strict": True}, {"should_use_structured_outputs": True}])
def test_strict_schemas_are_closed_at_every_depth(gateway, settings) -> None:
    described = asked(gateway, Outer, '{"inner": {"x": 1}, "note": null}', **settings)
    assert described["strict"] is True
    inner = described["parameters"]["properties"]["inner"]
    assert "$ref" not in inner
    assert inner["description"] == "described"
    for schema in (described["parameters"], inner):
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
        assert not any("default" in part for part in schema["properties"].values())


@pytest.mark.parametrize("settings", WAYS)
def test_names_are_made_to_fit(gateway, settings) -> None:
    assert asked(gateway, Answer[int], '{"data": 1}', **settings)["name"] == "Answer_int_"


def test_a_tool_without_a_class_for_its_arguments(gateway) -> None:
    tool = FunctionTool(fn=lambda text: text, metadata=ToolMetadata(name="a" * 70, description="x", fn_schema=None))
    gateway.says("ok")
    gateway.llm().chat_with_tools([tool], user_msg="Hi")
    function = gateway.bodies[0]["tools"][0]["function"]
    assert function["name"] == "a" * 64
    assert list(function["parameters"]["properties"]) == ["input"]
